"""A run: one execution in a session, with its state, its output and how it ended."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pwsh_kernels.errors import ProductError
from pwsh_kernels.records import Progress, Prompt, Record, RunOptions, Summary
from pwsh_kernels.sessions.broadcast import Broadcast
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.moment import now
from pwsh_kernels.sessions.runs.advice import Advice
from pwsh_kernels.sessions.runs.output_log import OutputLog
from pwsh_kernels.sessions.states import run_may_become
from pwsh_kernels.shapes import ENDED, Counted, Preview, Purpose, RunApproval, RunState
from pwsh_kernels.tracing.context import TraceContext

FOR_CALLERS: tuple[Purpose, ...] = ("command", "query")
"""Purposes of runs whose answers say who was signed in at their end; others are scripts of ours."""
RECORDS_KEPT = 100
"""Error records, and warning records, of one run that are kept as facts; all are in the
output log.
"""

OUTPUT_LOST = (
    "The command has ended ({state}), but some of its output was lost: {why}. Its effects remain:"
    " do not repeat it just to see its output."
)


def new_run_id() -> str:
    """Return an id that no earlier run has and that nobody can guess."""
    return f"r-{secrets.token_hex(8)}"


@dataclass(eq=False)
class Run:
    """Everything known of one execution.

    Lives on the event loop; changes only through its methods.
    """

    id: str
    key: SessionKey
    command: str
    log: OutputLog
    options: RunOptions = field(default_factory=RunOptions)
    purpose: Purpose = "command"
    observed: bool = False
    """True if a Jupyter client asked the kernel for it, and not we."""
    principal: str = ""
    client: str = ""
    account: str | None = None
    created_at: datetime = field(default_factory=now)
    queued_at: datetime | None = None
    """When it had been approved; None: it has not waited for that."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    cancelled_at: datetime | None = None
    prompted_at: datetime | None = None
    state: RunState = "queued"
    reason: str = ""
    code: str = ""
    """The code of a failure that is not the command's own: `sign_in_ended`, `output_lost`."""
    left: bool = False
    """True if the server stopped while it was running: the next server knows it by the same id."""
    missed: str = ""
    """Why a part of it is unknown; "" if nothing is missing."""
    trace: TraceContext | None = None
    """The span within which it was asked for."""
    judged: str = ""
    """The class of its command (`read`, `write`, …); "" if nobody asked for one."""
    break_glass: str = ""
    """Why it runs in spite of what the tenant says of changes; "" for any other run."""
    approval: RunApproval | None = None
    """The approval that it waits for, or has had."""
    connection_changed: bool = False
    """True if this run changed the module's connection."""
    message_id: str = ""
    """The execute request that ran it; "" before it was sent.

    PowerShell keeps its objects by this name.
    """
    query: Counted | None = None
    """For a query about objects: how many are kept, matched and shown, and of which run."""
    refusal: ProductError | None = None
    """Why a query has no answer."""
    dry_run: bool = False
    """It only says what it would change."""
    preview: Preview | None = field(default=None, repr=False)
    """What a dry run has said."""
    found_state: Mapping[str, Any] | None = field(default=None, repr=False)
    """How the session resolved commands when it ran (command_state.CommandState), if asked."""
    errors: list[Record] = field(default_factory=list)
    advice: list[Advice] = field(default_factory=list)
    """What to do about each of `errors`."""
    warnings: list[Record] = field(default_factory=list)
    hints: list[Record] = field(default_factory=list, repr=False)
    """Warnings of a sign-in, without codes and secrets: one may say why it failed.

    They are shown nowhere.
    """
    summary: Summary | None = None
    prompt: Prompt | None = None
    progress: Progress | None = None
    changes: Broadcast = field(default_factory=Broadcast)
    on_end: Callable[["Run"], None] | None = field(default=None, repr=False)
    before_end: Callable[[RunState, Callable[[], None]], None] | None = field(
        default=None, repr=False
    )
    """Gets the state with which it will end, and what ends it, once the kernel has ended it."""
    advise: Callable[[Record], Advice] = field(default=lambda _: Advice(), repr=False)
    ahead: Callable[[], "Run | None"] = field(default=lambda: None, repr=False)
    """Returns the run that its kernel is executing."""

    @property
    def trace_id(self) -> str:
        """The trace that it belongs to; "": none."""
        return self.trace.trace_id if self.trace else ""

    @property
    def ended(self) -> bool:
        """True when nothing more will happen."""
        return self.state in ENDED

    @property
    def stopping(self) -> bool:
        """True while it is cancelled and has not ended."""
        return self.cancelled_at is not None and not self.ended

    @property
    def asks_somebody(self) -> bool:
        """True while it waits for an answer, or for an approval."""
        return self.prompt is not None or self.state == "waiting_for_approval"

    @property
    def asker(self) -> str:
        """Who started it, and is asked its questions."""
        return f"{self.principal} ({self.client})" if self.client else self.principal

    @property
    def behind(self) -> "Run | None":
        """The run whose end it waits for, while it is queued."""
        ahead = self.ahead() if self.state == "queued" else None
        return None if ahead is self else ahead

    def asks(self, principal: str, client: str) -> bool:
        """Return whether this caller may answer its questions."""
        return (self.principal, self.client) == (principal, client)

    def become(self, state: RunState, reason: str = "") -> None:
        """Change to `state` if the table allows it; an ended run stays as it ended."""
        if self.left or not run_may_become(self.state, state):
            return
        self.state = state
        self.reason = reason or self.reason
        if state == "queued":
            self.queued_at = now()
        if state == "running" and self.started_at is None:
            self.started_at = now()
        if state != "waiting_for_input":
            self.prompt = self.prompted_at = None
        if state in ENDED:
            self.ended_at = now()
            self.progress = None
        self.changes.notify()
        if self.ended and self.on_end:
            self.on_end(self)

    def sent(self, message_id: str) -> None:
        """Remember the execute request that runs it."""
        self.message_id = message_id

    def show_approval(self, approval: RunApproval) -> None:
        """Remember how the approval stands that it waits for."""
        self.approval = approval

    def wait_behind(self, ahead: Callable[[], "Run | None"]) -> None:
        """Remember how to find out what it waits for."""
        self.ahead = ahead

    def ask_to_stop(self) -> None:
        """Remember that somebody cancelled it."""
        self.cancelled_at = self.cancelled_at or now()
        self.changes.notify()

    def answer_query(self, facts: Counted) -> None:
        """Remember what a query about objects found."""
        self.query = facts

    def refuse_query(self, refusal: ProductError) -> None:
        """Remember why a query about objects has no answer."""
        self.refusal = refusal

    def hold_end(self, before_end: Callable[[RunState, Callable[[], None]], None]) -> None:
        """Let something happen between its end in the kernel and its end for its caller."""
        self.before_end = before_end

    def show_preview(self, preview: Preview) -> None:
        """Remember what a dry run has said."""
        self.preview = preview
        self.changes.notify()

    def tell_state(self, state: Mapping[str, Any]) -> None:
        """Remember how the session resolved commands when it ran."""
        self.found_state = state

    def leave(self) -> None:
        """Accept no more changes: the server stops, and the run continues without it."""
        self.left = True
        self.changes.notify()

    def hint(self, warning: Record) -> None:
        """Keep a warning of a sign-in, a bounded number of them."""
        if len(self.hints) < RECORDS_KEPT:
            self.hints.append(warning)

    def ask(self, prompt: Prompt) -> None:
        """Wait for the answer to `prompt`."""
        self.become("waiting_for_input")
        if self.state == "waiting_for_input":
            self.prompt, self.prompted_at = prompt, now()
            self.changes.notify()

    def add_record(self, record: Record) -> None:
        """Keep an error's or a warning's facts, a bounded number of them."""
        if record.kind == "error" and not record.native and len(self.errors) < RECORDS_KEPT:
            self.errors.append(record)
            self.advice.append(self.advise(record))
        if record.kind == "warning" and len(self.warnings) < RECORDS_KEPT:
            self.warnings.append(record)

    def advise_anew(self, judge: Callable[[Record, Advice], Advice]) -> None:
        """Take other advice where more is known than when the errors came."""
        self.advice = [judge(*one) for one in zip(self.errors, self.advice, strict=True)]

    def show_progress(self, progress: Progress) -> None:
        """Remember the latest progress."""
        self.progress = None if progress.completed else progress
        self.changes.notify()

    def finish(self, state: RunState, summary: Summary | None = None, reason: str = "") -> None:
        """End it. A run of which a part was not received or not kept never counts as succeeded."""
        if self.ended or self.left:
            return
        self.summary = summary or self.summary
        missing = self.missed or self.log.problem
        if missing and not self.code and state in ("succeeded", "failed"):
            said = f"failed: {failure_sentence(self)}" if state == "failed" else state
            self.blame("output_lost", OUTPUT_LOST.format(state=said, why=missing))
        self.become(
            "failed" if self.code and state == "succeeded" else state,
            self.reason if self.code else reason,
        )

    def miss(self, reason: str) -> None:
        """Remember that a part of it was not received; the first reason is kept."""
        self.missed = self.missed or reason

    def blame(self, code: str, reason: str) -> None:
        """Record, before its end, that it fails for a reason other than its own error."""
        self.code, self.reason = code, reason

    def mark(self, code: str, reason: str) -> None:
        """Record that it fails, and say so in its output, which did not come from where its caller
        thinks.
        """
        self.blame(code, reason)
        record = Record("error", reason, error_id=code)
        self.log.append("stderr", "error", f"{reason}\n", record)
        self.add_record(record)

    def change_connection(self) -> None:
        """Remember that this run changed the module's connection."""
        self.connection_changed = True

    def name_account(self, account: str | None) -> None:
        """Remember who was signed in at its end."""
        self.account = account

    async def wait(self, timeout: float, *, input_too: bool = True) -> bool:
        """Wait for the end, or until a person is asked something; return whether it came within
        `timeout` seconds.
        """
        return await self.changes.wait_for(
            lambda: self.ended or self.left or (input_too and self.asks_somebody), timeout
        )


