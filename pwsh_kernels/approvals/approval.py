"""An approval: asked for, decided once by a person, used once, and in time.

Pure. Every step returns another approval or raises ApprovalRefused; the moment is given.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pwsh_kernels.approvals.change import Change, digest_of, gist
from pwsh_kernels.classification import Class
from pwsh_kernels.errors import ApprovalRefused
from pwsh_kernels.principals.principal import Kind, Principal

LIFETIME = timedelta(minutes=15)
"""How long a request waits for a decision, and what is approved for its use, unless the server is
told otherwise.
"""
DECLINE_REMEMBERED = timedelta(hours=1)
"""How long the same request is not asked again after somebody has declined it."""


class State(StrEnum):
    """Where an approval stands. Only the first two may become another."""

    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"
    USED = "used"
    OUTDATED = "outdated"
    """Approved, and nothing ran: what it is for had changed."""
    WITHDRAWN = "withdrawn"
    """Its run ended before anybody decided."""


OPEN = frozenset({State.PENDING, State.APPROVED})


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, with everything that an approver has to see."""

    changes: tuple[Change, ...]
    """One for each session."""
    kind: Class
    requester: str
    """The id of the principal that asked."""
    client: str = ""
    """The requester's program, by the name that it gives itself."""
    reason: str = ""
    """What the requester says that the change is for; nothing in it that cannot be seen."""
    text: str = ""
    """The command in canonical form."""
    values: str = ""
    """The values of its parameters, as visible JSON without secrets."""
    commands: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    """Why it is of its class."""
    oddities: tuple[tuple[str, ...], ...] = ()
    """What bends the commands in the session of each of `changes`."""
    runs: tuple[str, ...] = ()
    """The run that waits for it, for each of `changes`."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A request for a change, and what became of it."""

    id: str
    digest: str
    """That of the changes (`digest_of`): nothing else is approved."""
    request: Request
    asked_at: datetime
    expires_at: datetime
    state: State = State.PENDING
    decided_by: str = ""
    decided_at: datetime | None = None
    words: str = ""
    """What the decider said, or why it came to nothing."""

    def state_at(self, at: datetime) -> State:
        """Return where it stands at a moment: what waits for too long expires by itself."""
        return State.EXPIRED if self.state in OPEN and at >= self.expires_at else self.state


def asked(
    approval_id: str, request: Request, at: datetime, lifetime: timedelta = LIFETIME
) -> Approval:
    """Return a new request, which waits for a decision."""
    return Approval(approval_id, digest_of(request.changes), request, at, at + lifetime)


def approved(approval: Approval, by: Principal, at: datetime, *, four_eyes: bool) -> Approval:
    """Return it granted; with four eyes, by somebody else than its requester.

    Whether `by` holds the verb `approve` there is the guard's question. Raises ApprovalRefused.
    """
    _require(approval, State.PENDING, at)
    _require_person(approval, by)
    if four_eyes and sides_with(by.id, approval.request.requester):
        raise ApprovalRefused(approval.id, "somebody else than who asked must approve it.")
    return replace(approval, state=State.APPROVED, decided_by=by.id, decided_at=at)


def declined(approval: Approval, by: Principal, at: datetime, words: str = "") -> Approval:
    """Return it declined, also after it was granted. Raises ApprovalRefused."""
    _require_person(approval, by)
    if approval.state_at(at) not in OPEN:
        _require(approval, State.PENDING, at)
    return replace(approval, state=State.DECLINED, decided_by=by.id, decided_at=at, words=words)


def used(approval: Approval, changes: Sequence[Change], by: str, at: datetime) -> Approval:
    """Return it used up, for the changes that are about to run: some or all of those that it lists.

    Raises ApprovalRefused.
    """
    _require(approval, State.APPROVED, at)
    if by != approval.request.requester:
        raise ApprovalRefused(approval.id, f"it is {approval.request.requester}'s.")
    listed = {one.digest() for one in approval.request.changes}
    if not changes or not listed.issuperset(one.digest() for one in changes):
        raise ApprovalRefused(
            approval.id, "it is for another command, value, place, account or form."
        )
    return replace(approval, state=State.USED)


def outdated(approval: Approval, words: str, at: datetime) -> Approval:
    """Return it granted in vain. Raises ApprovalRefused."""
    _require(approval, State.APPROVED, at)
    return replace(approval, state=State.OUTDATED, words=words)


def withdrawn(approval: Approval) -> Approval:
    """Return it without the run that it is for; a decision stays what it is."""
    return replace(approval, state=State.WITHDRAWN) if approval.state in OPEN else approval


def may_ask(earlier: Approval, request: Request, at: datetime) -> bool:
    """Return whether a request may be made although there was an earlier one: not soon after the
    same was declined, in any of its sessions.
    """
    ours = asker(earlier.request.requester) == asker(request.requester)
    lately = earlier.decided_at is None or at < earlier.decided_at + DECLINE_REMEMBERED
    if not (ours and lately) or earlier.state is not State.DECLINED:
        return True
    said_no = {gist(one) for one in earlier.request.changes}
    return said_no.isdisjoint(map(gist, request.changes))


def asker(requester: str) -> str:
    """Return for whom requests are counted: a client that calls itself something else is no other
    agent.
    """
    owner, derived, _ = requester.partition("/")
    return f"{owner}/" if derived else requester


def sides_with(person: str, requester: str) -> bool:
    """Return whether a person asked, or an agent that acts for them; both by their ids."""
    return requester == person or requester.startswith(f"{person}/")


def _require(approval: Approval, state: State, at: datetime) -> None:
    now = approval.state_at(at)
    if now is not state:
        raise ApprovalRefused(approval.id, f"it is {now.value}, not {state.value}.")


def _require_person(approval: Approval, by: Principal) -> None:
    if by.kind not in (Kind.PERSON, Kind.OWNER):
        raise ApprovalRefused(approval.id, "only a person decides.")
