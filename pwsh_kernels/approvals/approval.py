"""An approval: asked for, decided once by a person, used once, and in time.

Pure. Every step returns another approval or raises ApprovalRefused; the moment is given.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from pwsh_kernels.approvals.change import Change
from pwsh_kernels.classification import Class
from pwsh_kernels.errors import ApprovalRefused
from pwsh_kernels.principals.principal import Kind, Principal

LIFETIME = timedelta(minutes=15)
"""How long a request waits for a decision, and what is approved for its use."""
DECLINE_REMEMBERED = timedelta(hours=1)
"""How long the same request is not asked again after somebody has declined it."""


class State(StrEnum):
    """Where an approval stands. Only the first two may become another."""

    PENDING = "pending"
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"
    USED = "used"


@dataclass(frozen=True, slots=True)
class Approval:
    """A request for a change, and what became of it."""

    id: str
    digest: str
    """That of the change (`Change.digest`): nothing else is approved."""
    kind: Class
    requester: str
    """The id of the principal that asked."""
    reason: str
    """What the requester said that the change is for."""
    asked_at: datetime
    expires_at: datetime
    state: State = State.PENDING
    decided_by: str = ""
    decided_at: datetime | None = None

    def state_at(self, at: datetime) -> State:
        """Return where it stands at a moment: what waits for too long expires by itself."""
        open_states = (State.PENDING, State.APPROVED)
        return State.EXPIRED if self.state in open_states and at >= self.expires_at else self.state


def asked(
    approval_id: str,
    change: Change,
    kind: Class,
    *,
    requester: Principal,
    reason: str,
    at: datetime,
) -> Approval:
    """Return a new request, which waits for a decision."""
    expires = at + LIFETIME
    return Approval(approval_id, change.digest(), kind, requester.id, reason, at, expires)


def approved(approval: Approval, by: Principal, at: datetime, *, four_eyes: bool) -> Approval:
    """Return it granted; with four eyes, by somebody else than its requester.

    Whether `by` holds the verb `approve` there is the guard's question. Raises ApprovalRefused.
    """
    _require(approval, State.PENDING, at)
    _require_person(approval, by)
    if four_eyes and _is_side_of(by, approval.requester):
        raise ApprovalRefused(approval.id, "somebody else than who asked must approve it.")
    return replace(approval, state=State.APPROVED, decided_by=by.id, decided_at=at)


def declined(approval: Approval, by: Principal, at: datetime) -> Approval:
    """Return it declined, also after it was granted. Raises ApprovalRefused."""
    _require_person(approval, by)
    if approval.state_at(at) not in (State.PENDING, State.APPROVED):
        _require(approval, State.PENDING, at)
    return replace(approval, state=State.DECLINED, decided_by=by.id, decided_at=at)


def used(approval: Approval, change: Change, by: Principal, at: datetime) -> Approval:
    """Return it used up, for the change that is about to run. Raises ApprovalRefused."""
    _require(approval, State.APPROVED, at)
    if by.id != approval.requester:
        raise ApprovalRefused(approval.id, f"it is {approval.requester}'s.")
    if change.digest() != approval.digest:
        raise ApprovalRefused(
            approval.id, "it is for another command, value, place, account or form."
        )
    return replace(approval, state=State.USED)


def may_ask(earlier: Approval, change: Change, requester: Principal, at: datetime) -> bool:
    """Return whether a request may be made although there was an earlier one: not the same again
    soon after it was declined.
    """
    same = (earlier.digest, earlier.requester) == (change.digest(), requester.id)
    if not same or earlier.state is not State.DECLINED or earlier.decided_at is None:
        return True
    return at >= earlier.decided_at + DECLINE_REMEMBERED


def _is_side_of(by: Principal, requester: str) -> bool:
    """Return whether a person asked, or an agent that acts for them."""
    return requester == by.id or requester.startswith(f"{by.id}/")


def _require(approval: Approval, state: State, at: datetime) -> None:
    now = approval.state_at(at)
    if now is not state:
        raise ApprovalRefused(approval.id, f"it is {now.value}, not {state.value}.")


def _require_person(approval: Approval, by: Principal) -> None:
    if by.kind not in (Kind.PERSON, Kind.OWNER):
        raise ApprovalRefused(approval.id, "only a person decides.")