def end_state(summary: Summary | None, status: str) -> RunState:
    """Return how a run ended by the engine's summary, or by the reply's status for a kernel that
    sends none.
    """
    if summary is None:
        fallback: dict[str, RunState] = {"ok": "succeeded", "aborted": "cancelled"}
        return fallback.get(status, "failed")
    if summary.outcome == "stopped":
        return "cancelled"
    if summary.outcome == "died":
        return "lost"
    return "failed" if summary.had_errors else "succeeded"


def utc(time: datetime | None) -> str | None:
    """Return a time as ISO 8601 with Z."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z") if time else None


def failure_sentence(run: Run) -> str:
    """Return why a run failed: the first error's message, else its exit code."""
    if run.code:
        return run.reason
    if run.errors:
        return _words(run.errors[0])
    if run.summary and run.summary.terminating_error:
        return _words(run.summary.terminating_error)
    if run.summary and run.summary.exit_called:
        return f"The command ended with exit code {run.summary.exit_code}."
    return run.reason or "The command failed without an error message."


def _words(error: Record) -> str:
    """Return an error's message, completed by its causes if it stops where the reason should
    follow.
    """
    unfinished = error.causes and error.message.rstrip().endswith(":")
    return " ".join((error.message.rstrip(), *error.causes)) if unfinished else error.message


def question(run: Run) -> str:
    """Return the words of a run's open prompt."""
    if run.prompt is None:
        return ""
    # The message of a prompt for one value holds the value's name already.
    fields = (
        ", ".join(one.label or one.name for one in run.prompt.fields)
        if run.prompt.kind == "fields"
        else ""
    )
    texts = (run.prompt.caption, run.prompt.message, fields)
    return ": ".join(text.strip() for text in texts if text.strip()) or run.prompt.kind
