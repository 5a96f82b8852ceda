"""The queue of one kernel: our runs one after the other, those of notebooks respected, and what
runs now stopped.
"""

import asyncio
import functools
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import zmq

from pwsh_kernels.messages import (
    PROMPT_EVENTS,
    answer_metadata,
    options_metadata,
    read_summary,
    refusal_metadata,
)
from pwsh_kernels.records import Summary
from pwsh_kernels.sessions.runs.connection import KernelConnection, Message
from pwsh_kernels.sessions.runs.foreign_runs import ForeignRuns, stopped_reason
from pwsh_kernels.sessions.runs.recorder import Recorder
from pwsh_kernels.sessions.runs.run import Run, end_state

LOG = logging.getLogger(__name__)
NOT_BEGUN = "The command was cancelled before its turn came; nothing of it was run."
NOT_SENT = "The command could not be sent to the session; nothing of it was run"
IDLE_WAIT_S = 5.0
"""The kernel's `idle` comes with the reply; after this time without any message of the execution it
was lost.
"""
INTERRUPT_WAIT_S = 2.0
"""The kernel takes an interrupt_request in milliseconds, whatever its PowerShell does."""


class Gate(Protocol):
    """Who lets a run go besides its session's queue."""

    def take(self, run: Run, retry: Callable[[], None]) -> bool:
        """Return whether a run may go now; if not, `retry` is called when it may be tried again."""


def finish_at_once(run: Run, summary: Summary | None, finish: Callable[[], None]) -> None:  # noqa: ARG001 - the hook's shape
    """End a run without a look at it."""
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
    gate: Gate | None = None
    message_id: str = ""
    reply: Message | None = None
    idle: bool = False
    heard_at: float = 0.0


class RunQueue:
    """Sends our runs only when it is their turn: what the kernel already holds could not be
    cancelled on its own.
    """

    def __init__(
        self,
        info: Mapping[str, Any],
        context: zmq.Context[Any],
        observe: Callable[[str, str], Run],
        on_event: Callable[[Message], None],
        on_used: Callable[[], None],
        *,
        examine: Callable[[Run, Summary | None, Callable[[], None]], None] = finish_at_once,
    ) -> None:
        """`observe` makes a notebook's run, `on_event` gets the kernel's events, `on_used` is told
        each run's end.

        `examine` gets a run that has ended in the kernel, ours or a notebook's; calling the given
        function ends it for its callers.
        """
        self.current: Job | None = None
        self._waiting: deque[Job] = deque()
        self._foreign = ForeignRuns(
            observe, lambda run, finish: examine(run, None, finish), self._foreign_ended
        )
        self._on_event = on_event
        self._on_used = on_used
        self._examine = examine
        self._ready = asyncio.Event()
        self._probed: set[str] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self.connection = KernelConnection(info, context, self._foreign.receive, self._happened)

    async def join(self, timeout: float) -> Message:
        """Wait until the kernel answers; return its kernel_info.

        Runs start when its shell is free. Raises TimeoutError.
        """
        facts = await self.connection.join(timeout)
        self.connection.request("shell", "kernel_info_request").add_done_callback(
            self._shell_is_free
        )
        return facts

    async def ready(self, timeout: float) -> bool:
        """Wait until the shell is free of what ran before we came; return whether it is."""
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
        """True when the kernel executes something, or something waits for it."""
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
    ) -> None:
        """Queue a run, `first` before those that wait.

        One that its `gate` holds back holds nobody back who is behind it.
        """
        job = Job(run, code, recorder or Recorder(run), store_history, gate)
        if first:
            self._waiting.appendleft(job)
        else:
            self._waiting.append(job)
        self._advance()

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

    def answer(self, run: Run, value: Any) -> bool:
        """Answer the open prompt of a run; return False when it has none that we were asked."""
        return self._reply(run, value if isinstance(value, str) else "", answer_metadata(value))

    def refuse(self, run: Run, reason: str) -> bool:
        """Refuse the open prompt of a run; return False when it has none that we were asked."""
        return self._reply(run, "", refusal_metadata(reason))

    def close(self, reason: str) -> None:
        """Let go of the kernel. Every run that has not ended is lost, for `reason`."""
        jobs = [*([self.current] if self.current else []), *self._waiting]
        self.current, self._waiting = None, deque()
        self.connection.close()
        for timer in self._timers:
            timer.cancel()
        for job in jobs:
            job.run.finish("lost", job.recorder.finish(None), reason)
        self._foreign.lose(reason)

    def _advance(self) -> None:
        if self.current or not self._waiting or not self._ready.is_set() or self.connection.closed:
            return
        if self._foreign.ids:
            self._probe()
            return
        job = next((one for one in self._waiting if self._may_go(one)), None)
        if job is None:
            return
        self._waiting.remove(job)
        try:
            self._send(job)
        except Exception as error:  # of the packer, of ZeroMQ: what was not sent never ends
            LOG.exception("run %s could not be sent", job.run.id)
            job.run.finish("failed", reason=f"{NOT_SENT} ({type(error).__name__}).")
            self._advance()

    def _may_go(self, job: Job) -> bool:
        return job.gate is None or job.gate.take(job.run, self._advance)

    def _send(self, job: Job) -> None:
        """Make a job the current one, once it was really sent."""
        job.message_id = self.connection.execute(
            job.code,
            options_metadata(job.run.options),
            lambda message: self._received(job, message),
            store_history=job.store_history,
        )
        self.current = job
        job.run.sent(job.message_id)

    def _received(self, job: Job, message: Message) -> None:
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
                self._finish(job, job.reply)
            else:
                self._give_up_idle_later(job)

        self._later(look)

    def _finish(self, job: Job, reply: Message) -> None:
        self.connection.forget(job.message_id)
        self.current = None
        content = reply["content"]
        summary = job.recorder.finish(read_summary(reply))
        state = end_state(summary, content["status"])
        reason = content.get("evalue", "") if state == "failed" else ""
        if state == "cancelled" and job.run.cancelled_at is None and content["status"] != "aborted":
            reason = stopped_reason(job.run)
        self._on_used()
        self._examine(job.run, summary, functools.partial(job.run.finish, state, summary, reason))
        self._advance()

    def _reply(self, run: Run, text: str, metadata: Mapping[str, Any]) -> bool:
        ours = self.current is not None and self.current.run is run
        recorder = (
            self.current.recorder if self.current and ours else self._foreign.recorder_of(run)
        )
        if recorder is None or run.prompt is None or recorder.question is None:
            return False
        self.connection.answer(recorder.question, text, metadata)
        recorder.question = None
        run.become("running")
        return True

    def _happened(self, event: Message) -> None:
        job = self.current
        if event["content"].get("event") not in PROMPT_EVENTS:
            self._on_event(event)
        elif job and event["parent_header"].get("msg_id") == job.message_id:
            job.heard_at = asyncio.get_running_loop().time()
            job.recorder.prompt(event)
        else:
            self._foreign.prompt(event)

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
