"""Executions that other clients of a kernel asked for: observed as runs, and known to occupy the kernel."""

from collections.abc import Callable
from dataclasses import dataclass

from pwsh_kernels.sessions.recorder import STOPPED, Message, Recorder
from pwsh_kernels.sessions.run import Run
from pwsh_kernels.sessions.states import RunState


@dataclass(eq=False)
class Foreign:
    """One execution; a silent one shows neither code nor output and has no run."""

    recorder: Recorder | None = None


class ForeignRuns:
    """Follows iopub messages of executions that are not ours."""

    def __init__(self, observe: Callable[[str], Run], on_ended: Callable[[], None]) -> None:
        """`observe` makes the run of an execution from its code; `on_ended` is called after each end."""
        self._observe = observe
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
        asked, kind, content = message["parent_header"]["msg_id"], message["msg_type"], message["content"]
        if kind == "status" and content["execution_state"] == "idle":
            self.end(asked)
            return
        other = self._open.setdefault(asked, Foreign())
        if kind != "status":
            self._recorder(other, content["code"] if kind == "execute_input" else "").receive(message)

    def end(self, asked: str) -> None:
        """End one. Its reply went to the client that asked: the output is all that we see of how it ended."""
        other = self._open.pop(asked, None)
        if other and other.recorder:
            other.recorder.run.finish(_end_state(other.recorder))
        if other:
            self._on_ended()

    def lose(self, reason: str) -> None:
        """End all because the kernel is gone."""
        runs = self.runs
        self._open = {}
        for run in runs:
            run.finish("lost", reason=reason)

    def _recorder(self, other: Foreign, code: str) -> Recorder:
        if other.recorder is None:
            other.recorder = Recorder(self._observe(code))
            other.recorder.run.become("running")
        return other.recorder


def _end_state(recorder: Recorder) -> RunState:
    if recorder.error_name == STOPPED:
        return "cancelled"
    return "failed" if recorder.error_name or recorder.run.errors else "succeeded"
