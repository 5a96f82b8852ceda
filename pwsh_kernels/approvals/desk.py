"""The desk at which changes wait for a person: what was asked, what was decided, what is asked no
more. Pure but for ids; the moment is given.
"""

import logging
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from pwsh_kernels.approvals.approval import (
    LIFETIME,
    OPEN,
    Approval,
    Request,
    State,
    approved,
    asked,
    asker,
    declined,
    may_ask,
    outdated,
    used,
    withdrawn,
)
from pwsh_kernels.approvals.change import Change
from pwsh_kernels.errors import (
    ApprovalDeclinedLately,
    ApprovalRefused,
    TooManyApprovals,
    UnknownApproval,
)
from pwsh_kernels.principals.principal import Principal, called

LOG = logging.getLogger(__name__)
MOST_OPEN = 10
"""Requests of one principal, or of all agents of one person, that wait at a time: nobody reads more
of them with care.
"""
KEPT = 500
"""Decided requests that are remembered."""
SHORTEST_DIGEST = 12
"""Characters of a digest by which an approver says what they have seen."""
Listener = Callable[[Approval], None]


def _tell(listeners: Iterable[Listener], one: Approval) -> None:
    """Tell each listener; what one of them does wrong decides nothing."""
    for listener in listeners:
        try:
            listener(one)
        except Exception:
            LOG.exception("A listener failed at approval %s", one.id)


def unrecorded(_: Approval) -> None:
    """Let it go unrecorded."""


class ApprovalDesk:
    """All requests of one server since its start. Every change of one is told to the listeners."""

    def __init__(self, lifetime: timedelta = LIFETIME) -> None:
        self.lifetime = lifetime
        self._known: dict[str, Approval] = {}
        self.on_asked: list[Listener] = []
        """Each is called with a new request."""
        self.on_decided: list[Listener] = []
        """Each is called with a request that waits no more, whatever became of it."""

    def check(self, request: Request, at: datetime) -> None:
        """Raise ApprovalDeclinedLately, TooManyApprovals for what must not be asked now."""
        self.expire(at)
        for one in self._known.values():
            if not may_ask(one, request, at):
                raise ApprovalDeclinedLately(
                    one.id, one.decided_by, one.words, called(one.decided_by)
                )
        ours = asker(request.requester)
        waiting = [one for one in self._open() if asker(one.request.requester) == ours]
        if len(waiting) >= MOST_OPEN:
            raise TooManyApprovals(waiting=len(waiting))

    def ask(self, request: Request, at: datetime, record: Listener = unrecorded) -> Approval:
        """Put a request on the desk. `record` gets it first; raises as `check` and `record` do."""
        self.check(request, at)
        one = asked(f"a-{secrets.token_hex(8)}", request, at, self.lifetime)
        record(one)
        self._known[one.id] = one
        self._forget_old()
        _tell(self.on_asked, one)
        return one

    def get(self, approval_id: str, at: datetime) -> Approval:
        """Return a request as it stands. Raises UnknownApproval."""
        self.expire(at)
        if approval_id not in self._known:
            raise UnknownApproval(approval_id)
        return self._known[approval_id]

    def listed(self, shown: Callable[[Approval], bool], at: datetime) -> list[Approval]:
        """Return the requests that are shown: what waits first, newest first."""
        self.expire(at)
        newest = [one for one in reversed(self._known.values()) if shown(one)]
        return sorted(newest, key=lambda one: one.state not in OPEN)

    def approve(
        self,
        approval_id: str,
        by: Principal,
        digest: str,
        at: datetime,
        *,
        four_eyes: bool,
        record: Listener = unrecorded,
    ) -> Approval:
        """Grant a request; `digest` is that of what the approver has seen, or its beginning.

        `record` gets the granted one before it counts. Raises UnknownApproval, ApprovalRefused, and
        as `record` does.
        """
        one = self.get(approval_id, at)
        if len(digest) < SHORTEST_DIGEST or not one.digest.startswith(digest):
            raise ApprovalRefused(one.id, "it is for another change than the one that was shown.")
        granted = approved(one, by, at, four_eyes=four_eyes)
        record(granted)
        return self._put(granted)

    def decline(self, approval_id: str, by: Principal, words: str, at: datetime) -> Approval:
        """Decline a request, in the decliner's words. Raises UnknownApproval, ApprovalRefused."""
        return self._put(declined(self.get(approval_id, at), by, at, words))

    def use(self, approval_id: str, changes: Iterable[Change], by: str, at: datetime) -> Approval:
        """Use a request up for changes that are about to run.

        Raises UnknownApproval, ApprovalRefused.
        """
        return self._put(used(self.get(approval_id, at), list(changes), by, at))

    def outdate(self, approval_id: str, words: str, at: datetime) -> Approval:
        """Say that nothing of a granted request can run.

        Raises UnknownApproval, ApprovalRefused.
        """
        return self._put(outdated(self.get(approval_id, at), words, at))

    def withdraw(self, approval_id: str, at: datetime) -> Approval:
        """Take back a request whose run has ended. Raises UnknownApproval."""
        return self._put(withdrawn(self.get(approval_id, at)))

    def expire(self, at: datetime) -> list[Approval]:
        """Let go of what has waited for too long, and return it."""
        late = [one for one in self._open() if one.state_at(at) is State.EXPIRED]
        return [self._put(replace(one, state=State.EXPIRED)) for one in late]

    def _open(self) -> list[Approval]:
        return [one for one in self._known.values() if one.state in OPEN]

    def _put(self, one: Approval) -> Approval:
        before, self._known[one.id] = self._known[one.id], one
        if before.state in OPEN and one.state not in OPEN:
            _tell(self.on_decided, one)
        return one

    def _forget_old(self) -> None:
        closed = [one.id for one in self._known.values() if one.state not in OPEN]
        for approval_id in closed[: max(0, len(closed) - KEPT)]:
            del self._known[approval_id]
