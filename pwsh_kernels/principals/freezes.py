"""Where agents are stopped: the kill switch of a person. Pure."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from pwsh_kernels.principals.principal import Reach, Where
from pwsh_kernels.principals.verbs import Verb

STOPPED_VERBS = frozenset({Verb.SIGN_IN, Verb.WRITE, Verb.ANSWER})
"""What an agent may not do where agents are stopped. It still sees and reads: it may have to say
what it has done, and to end what it holds.
"""


@dataclass(frozen=True, slots=True)
class Freeze:
    """Agents are stopped in a tenant, or, with empty text, in all of them."""

    tenant: str
    by: str
    since: datetime
    why: str = ""

    def covers(self, where: Where) -> bool:
        """Return whether it is about this place."""
        return not self.tenant or self.tenant in {where.tenant, *where.names}

    def text(self) -> str:
        """Return it as a part of a sentence."""
        place = f"in {self.tenant}" if self.tenant else "everywhere"
        reason = f" ({self.why})" if self.why else ""
        return f"{self.by} has stopped all agents {place} at {self.since.isoformat()}{reason}"


@dataclass(frozen=True, slots=True)
class Freezes:
    """All places where agents are stopped now."""

    known: tuple[Freeze, ...] = ()

    def __iter__(self) -> Iterator[Freeze]:
        """Give each of them."""
        return iter(self.known)

    def over(self, where: Where) -> Freeze | None:
        """Return why agents are stopped in a place; None: they are not.

        What depends on no tenant is stopped when everything is.
        """
        if where.reach in {Reach.SOMEWHERE, Reach.SERVER}:
            return next((one for one in self.known if not one.tenant), None)
        return next((one for one in self.known if one.covers(where)), None)

    def frozen(self, freeze: Freeze) -> "Freezes":
        """Return these and one more, which replaces one of the same place."""
        return Freezes((*self.thawed(freeze.tenant).known, freeze))

    def thawed(self, tenant: str) -> "Freezes":
        """Return these without the one of a place; that of all tenants is another place."""
        return replace(self, known=tuple(one for one in self.known if one.tenant != tenant))

    def to_json(self) -> str:
        """Return what the file says."""
        rows = [{**asdict(one), "since": one.since.isoformat()} for one in self.known]
        return json.dumps({"frozen": rows}, indent=2) + "\n"


def read_freezes(text: str) -> Freezes:
    """Return what a file says. Raises ValueError for one that nobody can understand."""
    try:
        rows = json.loads(text)["frozen"]
        return Freezes(tuple(_read(row) for row in rows))
    except (KeyError, TypeError) as problem:
        raise ValueError(f"{type(problem).__name__}: {problem}") from None


def _read(row: dict[str, str]) -> Freeze:
    since = datetime.fromisoformat(row["since"])
    return Freeze(str(row["tenant"]), str(row["by"]), since, str(row.get("why", "")))
