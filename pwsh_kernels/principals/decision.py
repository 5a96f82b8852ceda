"""The decision: may this principal do that there, and why. Pure; every door asks it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pwsh_kernels.principals.freezes import STOPPED_VERBS, Freezes
from pwsh_kernels.principals.principal import Grant, Kind, Principal, Where
from pwsh_kernels.principals.verbs import PEOPLE_ONLY, Verb, with_implied

NOTHING_FROZEN = Freezes()


class Reason(StrEnum):
    """Why something is allowed or not."""

    GRANTED = "granted"
    NO_GRANT = "no_grant"
    NEVER_FOR_AGENTS = "never_for_agents"
    EXPIRED = "expired"
    REVOKED = "revoked"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer with what it rests on.

    `by` are the numbers of the grants that allow it (1 is the first), `held` what the principal may
    do there at all.
    """

    reason: Reason
    principal: str
    verb: Verb
    where: Where
    by: tuple[int, ...] = ()
    held: frozenset[Verb] = frozenset()
    since: datetime | None = None
    why: str = ""

    @property
    def allowed(self) -> bool:
        """Whether the principal may do it."""
        return self.reason is Reason.GRANTED

    def facts(self) -> Mapping[str, object]:
        """Return the decision as JSON values."""
        return {
            "allowed": self.allowed,
            "reason": self.reason.value,
            "principal": self.principal,
            "verb": self.verb.value,
            "reach": self.where.reach.value,
            "tenant": self.where.tenant,
            "module": self.where.module,
            "by_grants": list(self.by),
            "may": sorted(self.held),
            "since": self.since.isoformat() if self.since else None,
        }

    def text(self) -> str:
        """Return the decision as a sentence."""
        may = f"{self.principal} may {self.verb} in {self.where}"
        match self.reason:
            case Reason.GRANTED:
                return f"{may}: by {_numbered(self.by)}."
            case Reason.REVOKED:
                return f"{self.principal} was revoked at {self.since} and may do nothing."
            case Reason.EXPIRED:
                return f"{self.principal} expired at {self.since} and may do nothing."
            case Reason.FROZEN:
                return f"{self.principal} may not {self.verb} in {self.where}: {self.why}."
            case Reason.NEVER_FOR_AGENTS:
                return f"{self.principal} may not {self.verb}: no grant gives that to an agent."
            case _:
                held = ", ".join(sorted(self.held)) or "nothing"
                refused = may.replace(" may ", " may not ", 1)
                return f"{refused}: no grant says so. There it may: {held}."


def decide(
    principal: Principal,
    verb: Verb,
    where: Where,
    at: datetime,
    freezes: Freezes = NOTHING_FROZEN,
) -> Decision:
    """Return whether a principal may do something somewhere, at a time.

    What no grant allows is refused. An owner's right is a grant like any other. `freezes` are the
    places where agents are stopped.
    """
    asked = principal.id, verb, where
    if principal.revoked is not None:
        return Decision(Reason.REVOKED, *asked, since=principal.revoked)
    if principal.expired(at):
        return Decision(Reason.EXPIRED, *asked, since=principal.expires)
    held = held_verbs(principal, where)
    if principal.kind is Kind.AGENT and verb in PEOPLE_ONLY:
        return Decision(Reason.NEVER_FOR_AGENTS, *asked, held=held)
    by = tuple(
        number for number, grant in enumerate(principal.grants, 1) if _allows(grant, verb, where)
    )
    freeze = freezes.over(where) if _can_be_frozen(principal, verb) else None
    if by and freeze:
        return Decision(Reason.FROZEN, *asked, held=held, since=freeze.since, why=freeze.text())
    return Decision(Reason.GRANTED if by else Reason.NO_GRANT, *asked, by=by, held=held)


def _can_be_frozen(principal: Principal, verb: Verb) -> bool:
    return principal.kind is Kind.AGENT and verb in STOPPED_VERBS


def held_verbs(principal: Principal, where: Where) -> frozenset[Verb]:
    """Return what the grants of a principal give it in a place, while they are in force."""
    verbs = [with_implied(grant.verbs) for grant in principal.grants if grant.covers(where)]
    held = frozenset[Verb]().union(*verbs)
    return held - PEOPLE_ONLY if principal.kind is Kind.AGENT else held


def _allows(grant: Grant, verb: Verb, where: Where) -> bool:
    return verb in with_implied(grant.verbs) and grant.covers(where)


def _numbered(grants: tuple[int, ...]) -> str:
    return f"grant{'s' if len(grants) > 1 else ''} {', '.join(map(str, grants))}"
