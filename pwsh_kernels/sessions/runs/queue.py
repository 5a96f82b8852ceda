"""The queue of one kernel: sends our runs one after the other, takes turns with notebooks, and
stops the current run.
"""

import asyncio
import functools
import logging
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import zmq

from pwsh_kernels.errors import StateUnknown
from pwsh_kernels.grants import Signer
from pwsh_kernels.messages import (
    CONNECTION_CHANGED,
    JOURNAL_REQUEST,
    PROMPT_EVENTS,
    answer_metadata,
    options_metadata,
    read_refused,
    read_state,
    read_summary,
    refusal_metadata,
    understood,
)
from pwsh_kernels.records import Summary
from pwsh_kernels.sessions.runs.connection import KernelConnection, Message
from pwsh_kernels.sessions.runs.foreign_runs import ForeignRuns, stopped_reason, unreadable
from pwsh_kernels.sessions.runs.recorder import Recorder
from pwsh_kernels.sessions.runs.run import FOR_CALLERS, Run, end_state

LOG = logging.getLogger(__name__)
NOT_BEGUN = "The command was cancelled before its turn; none of it was run."
SERVER_STOPPED = "The server stopped before the command's turn; none of it was run."
NOT_SENT = "The command could not be sent to the session; none of it was run"
NOT_ARRIVED = (
    "The network to the session's kernel was cut before the command arrived there; none of it was"
    " run."
)
CUT = "the network to its kernel was cut for a while"
OLD_KERNEL = "its kernel is of an older version"
STATE = "state"
"""What a kernel that can tell the session's state understands (messages.BESIDE)."""
REJOIN_ASKS = 12
"""How often a kernel is asked, after a cut, what it knows of a command."""
IDLE_WAIT_S = 5.0
"""The kernel's `idle` comes with the reply; after this time without any message of the execution it
was lost.
"""
END_UNHEARD = "the kernel's message that there is no more output did not arrive"
END_UNREADABLE = "how it ended could not be read"
INTERRUPT_WAIT_S = 2.0
"""The kernel accepts an interrupt_request in milliseconds, whatever its PowerShell does."""


def _reply_to(asked: str, answer: "asyncio.Future[list[Mapping[str, Any]]]") -> Message | None:
    """Return the reply of an execution, if the journal has one."""
    if answer.cancelled() or answer.exception():
        return None
    found = (one["reply"] for one in answer.result() if one["header"]["msg_id"] == asked)
    return next(found, None)


class Gate(Protocol):
    """A further condition for starting a run, besides its session's queue."""

    def take(self, run: Run, retry: Callable[[], None]) -> bool:
        """Return whether a run may go now; if not, `retry` is called when it may be tried again."""


def finish_at_once(run: Run, summary: Summary | None, finish: Callable[[], None]) -> None:  # noqa: ARG001 - the hook's shape
    """End a run without examining it."""
    finish()


@dataclass(eq=False)
class Job:
    """A run of ours on its way through the queue; `heard_at` is the loop's time of its last
    message.
    """

    run: Run
    code: str
    recorder: Recorder
    store_history: bool
    first: bool = False
    gate: Gate | None = None
    guards: bool | None = None
    state: Mapping[str, Any] | None = None
    message_id: str = ""
    reply: Message | None = None
    idle: bool = False
    heard_at: float = 0.0


