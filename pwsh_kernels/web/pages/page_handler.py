"""What all pages share: who looks, what a page's content may do, and refusals as pages."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import responses
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

from jupyter_server.base.handlers import JupyterHandler
from tornado.web import HTTPError

from pwsh_kernels.approvals.proof import Proof
from pwsh_kernels.errors import PageCodeRefused, PageForPeople, ProductError
from pwsh_kernels.escapes import one_line, visible
from pwsh_kernels.principals.principal import OWNER, SERVER, SOMEWHERE, Principal, Where
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.principals.watched_file import PrincipalsFile
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.web.access import Caller
from pwsh_kernels.web.jupyter.gate import caller_of
from pwsh_kernels.web.page_codes import PEOPLE, SIGN_IN
from pwsh_kernels.web.pages.times import ago, clock, until
from pwsh_kernels.web.product import Backend
from pwsh_kernels.web.rest.bodies import read_model
from pwsh_kernels.web.rest.endpoints import Call
from pwsh_kernels.web.rest.routes import ROUTES

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
TEMPLATES = Path(__file__).parent / "templates"
AFTER_SIGN_IN = re.compile(r"approvals/[\w-]{1,80}")
"""Pages to which a sign-in may lead: those to which a notification does."""
CLIENT = "page"
"""The calling program, as runs show it."""
BY_NAME = {f"{one.method} {one.path}": one for one in ROUTES}
"""The route table by method and path: `GET /runs/{id}`."""


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages know of their server besides what REST answers."""

    backend: Backend
    principals: PrincipalsFile
    has_lab: bool
    mcp_program: str
    """The program of the MCP server over stdio."""
    provider: str
    """The host of the OpenID provider where people sign in; "": there is none."""
    address: Callable[[], str]
    """Returns the server's address on this machine, once it is known."""


class PageHandler(JupyterHandler):
    """A page, or what one of its forms is sent to.

    Everything that it shows and does is a call of one of REST's routes, for whoever has signed in.
    """

    verb: ClassVar[Verb] = Verb.SEE
    """What a person must be allowed to do, in `where`, to get here at all."""
    where: ClassVar[Where] = SOMEWHERE
    tab: ClassVar[str] = ""
    """The entry of the navigation that is marked."""

    def initialize(self, site: Site) -> None:
        """Take what the pages know."""
        self.site = site
        self.backend = site.backend
        self.caller: Caller | None = None

    # -- who looks --------------------------------------------------------------------------------

    async def prepare(self, *, _redirect_to_login: bool = True) -> None:
        """Find out who looks; a browser that has not signed in is told how to.

        Raises PageForPeople, Forbidden.
        """
        await super().prepare(_redirect_to_login=False)
        found = caller_of(self)
        if found is None:
            self.show_stranger()
            return
        if found.principal.kind not in PEOPLE:
            raise PageForPeople(principal=found.name)
        self.caller = Caller(found.principal, CLIENT)
        self.backend.guard.require(self.caller, self.verb, self.where)
        if self.get_query_argument("token", ""):
            self.redirect(self.request.path)  # a token in an address stays in a browser's history

    def show_stranger(self) -> None:
        """Tell somebody who has not signed in how to."""
        self.set_status(401)
        self.set_header("WWW-Authenticate", 'Bearer realm="pwsh-kernels"')
        self.show("stranger.html", error="")

    @property
    def then(self) -> str:
        """Where somebody who signs in now wants to go: "" for the first page."""
        wanted = self.get_argument("then", "")
        return wanted if AFTER_SIGN_IN.fullmatch(wanted) else ""

    def holder(self, code: str, purpose: str = SIGN_IN) -> Principal:
        """Return whose code it is, if they still have the token with which they asked for it.

        Raises PageCodeRefused.
        """
        then = self.backend.page_codes.whose(code, purpose)
        now = self.backend.guard.principal(then.id)
        if now is None or now.token_hash != then.token_hash:
            raise PageCodeRefused
        return now

    def may(self, verb: Verb, where: Where) -> bool:
        """Return whether whoever looks may do something somewhere."""
        return (
            self.caller is not None and self.backend.guard.decide(self.caller, verb, where).allowed
        )

    def allows(self, verb: Verb, key: SessionKey) -> bool:
        """Return whether whoever looks may do something in a session."""
        return self.caller is not None and self.backend.guard.allows(self.caller, verb, key)

    async def ask(
        self,
        route: str,
        values: Mapping[str, object] | None = None,
        of: str = "",
        proof: Proof = Proof.TOKEN_CONFINED,
    ) -> Any:
        """Return what a route of REST answers to whoever looks. Raises ProductError."""
        row = BY_NAME[route]
        call = Call(self.backend, self.caller, read_model(row.takes, values or {}), of, proof)
        return (await row.respond(call)).body

    # -- what is sent -----------------------------------------------------------------------------

    @property
    def content_security_policy(self) -> str:
        """Our own files, forms and connections; no inline script or style, no frame."""
        return POLICY

    def set_default_headers(self) -> None:
        """Pages hold device codes and output: no cache keeps them, no other site learns of them."""
        super().set_default_headers()
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")

    def compute_etag(self) -> str | None:
        """Pages are never cached, so hashing them would be useless."""
        return None

    def get_template_path(self) -> str:
        """Return where the templates of the pages are."""
        return str(TEMPLATES)

    def get_template_namespace(self) -> dict[str, Any]:
        """Return the names that every template knows."""
        return {
            **super().get_template_namespace(),
            "base": self.base_url,
            "tab": self.tab,
            "who": self.caller.name if self.caller else "",
            "person": person,
            "administers": self.may(Verb.ADMINISTER, SERVER),
            "has_lab": self.site.has_lab,
            "provider": self.site.provider,
            "then": self.then,
            "now": datetime.now(UTC),
            "ago": ago,
            "until": until,
            "clock": clock,
            "one_line": one_line,
            "visible": visible,
        }

    def show(self, template: str, **values: Any) -> None:
        """Send a page."""
        self.render(template, **values)

    def go(self, path: str) -> None:
        """Send a browser on after a form, with a GET."""
        self.redirect(f"{self.base_url}{path}", status=303)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Show a refusal, or a failure, as a page."""
        _, error, _ = kwargs.get("exc_info", (None, None, None))
        if isinstance(error, ProductError):
            self.set_status(error.status)
            status_code, text = error.status, error.text()
        elif isinstance(error, HTTPError) and status_code < 500:
            text = error.log_message or responses.get(status_code, "Refused")
        else:
            text = ProductError().text()
        self.show("refusal.html", status=status_code, text=text)

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Log our own mistakes with a traceback and without the query string."""
        if isinstance(value, ProductError | HTTPError):
            return
        facts = (typ, value, tb) if typ and value else None
        self.log.error("%s %s failed", self.request.method, self.request.path, exc_info=facts)


def person(principal: str) -> str:
    """Return a principal's name for people: the owner's is `token`."""
    name = one_line(principal)
    return f"the owner{name.removeprefix(OWNER.id)}" if name.startswith(OWNER.id) else name
