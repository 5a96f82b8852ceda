"""Changes that wait for a person: asked for by a run, decided at a door, and only then begun."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from pwsh_kernels import shapes
from pwsh_kernels.approvals.approval import Approval, Request, State, sides_with
from pwsh_kernels.approvals.bound_values import hidden_values, shown_values
from pwsh_kernels.approvals.canonical_text import canonical_text, one_line
from pwsh_kernels.approvals.change import Change, difference
from pwsh_kernels.approvals.desk import KEPT, ApprovalDesk
from pwsh_kernels.approvals.proof import Proof, holds
from pwsh_kernels.audit.event import Kind
from pwsh_kernels.classification import Class, Classification
from pwsh_kernels.errors import ApprovalRefused, InvalidRequest, ProofNeeded
from pwsh_kernels.principals.principal import called
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.sessions.broadcast import Broadcast
from pwsh_kernels.sessions.held_run import HeldRun
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.moment import now
from pwsh_kernels.sessions.runs.run import utc
from pwsh_kernels.web.access import Caller
from pwsh_kernels.web.audit_events import approval_events, approval_refused
from pwsh_kernels.web.change_rules import ChangeRules
from pwsh_kernels.web.guard import Guard

EXPIRY_MARGIN_S = 0.1
"""After its time, so that it is over when it is looked at."""
OUTDATED = "approval_outdated"
HIDDEN = "${} is hidden by who asks: whoever approves this approves it unseen."
UNSEEN = (
    "cannot be approved: ${} is hidden, and nobody can tell what this text does with it. Write the"
    " text as plain commands, or give the value in the open"
)
SHOWN_REASONS = 20
"""Reasons of a class that an approver reads; a caller is told fewer."""
NOT_RUN = "The command was not run:"
EXPIRED = f"{NOT_RUN} nobody approved it in time. Ask again when somebody is there to decide."
ENDINGS = {
    State.DECLINED: Kind.APPROVAL_DECLINED,
    State.EXPIRED: Kind.APPROVAL_EXPIRED,
    State.USED: Kind.APPROVAL_USED,
    State.OUTDATED: Kind.APPROVAL_OUTDATED,
    State.WITHDRAWN: Kind.APPROVAL_WITHDRAWN,
}
Shown = Callable[[Approval], bool]


@dataclass(frozen=True, slots=True)
class Waiting:
    """The runs that an approval is for, and who asked for them."""

    caller: Caller
    held: Sequence[HeldRun]


class Approvals:
    """Holds runs, and begins those that a person has approved."""

    def __init__(
        self,
        desk: ApprovalDesk,
        guard: Guard,
        rules: ChangeRules,
        *,
        confined: bool,
    ) -> None:
        """`confined`: no session of this machine can read a token of this server."""
        self.desk = desk
        self.changes = Broadcast()
        self._guard = guard
        self._rules = rules
        self.confined = confined
        self._waiting: dict[str, Waiting] = {}
        self._previews: dict[str, shapes.Preview] = {}
        desk.on_decided.append(self._settle)

    # -- asked ----------------------------------------------------------------------------------

    def ask(
        self,
        caller: Caller,
        held: Sequence[HeldRun],
        found: Sequence[Classification],
        kind: Class,
        reason: str,
    ) -> Approval:
        """Ask for one approval of runs that hold the same command.

        Raises ApprovalDeclinedLately, TooManyApprovals, InvalidRequest, AuditUnavailable.
        """
        request = _request(caller, held, found, kind, reason)
        by = (caller.name, caller.client)
        one = self.desk.ask(request, now(), lambda it: self._require(Kind.APPROVAL_ASKED, it, by))
        self._waiting[one.id] = Waiting(caller, held)
        for run in held:
            run.on_gone = lambda: self._look_at(one.id)
        self._show(one)
        seconds = self.desk.lifetime.total_seconds() + EXPIRY_MARGIN_S
        asyncio.get_running_loop().call_later(seconds, lambda: self.desk.expire(now()))
        return one

    def show_preview(self, run_id: str, preview: shapes.Preview) -> None:
        """Remember what a run that waits would change."""
        self._previews[run_id] = preview
        while len(self._previews) > KEPT:
            del self._previews[next(iter(self._previews))]
        self.changes.notify()

    # -- decided --------------------------------------------------------------------------------

    def approve(self, approval_id: str, by: Caller, digest: str, proof: Proof) -> Approval:
        """Grant what the approver has seen, and begin what has stayed the same since.

        Raises UnknownApproval, ApprovalRefused, ProofNeeded, AuditUnavailable.
        """
        asked, who = self.desk.get(approval_id, now()), (by.name, by.client)
        try:
            self.require_proof(asked, proof)
            granted = self.desk.approve(
                asked.id,
                by.principal,
                digest,
                now(),
                four_eyes=self.four_eyes(asked),
                record=lambda it: self._require(Kind.APPROVAL_APPROVED, it, who, proof=proof.value),
            )
        except (ApprovalRefused, ProofNeeded) as refused:
            self._guard.audit.note(approval_refused(by, asked, "approve", refused.code))
            raise
        return self._begin(granted)

    def decline(self, approval_id: str, by: Caller, words: str) -> Approval:
        """Decline it: its runs end. Raises UnknownApproval, ApprovalRefused."""
        asked = self.desk.get(approval_id, now())
        try:
            return self.desk.decline(asked.id, by.principal, one_line(words), now())
        except ApprovalRefused as refused:
            self._guard.audit.note(approval_refused(by, asked, "decline", refused.code))
            raise

    def require_proof(self, asked: Approval, proof: Proof) -> None:
        """Raise ProofNeeded for what shows no person here."""
        if not holds(proof, confined=self.confined):
            raise ProofNeeded(asked.id)

    def _begin(self, granted: Approval) -> Approval:
        """Begin each run for which everything is as it was; what differs ends with the reason."""
        waiting = self._waiting[granted.id]
        changes = dict(zip(waiting.held, granted.request.changes, strict=True))
        problems = {held: self._problem(waiting.caller, held, it) for held, it in changes.items()}
        ready = [held for held, problem in problems.items() if not problem]
        if ready:
            then = [changes[held] for held in ready]
            one = self.desk.use(granted.id, then, waiting.caller.name, now())
        else:
            one = self.desk.outdate(granted.id, next(iter(problems.values())), now())
        for held, problem in problems.items():
            if problem:
                held.end(OUTDATED, _outdated(problem))
            else:
                held.start(partial(self._problem_at_turn, waiting.caller, held, changes[held]))
        return one

    def _problem_at_turn(self, caller: Caller, held: HeldRun, then: Change) -> tuple[str, str]:
        """Return code and reason why an approved run must not begin after all; "": it may."""
        problem = self._problem(caller, held, then)
        return (OUTDATED, _outdated(problem)) if problem else ("", "")

    def _problem(self, caller: Caller, held: HeldRun, then: Change) -> str:
        """Return why a run must not begin although it was approved; "": it may."""
        key = held.run.key
        if not self._guard.allows(caller, Verb.WRITE, key):
            return f"{caller.name} may not run anything in {key} now."
        if self._rules.changes(caller, key.tenant, key.module) == "never":
            return f"In {key} no change is allowed now."
        return held.obstacle or difference(then, change_of(held))

    def _look_at(self, approval_id: str) -> None:
        """A run has ended: without any of its runs an approval is for nothing."""
        waiting = self._waiting.get(approval_id)
        if waiting and all(held.run.ended for held in waiting.held):
            self.desk.withdraw(approval_id, now())

    def _settle(self, one: Approval) -> None:
        """Record what became of it, and end what does not begin."""
        self._show(one)
        waiting = self._waiting.pop(one.id, None)
        if waiting is None:
            return
        decided = one.state is State.DECLINED
        who = (one.decided_by, "") if decided else (waiting.caller.name, waiting.caller.client)
        if one.state is State.EXPIRED:
            who = ("", "")
        for event in approval_events(ENDINGS[one.state], one, who):
            self._guard.audit.note(event)
        for held in waiting.held:
            if one.state is State.EXPIRED:
                held.end("approval_expired", EXPIRED)
            if decided:
                held.end("approval_declined", f"{NOT_RUN} {_declined(one)}")

    def _require(self, kind: Kind, one: Approval, who: tuple[str, str], **more: str) -> None:
        for event in approval_events(kind, one, who, **more):
            self._guard.audit.require(event)

    # -- shown ----------------------------------------------------------------------------------

    def keys(self, one: Approval) -> list[SessionKey]:
        """Return the sessions that it is about."""
        return [
            SessionKey(it.tenant, it.module, "read" if it.tier == "read" else "write")
            for it in one.request.changes
        ]

    def shown(self, caller: Caller, verb: Verb = Verb.READ) -> Shown:
        """Return the question whether a caller may see an approval, or do more with it."""
        return lambda one: all(self._guard.allows(caller, verb, key) for key in self.keys(one))

    def four_eyes(self, one: Approval) -> bool:
        """Return whether somebody else than who asked must approve it."""
        return self._rules.four_eyes(self.keys(one))

    def approvers(self, one: Approval) -> list[str]:
        """Return the ids of those who may approve it."""
        places = [self._guard.place(key) for key in self.keys(one)]
        holders = self._guard.holders(Verb.APPROVE, places)
        barred = one.request.requester if self.four_eyes(one) else ""
        return [it for it in holders if not sides_with(it, barred)]

    def may_approve(self, one: Approval, caller: Caller) -> bool:
        """Return whether it waits for somebody like the caller."""
        barred = self.four_eyes(one) and sides_with(caller.name, one.request.requester)
        waits = one.state is State.PENDING
        return waits and not barred and self.shown(caller, Verb.APPROVE)(one)

    def version(self, shown: Shown) -> str:
        """Return a text that changes whenever what is shown changes."""
        told = "".join(
            f"{one.id}{one.state}{sum(run in self._previews for run in one.request.runs)}"
            for one in self.desk.listed(shown, now())
        )
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def view(self, one: Approval, caller: Caller | None) -> shapes.Approval:
        """Return it in its JSON shape."""
        request, (change, *_) = one.request, one.request.changes
        return {
            "success": True,
            "id": one.id,
            "digest": one.digest,
            "state": one.state.value,
            "class": request.kind.value,
            "reasons": list(request.reasons),
            "text": request.text,
            "values": request.values,
            "commands": list(request.commands),
            "module": change.module,
            "tier": "read" if change.tier == "read" else "write",
            "format": change.format,
            "places": [
                {
                    "tenant": it.tenant,
                    "account": it.account,
                    "session": str(key),
                    "run_id": run_id,
                    "oddities": list(odd),
                    "preview": self._previews.get(run_id),
                }
                for it, key, run_id, odd in zip(
                    request.changes, self.keys(one), request.runs, request.oddities, strict=True
                )
            ],
            "requester": request.requester,
            "client": request.client,
            "reason": request.reason,
            "asked_at": utc(one.asked_at) or "",
            "expires_at": utc(one.expires_at) or "",
            "approvers": self.approvers(one),
            "rule": "four_eyes" if self.four_eyes(one) else "confirm",
            "may_decide": caller is not None and self.may_approve(one, caller),
            "decided_by": one.decided_by,
            "decided_at": utc(one.decided_at),
            "words": one.words,
        }

    def _show(self, one: Approval) -> None:
        """Tell the runs, and who waits for news, how it stands."""
        brief: shapes.RunApproval = {
            "id": one.id,
            "state": one.state.value,
            "class": one.request.kind.value,
            "reasons": list(one.request.reasons),
            "reason": one.request.reason,
            "expires_at": utc(one.expires_at) or "",
            "approvers": self.approvers(one),
            "decided_by": one.decided_by,
        }
        if waiting := self._waiting.get(one.id):
            for held in waiting.held:
                held.run.show_approval(brief)
        self.changes.notify()


def change_of(held: HeldRun) -> Change:
    """Return what a run would do, where and as whom, as it is now."""
    run = held.run
    facts = (run.command, run.key.tenant, run.key.module, held.account, run.key.tier)
    return Change(*facts, run.options.format, dict(run.options.parameters))


def _request(
    caller: Caller,
    held: Sequence[HeldRun],
    found: Sequence[Classification],
    kind: Class,
    reason: str,
) -> Request:
    """Raises InvalidRequest for values that have no canonical form, and for hidden ones where
    nobody can tell what the text does with them.
    """
    run = held[0].run
    commands = [one for it in found for one in it.commands]
    reasons = [one.sentence() for it in found for one in it.reasons]
    changes = tuple(change_of(one) for one in held)
    try:
        changes[0].digest()
    except ValueError as problem:
        raise InvalidRequest("parameters", f"cannot be approved: {problem}") from problem
    given = run.options.parameters
    hidden = hidden_values(given)
    if hidden and any(one.kind is Class.UNKNOWN for it in found for one in it.reasons):
        raise InvalidRequest("parameters", UNSEEN.format(hidden[0]))
    unseen = [HIDDEN.format(name) for name in hidden]
    return Request(
        changes,
        kind,
        caller.name,
        caller.client,
        one_line(reason),
        canonical_text(run.command, commands),
        shown_values(given),
        tuple(dict.fromkeys(one_line(one.name) for one in commands)),
        (*unseen, *map(one_line, reasons[:SHOWN_REASONS])),
        tuple(tuple(map(one_line, one.oddities)) for one in held),
        tuple(one.run.id for one in held),
    )


def _outdated(problem: str) -> str:
    return f"{NOT_RUN} {problem} Ask again."


def _declined(one: Approval) -> str:
    said = f": {one.words}" if one.words else "."
    return f"{called(one.decided_by)} has declined it{said}"
