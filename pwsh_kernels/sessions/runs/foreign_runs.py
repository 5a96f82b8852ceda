"""Executions requested by other clients of a kernel: observed as runs, and taken into account while
they occupy it.
"""

import functools
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pwsh_kernels.messages import EVENT_MESSAGE, PROMPT_EVENTS, UNGRANTED
from pwsh_kernels.sessions.runs.recorder import STOPPED, Message, Recorder
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.shapes import RunState

LOG = logging.getLogger(__name__)
NOT_KEPT = "{chars} characters were printed while no server was listening, and were not kept"
KIND_CHARS = 40
"""Characters of a message's kind that are shown: a client chose it."""


@dataclass(eq=False)
class Foreign:
    """One execution; a silent one shows neither code nor output and has no run.

    `ours`: an earlier server requested it.
    """

    recorder: Recorder | None = None
    ours: bool = False


class ForeignRuns:
    """Follows the iopub messages of executions that are not ours."""

    def __init__(
        self,
        observe: Callable[[str, str, str], Run],
        examine: Callable[[Run, Callable[[], None]], None],
        on_ended: Callable[[], None],
        ask_end: Callable[[str, Run], None],
    ) -> None:
        """`observe` makes the run of an execution from its code, its client's name and its id;
        `on_ended`: after each end.

        `ask_end` is to find out how an execution of an earlier server of ours has ended.

        `examine` gets a run that has ended in the kernel; calling the given function ends it for
        its readers.
        """
        self._observe = observe
        self._examine = examine
        self._on_ended = on_ended
        self._ask_end = ask_end
        self._open: dict[str, Foreign] = {}
        self._held: list[Message] | None = None

    def hold(self) -> None:
        """Hold all messages back until `recall`: an earlier server may have requested the current
        run.
        """
        self._held = []

    def recall(
        self, entries: Iterable[Mapping[str, Any]], make: Callable[[Mapping[str, Any]], Run | None]
    ) -> None:
        """Take over the executions of a kernel's journal, then the messages that were held back.

        `make` returns the run of an execution, or None if it is not a command.
        """
        known: set[str] = set()
        for entry in entries:
            known.update(one["header"]["msg_id"] for one in entry["messages"])
            if (run := make(entry)) or entry["reply"] is None:
                self._open[entry["header"]["msg_id"]] = Foreign(ours=True)
            if run:
                self._replay(entry, run)
        held, self._held = self._held or [], None
        for message in held:
            if message["header"]["msg_id"] not in known:
                (self.prompt if message["msg_type"] == EVENT_MESSAGE else self.receive)(message)

    def _replay(self, entry: Mapping[str, Any], run: Run) -> None:
        asked = entry["header"]["msg_id"]
        recorder = self._open[asked].recorder = Recorder(run)
        run.sent(asked)
        run.become("running")
        if entry["dropped"]:
            run.miss(NOT_KEPT.format(chars=entry["dropped"]))
        for one in entry["messages"]:
            message = {**one, "parent_header": entry["header"]}
            try:
                if one["msg_type"] != EVENT_MESSAGE:
                    recorder.receive(message)
                elif one["content"].get("event") in PROMPT_EVENTS:
                    recorder.prompt(message)
            except Exception:  # the journal of another version's kernel may contain anything
                LOG.exception("A message of run %s was not taken", run.id)
                run.miss(unreadable(message))
        if entry["reply"] is not None:
            self._ask_end(asked, run)

    def forget(self, asked: str) -> None:
        """An execution of an earlier server has ended, and its run too."""
        if self._open.pop(asked, None):
            self._on_ended()

    @property
    def ids(self) -> set[str]:
        """The message ids of the executions that have begun and not ended."""
        return set(self._open)

    @property
    def runs(self) -> list[Run]:
        """The runs of the executions that have begun and not ended."""
        return [one.recorder.run for one in self._open.values() if one.recorder]

    def receive(self, message: Message) -> None:
        """Take an iopub message of an execution that is not ours; never raises."""
        asked = message["parent_header"]["msg_id"]
        if self._held is not None:
            self._held.append(message)
            return
        try:
            self._take(asked, message)
        except Exception:  # a front end may send anything
            LOG.exception("A message of an execution of another client was not taken")
            other = self._open.get(asked)
            if other and other.recorder:
                other.recorder.run.miss(unreadable(message))

    def _take(self, asked: str, message: Message) -> None:
        kind, content = message["msg_type"], message["content"]
        if kind == "status" and content["execution_state"] == "idle":
            self.end(asked)
            return
        other = self._open.setdefault(asked, Foreign())
        if other.recorder is None and kind == "error" and content["ename"] == UNGRANTED:
            return  # no run: the kernel did not take the message, which its event tells us
        if kind != "status" and not (other.ours and other.recorder is None):
            self._recorder(
                other, message, str(content["code"]) if kind == "execute_input" else ""
            ).receive(message)

    def prompt(self, event: Message) -> None:
        """Take an event about a prompt, because others may answer in place of the client that is
        asked.
        """
        if self._held is not None:
            self._held.append(event)
            return
        other = self._open.get(event["parent_header"].get("msg_id", ""))
        if other and other.recorder:
            other.recorder.prompt(event)

    def change_connection(self, asked: str) -> bool:
        """Record in an execution's run that it changed the module's connection; False if it has no
        run.
        """
        other = self._open.get(asked)
        if other is None or other.recorder is None:
            return False
        other.recorder.run.change_connection()
        return True

    def recorder_of(self, run: Run) -> Recorder | None:
        """Return the recorder of a run that has not ended."""
        return next(
            (
                one.recorder
                for one in self._open.values()
                if one.recorder and one.recorder.run is run
            ),
            None,
        )

    def end(self, asked: str) -> None:
        """End one.

        Its reply went to its own client, so its output is all that we know of how it ended.
        """
        other = self._open.get(asked)
        if other and other.ours and other.recorder:
            self._ask_end(asked, other.recorder.run)
            return
        self._open.pop(asked, None)
        if other and other.recorder:
            run, state = other.recorder.run, _end_state(other.recorder)
            reason = stopped_reason(run) if state == "cancelled" else ""
            self._finish(run, functools.partial(run.finish, state, None, reason))
        if other:
            self._on_ended()

    def _finish(self, run: Run, finish: Callable[[], None]) -> None:
        try:
            self._examine(run, finish)
        except Exception:  # whatever a look at it does, it has ended
            LOG.exception("The end of run %s was not taken", run.id)
            finish()

    def lose(self, reason: str) -> None:
        """End all because the kernel is gone."""
        runs = self.runs
        self._open = {}
        for run in runs:
            run.finish("lost", reason=reason)

    def _recorder(self, other: Foreign, message: Message, code: str) -> Recorder:
        if other.recorder is None:
            asked = message["parent_header"]
            run = self._observe(code, str(asked.get("username") or ""), asked["msg_id"])
            other.recorder = Recorder(run)
            other.recorder.run.sent(asked["msg_id"])
            other.recorder.run.become("running")
        return other.recorder


def stopped_reason(run: Run) -> str:
    """Return a sentence that says whose run was stopped, and how."""
    way = (
        f"POST /runs/{run.id}/cancel"
        if run.cancelled_at
        else "an interrupt of a Jupyter client of the session"
    )
    return f"The command of {run.asker} was stopped by {way}."


def unreadable(message: Message) -> str:
    """Return what a run lacks because a message could not be read."""
    return f"a message of kind {str(message['msg_type'])[:KIND_CHARS]} could not be read"


def _end_state(recorder: Recorder) -> RunState:
    if recorder.error_name == STOPPED:
        return "cancelled"
    return "failed" if recorder.error_name or recorder.run.errors else "succeeded"
