"""Who may do what: the principals with their grants, and taking all rights from one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jupyter_server.auth.decorator import allow_unauthenticated

from pwsh_kernels import shapes
from pwsh_kernels.principals import changes
from pwsh_kernels.principals.principal import SERVER, Grant, Principal
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.web.pages.page_handler import PageHandler

LOOKED_AT = 1000
"""Newest runs in which the page looks for what somebody did last: as many as REST lists."""

SOON = timedelta(days=14)
"""How long before its end a token is marked."""


@dataclass(frozen=True, slots=True)
class PrincipalRow:
    """A principal as the page shows it."""

    id: str
    kind: str
    mark: str
    state: str
    jupyter: bool
    grants: Sequence[str]
    used: str
    last: shapes.Run | None
    may_be_revoked: bool


def row_of(
    one: Principal, last: shapes.Run | None, now: datetime, used: datetime | None = None
) -> PrincipalRow:
    """Return a principal as the page shows it."""
    mark, state = _state(one, now)
    grants = [grant_text(grant) for grant in one.grants]
    return PrincipalRow(
        one.id,
        one.kind.value,
        mark,
        state,
        one.jupyter,
        grants,
        used.isoformat() if used else "",
        last,
        one.revoked is None,
    )


def _state(one: Principal, now: datetime) -> tuple[str, str]:
    if one.revoked:
        return "bad", f"revoked {one.revoked:%Y-%m-%d}"
    if one.expired(now):
        return "off", f"expired {one.expires:%Y-%m-%d}"
    soon = one.expires is not None and one.expires - now < SOON
    return "wait" if soon else "good", f"valid until {one.expires:%Y-%m-%d}"


def grant_text(grant: Grant) -> str:
    """Return a grant as a sentence."""
    tenants = ["every tenant" if name == "*" else name for name in sorted(grant.tenants)]
    places = [*tenants, *(f"tenants tagged {tag}" for tag in sorted(grant.tags))]
    modules = "" if "*" in grant.modules else f", only {', '.join(sorted(grant.modules))}"
    verbs = ", ".join(one.replace("_", " ") for one in sorted(grant.verbs))
    return f"{verbs} in {', '.join(places)}{modules}"


def last_runs(runs: Iterable[shapes.Run]) -> Mapping[str, shapes.Run]:
    """Return the newest run of each principal; an MCP client's counts for whom it acts."""
    found: dict[str, shapes.Run] = {}
    for run in runs:
        found.setdefault(run["principal"].partition("/")[0], run)
    return found


class PrincipalsPage(PageHandler):
    """The principals of the file."""

    verb = Verb.ADMINISTER
    where = SERVER
    tab = "principals"

    @allow_unauthenticated
    async def get(self) -> None:
        """Show who may do what, until when, and what they did last."""
        runs = (await self.ask("GET /runs", {"limit": LOOKED_AT}))["runs"]
        last, now = last_runs(runs), datetime.now(UTC)
        known = self.site.principals.current().known
        used = self.backend.guard.used
        rows = [row_of(one, last.get(one.id), now, used.get(one.id)) for one in known]
        problem = self.site.principals.problem
        self.show("principals.html", rows=rows, problem=problem.text() if problem else "")


class PrincipalRevoke(PageHandler):
    """Takes all rights from a principal, after a question."""

    verb = Verb.ADMINISTER
    where = SERVER
    tab = "principals"

    @allow_unauthenticated
    async def get(self) -> None:
        """Ask first. Raises InvalidRequest for somebody unknown."""
        one = changes.find(self.site.principals.current(), self.get_query_argument("id", ""))
        self.show("principal_revoke.html", row=row_of(one, None, datetime.now(UTC)))

    @allow_unauthenticated
    async def post(self) -> None:
        """Revoke; it is in force at the next request. Raises as `changes.revoke` does."""
        now = datetime.now(UTC).replace(microsecond=0)
        path = self.backend.settings.principals_path
        changes.revoke(path, self.get_body_argument("id", ""), now)
        self.go("principals")