class RunQueue:
    """Sends our runs only when it is their turn: a run that the kernel already holds cannot be
    cancelled on its own.
    """

    def __init__(
        self,
        info: Mapping[str, Any],
        context: zmq.Context[Any],
        observe: Callable[[str, str, str], Run],
        on_event: Callable[[Message], None],
        on_used: Callable[[], None],
        *,
        examine: Callable[[Run, Summary | None, Callable[[], None]], None] = finish_at_once,
        on_sent: Callable[[Run], None] = lambda _: None,
        adopted: bool = False,
        signer: Signer | None = None,
    ) -> None:
        """`observe` makes a notebook's run, `on_event` gets the kernel's events, `on_used` is
        called at each run's end.

        `examine` gets a run that has ended in the kernel, ours or a notebook's; calling the given
        function ends it for its callers. `on_sent` is called for each run of ours that was sent.

        `adopted`: the kernel had an earlier server, and `recall` is called after `join`. `signer`
        grants what is sent (KernelConnection).
        """
        self.current: Job | None = None
        self._waiting: deque[Job] = deque()
        self._foreign = ForeignRuns(
            observe,
            lambda run, finish: examine(run, None, finish),
            self._foreign_ended,
            self._ask_end,
        )
        if adopted:
            self._foreign.hold()
        self._on_sent = on_sent
        self._on_event = on_event
        self._on_used = on_used
        self._examine = examine
        self._ready = asyncio.Event()
        self._probed: set[str] = set()
        self._holds = 0
        self._known: Collection[str] = ()
        self._timers: set[asyncio.TimerHandle] = set()
        self._asking: set[asyncio.Future[Any]] = set()
        self.connection = KernelConnection(
            info,
            context,
            self._foreign.receive,
            self._happened,
            self._rejoined,
            signer=signer,
        )

    async def join(self, timeout: float) -> Message:
        """Wait until the kernel answers; return its kernel_info.

        Runs start when its shell is free. Raises TimeoutError.
        """
        facts = await self.connection.join(timeout)
        self._known = understood(facts)
        self.connection.request("shell", "kernel_info_request").add_done_callback(
            self._shell_is_free
        )
        return facts

    async def recall(self, make: Callable[[Mapping[str, Any]], Run | None], timeout: float) -> None:
        """Take over the runs that the kernel executes for an earlier server, and those that have
        ended since.

        `make`: see ForeignRuns. A kernel of an older version, which has no journal, is taken as it
        is.
        """
        try:
            entries = await asyncio.wait_for(self._journal(), timeout)
        except (TimeoutError, ConnectionError):
            entries = []
        self._foreign.recall(entries, make)

    async def _journal(self) -> list[Mapping[str, Any]]:
        reply = await self.connection.request("control", JOURNAL_REQUEST)
        entries: list[Mapping[str, Any]] = reply["content"].get("runs", [])
        return entries

    def _ask_end(self, asked: str, run: Run) -> None:
        """Find out how a run of an earlier server has ended: its reply went there."""

        def ended(answer: "asyncio.Future[list[Mapping[str, Any]]]") -> None:
            self._asking.discard(answer)
            if not run.ended:
                self._end_recalled(run, _reply_to(asked, answer))
            self._foreign.forget(asked)

        asking = asyncio.ensure_future(asyncio.wait_for(self._journal(), IDLE_WAIT_S))
        self._asking.add(asking)
        asking.add_done_callback(ended)

    def _rejoined(self) -> None:
        """Send nothing until output is heard again, and find out what the kernel knows of the
        current run: a message of it may be lost.
        """
        asking = asyncio.ensure_future(self._look_after_cut(self.current))
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)

    async def _look_after_cut(self, job: Job | None) -> None:
        self.hold()
        try:
            for _ in range(REJOIN_ASKS):
                with suppress(TimeoutError):
                    await self.connection.join(IDLE_WAIT_S)
                    entries = await asyncio.wait_for(self._journal(), IDLE_WAIT_S)
                    if job is not None and job is self.current:
                        self._settle_after_cut(job, entries)
                    return
        finally:
            self.release()

    def _settle_after_cut(self, job: Job, entries: Sequence[Mapping[str, Any]]) -> None:
        found = [one for one in entries if one["header"]["msg_id"] == job.message_id]
        if not found:
            self.connection.forget(job.message_id)
            self.current = None
            job.run.finish("failed", job.recorder.finish(None), NOT_ARRIVED)
            self._advance()
            return
        job.run.miss(CUT)
        if reply := found[0]["reply"]:
            self._begin(job)
            self._finish(job, reply)

    def _end_recalled(self, run: Run, reply: Message | None) -> None:
        try:
            summary = read_summary(reply) if reply else None
            state = end_state(summary, reply["content"]["status"] if reply else "unknown")
        except Exception:  # a kernel of another version may say anything
            LOG.exception("The end of run %s was not taken", run.id)
            summary, state = None, "failed"
        if summary is None:
            run.miss(END_UNREADABLE)
        elif summary.connection_changed:
            run.change_connection()
        self._examine(run, summary, functools.partial(run.finish, state, summary))

    async def ready(self, timeout: float) -> bool:
        """Wait until the shell has finished what it was running before we came; return whether it
        has.
        """
        try:
            await asyncio.wait_for(self._ready.wait(), timeout)
        except TimeoutError:
            return False
        return True

    @property
    def active(self) -> Run | None:
        """The run that the kernel executes, ours or a notebook's."""
        return self.current.run if self.current else next(iter(self._foreign.runs), None)

    @property
    def busy(self) -> bool:
        """True while the kernel executes something, or something waits for it."""
        return bool(self.current or self._waiting or self._foreign.ids or not self._ready.is_set())

    @property
    def waiting(self) -> int:
        """Runs that wait for their turn."""
        return len(self._waiting)

    def submit(
        self,
        run: Run,
        code: str,
        recorder: Recorder | None = None,
        *,
        store_history: bool = True,
        first: bool = False,
        gate: Gate | None = None,
        guards: bool | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        """Queue a run;

        `first`: ahead of those that wait. A run that its `gate` holds back does not hold up the
        runs behind it. `guards`: what the kernel is told of the sign-in (options_metadata).
        `state`: what it is asked about the session's state in the same turn; a kernel that cannot
        tell runs nothing.
        """
        if state is not None and STATE not in self._known:
            refused = StateUnknown(OLD_KERNEL)
            run.blame(refused.code, refused.text())
            run.finish("failed")
            return
        job = Job(run, code, recorder or Recorder(run), store_history, first, gate, guards, state)
        run.wait_behind(lambda: self.active)
        if first:
            self._waiting.appendleft(job)
        else:
            self._waiting.append(job)
        self._advance()

    def hold(self) -> None:
        """Send only runs queued as `first` until `release`."""
        self._holds += 1

    def release(self) -> None:
        """Continue once every holder has released the queue."""
        self._holds -= 1
        self._advance()

    def refuse_waiting(self, code: str, reason: str) -> None:
        """End the commands that wait for their turn, without running them."""
        waiting = [job for job in self._waiting if job.run.purpose == "command"]
        for job in waiting:
            self._waiting.remove(job)
            job.run.blame(code, reason)
            job.run.finish("cancelled")

    async def cancel(self, run: Run, wait_s: float) -> None:
        """Stop a run, or take it out of the queue; wait at most `wait_s` seconds for its end."""
        waiting = next((job for job in self._waiting if job.run is run), None)
        if waiting:
            self._waiting.remove(waiting)
            run.finish("cancelled", reason=NOT_BEGUN)
        elif run is self.active and not run.ended:
            run.ask_to_stop()
            if (
                run.state != "queued"
            ):  # one that was sent and has not begun is stopped when it begins
                await self.connection.interrupt(INTERRUPT_WAIT_S)
        await run.wait(wait_s, input_too=False)

    def answer(self, run: Run, value: Any, principal: str = "") -> bool:
        """Answer the open prompt of a run, for `principal`; return False if it has none that was
        put to us.
        """
        text = value if isinstance(value, str) else ""
        return self._reply(run, text, functools.partial(answer_metadata, value), principal)

    def refuse(self, run: Run, reason: str, principal: str = "") -> bool:
        """Refuse the open prompt of a run; return False if it has none that was put to us."""
        return self._reply(run, "", functools.partial(refusal_metadata, reason), principal)

    def close(self, reason: str) -> None:
        """Let go of a kernel that is gone. Every run that has not ended is lost, for `reason`."""
        jobs = [*([self.current] if self.current else []), *self._waiting]
        self.current, self._waiting = None, deque()
        self.connection.close()
        for asking in self._asking:
            asking.cancel()
        for timer in self._timers:
            timer.cancel()
        for job in jobs:
            job.run.finish("lost", job.recorder.finish(None), reason)
        self._foreign.lose(reason)

    def detach(self) -> None:
        """Let go of a running kernel: its current run continues, and runs that were not sent are
        cancelled.
        """
        for job in self._waiting:
            job.run.finish("cancelled", reason=SERVER_STOPPED)
        self._waiting = deque()
        for run in [*([self.current.run] if self.current else []), *self._foreign.runs]:
            run.leave()
        self.close("the server has stopped watching this session; its kernel goes on")

    def _advance(self) -> None:
        if self.current or not self._waiting or not self._ready.is_set() or self.connection.closed:
            return
        if self._foreign.ids:
            self._probe()
            return
        job = next((one for one in self._waiting if self._may_go(one)), None)
        self._waiting = deque(one for one in self._waiting if not one.run.ended)
        if job is None:
            return
        self._waiting.remove(job)
        try:
            self._send(job)
        except Exception as error:  # from the packer or ZeroMQ: an unsent run never ends
            LOG.exception("run %s could not be sent", job.run.id)
            job.run.finish("failed", reason=f"{NOT_SENT} ({type(error).__name__}).")
            self._advance()

    def _may_go(self, job: Job) -> bool:
        if self._holds and not job.first:
            return False
        return job.gate is None or job.gate.take(job.run, self._advance)

    def _send(self, job: Job) -> None:
        """Make a job the current one, once it has really been sent."""
        job.message_id = self.connection.execute(
            job.code,
            options_metadata(
                job.run.options,
                packed=True,
                own=job.run.purpose not in FOR_CALLERS,
                guards=job.guards,
                state=job.state,
                known=self._known,
                trusted=job.run.purpose != "command",
            ),
            lambda message: self._received(job, message),
            store_history=job.store_history,
            principal=job.run.principal,
            run=job.run.id,
        )
        self.current = job
        job.run.sent(job.message_id)
        self._on_sent(job.run)

    def _received(self, job: Job, message: Message) -> None:
        try:
            self._take(job, message)
        except Exception:  # the next message must be heard
            LOG.exception("A message of run %s was not taken", job.run.id)
            job.run.miss(unreadable(message))

    def _take(self, job: Job, message: Message) -> None:
        kind, content = message["msg_type"], message["content"]
        job.heard_at = asyncio.get_running_loop().time()
        if kind == "execute_reply":
            self._replied(job, message)
        elif kind != "status":
            job.recorder.receive(message)
        elif content["execution_state"] == "busy":
            self._begin(job)
        elif content["execution_state"] == "idle":
            self._idle(job)

    def _begin(self, job: Job) -> None:
        if job.run.state == "queued":
            job.run.become("running")
            if job.run.cancelled_at:
                self.connection.request("control", "interrupt_request")

    def _replied(self, job: Job, reply: Message) -> None:
        if reply["content"]["status"] != "aborted":
            self._begin(job)
        job.reply = reply
        if job.idle:
            self._finish(job, reply)
        else:
            self._give_up_idle_later(job)

    def _idle(self, job: Job) -> None:
        job.idle = True
        if job.reply is not None:
            self._finish(job, job.reply)

    def _give_up_idle_later(self, job: Job) -> None:
        def look() -> None:
            if job is not self.current or job.reply is None:
                return
            if asyncio.get_running_loop().time() - job.heard_at >= IDLE_WAIT_S:
                job.run.miss(END_UNHEARD)
                self._finish(job, job.reply)
            else:
                self._give_up_idle_later(job)

        self._later(look)

    def _finish(self, job: Job, reply: Message) -> None:
        """End a run. Whatever goes wrong meanwhile, it ends, and the next one gets its turn."""
        self.connection.forget(job.message_id)
        self.current = None
        self._on_used()
        try:
            self._end(job, reply)
        except Exception:  # a summary that cannot be read, a disk that is full
            LOG.exception("The end of run %s was not taken", job.run.id)
            job.run.miss(END_UNREADABLE)
            job.run.finish("failed")
        self._advance()

    def _end(self, job: Job, reply: Message) -> None:
        content = reply["content"]
        summary = job.recorder.finish(read_summary(reply))
        if summary and summary.connection_changed:
            job.run.change_connection()
        if (told := read_state(reply)) is not None:
            job.run.tell_state(told)
        if refused := read_refused(reply):
            job.run.blame(*refused)
        state = end_state(summary, content["status"])
        reason = content.get("evalue", "") if state == "failed" else ""
        if state == "cancelled" and job.run.cancelled_at is None and content["status"] != "aborted":
            reason = stopped_reason(job.run)
        finish = functools.partial(job.run.finish, state, summary, reason)
        if job.run.before_end:
            finish = functools.partial(job.run.before_end, state, finish)
        self._examine(job.run, summary, finish)

    def _reply(
        self, run: Run, text: str, metadata: Callable[..., Mapping[str, Any]], principal: str
    ) -> bool:
        ours = self.current is not None and self.current.run is run
        recorder = (
            self.current.recorder if self.current and ours else self._foreign.recorder_of(run)
        )
        if recorder is None or run.prompt is None or recorder.question is None:
            return False
        facts = metadata(for_other=not ours)
        self.connection.answer(recorder.question, text, facts, principal, run.id)
        recorder.question = None
        run.become("running")
        return True

    def _happened(self, event: Message) -> None:
        job, kind = self.current, event["content"].get("event")
        if kind == CONNECTION_CHANGED:
            self._connection_changed(event)
        elif kind not in PROMPT_EVENTS:
            self._on_event(event)
        elif job and event["parent_header"].get("msg_id") == job.message_id:
            job.heard_at = asyncio.get_running_loop().time()
            job.recorder.prompt(event)
        else:
            self._foreign.prompt(event)

    def _connection_changed(self, event: Message) -> None:
        """Record it in the run; a silent execution has none. For our own runs the reply says it
        too.
        """
        asked = event["parent_header"].get("msg_id", "")
        ours = self.current is not None and self.current.message_id == asked
        if not ours and not self._foreign.change_connection(asked):
            self._on_event(event)

    def _foreign_ended(self) -> None:
        self._on_used()
        self._advance()

    def _probe(self) -> None:
        """Ask on shell, behind what runs now: when the answer comes, an `idle` that is missing
        still was lost.
        """
        asked = self._foreign.ids - self._probed
        if not asked:
            return
        self._probed |= asked
        self.connection.request("shell", "kernel_info_request").add_done_callback(
            lambda reply: None if reply.cancelled() else self._later(lambda: self._release(asked))
        )

    def _release(self, asked: set[str]) -> None:
        self._probed -= asked
        for one in asked:
            self._foreign.end(one)

    def _shell_is_free(self, reply: asyncio.Future[Message]) -> None:
        if not reply.cancelled():
            self._ready.set()
            self._advance()

    def _later(self, act: Callable[[], None]) -> None:
        def fire() -> None:
            self._timers.discard(timer)
            act()

        timer = asyncio.get_running_loop().call_later(IDLE_WAIT_S, fire)
        self._timers.add(timer)
