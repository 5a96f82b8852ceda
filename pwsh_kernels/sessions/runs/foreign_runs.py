"""Executions that other clients of a kernel asked for: observed as runs, and known to occupy the
kernel.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

from pwsh_kernels.sessions.runs.recorder import STOPPED, Message, Recorder
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.shapes import RunState


@dataclass(eq=False)
class Foreign:
    """One execution; a silent one shows neither code nor output and has no run."""

    recorder: Recorder | None = None


class ForeignRuns:
    """Follows iopub messages of executions that are not ours."""

    def __init__(
        self,
        observe: Callable[[str, str], Run],
        examine: Callable[[Run, Callable[[], None]], None],
        on_ended: Callable[[], None],
    ) -> None:
        """`observe` makes the run of an execution from its code and its client's name; `on_ended`:
        after each end.

        `examine` gets a run that has ended in the kernel; calling the given function ends it for
        its readers.
        """
        self._observe = observe
        self._examine = examine
        self._on_ended = on_ended
        self._open: dict[str, Foreign] = {}

    @property
    def ids(self) -> set[str]:
        """The message ids of the executions that have begun and not ended."""
        return set(self._open)

    @property
    def runs(self) -> list[Run]:
        """The runs of the executions that have begun and not ended."""
        return [one.recorder.run for one in self._open.values() if one.recorder]

    def receive(self, message: Message) -> None:
        """Take an iopub message of an execution that is not ours."""
        asked, kind, content = (
            message["parent_header"]["msg_id"],
            message["msg_type"],
            message["content"],
        )
        if kind == "status" and content["execution_state"] == "idle":
            self.end(asked)
            return
        other = self._open.setdefault(asked, Foreign())
        if kind != "status":
            self._recorder(
                other, message, content["code"] if kind == "execute_input" else ""
            ).receive(message)

    def prompt(self, event: Message) -> None:
        """Take an event about a prompt: others than the client that is asked may answer in its
        place.
        """
        other = self._open.get(event["parent_header"].get("msg_id", ""))
        if other and other.recorder:
            other.recorder.prompt(event)

    def change_connection(self, asked: str) -> bool:
        """Tell a run that the module's connection is another one since; False: it has no run."""
        other = self._open.get(asked)
        if other is None or other.recorder is None:
            return False
        other.recorder.run.change_connection()
        return True

    def recorder_of(self, run: Run) -> Recorder | None:
        """Return what writes a run that has not ended."""
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

        Its reply went to the client that asked: the output is all that we see of how it ended.
        """
        other = self._open.pop(asked, None)
        if other and other.recorder:
            run, state = other.recorder.run, _end_state(other.recorder)
            reason = stopped_reason(run) if state == "cancelled" else ""
            self._examine(run, functools.partial(run.finish, state, None, reason))
        if other:
            self._on_ended()

    def lose(self, reason: str) -> None:
        """End all because the kernel is gone."""
        runs = self.runs
        self._open = {}
        for run in runs:
            run.finish("lost", reason=reason)

    def _recorder(self, other: Foreign, message: Message, code: str) -> Recorder:
        if other.recorder is None:
            other.recorder = Recorder(
                self._observe(code, str(message["parent_header"].get("username") or ""))
            )
            other.recorder.run.sent(message["parent_header"]["msg_id"])
            other.recorder.run.become("running")
        return other.recorder


def stopped_reason(run: Run) -> str:
    """Return whose run was stopped, and by which way."""
    way = (
        f"POST /runs/{run.id}/cancel"
        if run.cancelled_at
        else "an interrupt of a Jupyter client of the session"
    )
    return f"The command of {run.asker} was stopped by {way}."


def _end_state(recorder: Recorder) -> RunState:
    if recorder.error_name == STOPPED:
        return "cancelled"
    return "failed" if recorder.error_name or recorder.run.errors else "succeeded"
