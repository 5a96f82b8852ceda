"""A principal: who calls, and the grants that say what they may do where."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from pwsh_kernels.principals.verbs import EVERY_VERB, Verb

EVERY = "*"
"""Stands for every tenant, or every module, also those that come later."""


class Kind(StrEnum):
    """What a principal is. The owner holds the server's own token and stands in no file."""

    PERSON = "person"
    AGENT = "agent"
    SCRIPT = "script"
    OWNER = "owner"


class Reach(StrEnum):
    """How much a right must cover to allow something."""

    SESSION = "session"
    TENANT = "tenant"
    SERVER = "server"
    SOMEWHERE = "somewhere"


@dataclass(frozen=True, slots=True)
class Where:
    """What a right is asked for.

    A session (tenant and module), a tenant (any of its modules), the whole server, or something
    that depends on no tenant, for which a right somewhere is enough.
    """

    reach: Reach
    tenant: str = ""
    names: frozenset[str] = frozenset()
    """All names of the tenant: a grant may use any of them."""
    tags: frozenset[str] = frozenset()
    module: str = ""

    def __str__(self) -> str:
        match self.reach:
            case Reach.SESSION:
                return f"{self.tenant}:{self.module}"
            case Reach.TENANT:
                return self.tenant
            case Reach.SERVER:
                return "the whole server"
            case _:
                return "any tenant"


SERVER = Where(Reach.SERVER)
SOMEWHERE = Where(Reach.SOMEWHERE)


@dataclass(frozen=True, slots=True)
class Grant:
    """Verbs in tenants (by name or by tag), for modules."""

    verbs: frozenset[Verb]
    tenants: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset({EVERY})

    def covers(self, where: Where) -> bool:
        """Return whether it is about this place, whatever its verbs."""
        match where.reach:
            case Reach.SOMEWHERE:
                return True
            case Reach.SERVER:
                return EVERY in self.tenants and EVERY in self.modules
            case Reach.TENANT:
                return self._names(where)
            case _:
                return self._names(where) and not self.modules.isdisjoint({EVERY, where.module})

    def _names(self, where: Where) -> bool:
        by_name = not self.tenants.isdisjoint({EVERY, where.tenant, *where.names})
        return by_name or not self.tags.isdisjoint(where.tags)


@dataclass(frozen=True, slots=True)
class Principal:
    """A person, an agent or a script with a token of its own; or the owner.

    `token_hash` is the SHA-256 of the token, in hexadecimal digits.
    """

    name: str
    kind: Kind
    grants: tuple[Grant, ...] = ()
    token_hash: str = ""
    expires: datetime | None = None
    revoked: datetime | None = None
    created: datetime | None = None
    jupyter: bool = False
    """Whether Jupyter's routes (kernels, WebSockets) are open to it."""
    acts_for: str = ""
    """The id of the principal from which an agent is derived."""

    @property
    def id(self) -> str:
        """Its name for people and in records, unique in a server: `agent:claude`, `token`."""
        own = self.name if self.kind is Kind.OWNER else f"{self.kind}:{self.name}"
        return f"{self.acts_for}/{own}" if self.acts_for else own

    def expired(self, at: datetime) -> bool:
        """Return whether its time is over."""
        return self.expires is not None and at >= self.expires


OWNER = Principal(
    "token",
    Kind.OWNER,
    (Grant(EVERY_VERB, frozenset({EVERY})),),
    jupyter=True,
)
"""Who holds the server's own token. It never expires: it is the way in when the file is broken."""


def called(principal: str) -> str:
    """Return a principal's id as people read it: `the owner`, `agent:claude-code of the owner`; the
    program behind it in brackets stays.
    """
    name, space, program = principal.partition(" ")
    whose, slash, agent = name.partition("/")
    person = "the owner" if whose == OWNER.id else whose
    return f"{agent} of {person}{space}{program}" if slash else f"{person}{space}{program}"


def is_agents_id(principal: str) -> bool:
    """Return whether an id (`agent:claude`, `token/agent:claude-code`) is that of an agent."""
    return principal.rpartition("/")[2].startswith(f"{Kind.AGENT}:")


def derived_agent(owner: Principal, client: str) -> Principal:
    """Return the agent that acts for a principal through an MCP client of that name.

    It has its principal's grants, without what no agent may hold, and no way to Jupyter. An agent
    stays itself.
    """
    if owner.kind is Kind.AGENT:
        return owner
    return replace(
        owner,
        name=client or "mcp",
        kind=Kind.AGENT,
        jupyter=False,
        acts_for=owner.id,
        token_hash="",
    )
