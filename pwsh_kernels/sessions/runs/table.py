"""The table of runs: every run that is remembered, forgotten by count and age."""

import functools
import sys
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pwsh_kernels.errors import UnknownRun
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.runs.advice import Advisor
from pwsh_kernels.sessions.runs.output_log import DiskRoom, OutputLog
from pwsh_kernels.sessions.runs.run import Run, new_run_id, now


class Runs:
    """All runs, oldest first; only ended ones are forgotten."""

    def __init__(
        self,
        folder: Path,
        memory: int,
        kept: int,
        max_age_s: float,
        advisor: Advisor | None = None,
        *,
        on_end: Callable[[Run], None] | None = None,
        on_disk: int = sys.maxsize,
    ) -> None:
        """`folder`: for long outputs; `memory`: characters of one run kept in memory; `kept`,
        `max_age_s`: of ended runs; `on_disk`: bytes of the outputs of all runs in files.

        `advisor` says of each error what to do about it; `on_end` is told of the end of every run
        that is remembered.
        """
        self._folder = folder
        self._memory = memory
        self._kept = kept
        self._max_age = timedelta(seconds=max_age_s)
        self._advisor = advisor
        self._runs: dict[str, Run] = {}
        self._on_end = on_end
        self._room_on_disk = DiskRoom(on_disk)

    def add(self, key: SessionKey, command: str, **facts: Any) -> Run:
        """Make a run and remember it; `facts` are Run's fields."""
        run = self.make(key, command, on_end=self._on_end, **facts)
        self._runs[run.id] = run
        self.forget_old(now())
        return run

    def make(self, key: SessionKey, command: str, **facts: Any) -> Run:
        """Make a run that is not remembered; `facts` are Run's fields."""
        run_id = new_run_id()
        if self._advisor:
            facts["advise"] = functools.partial(self._advisor.advise, key.module)
        path = self._folder / f"{run_id}.jsonl"
        return Run(run_id, key, command, OutputLog(path, self._memory, self._room_on_disk), **facts)

    def get(self, run_id: str) -> Run:
        """Return a run. Raises UnknownRun."""
        if run_id not in self._runs:
            raise UnknownRun(run_id=run_id)
        return self._runs[run_id]

    def of(self, key: SessionKey) -> list[Run]:
        """Return the runs of a session, oldest first; they outlive the session."""
        return [run for run in self._runs.values() if run.key == key]

    def newest_first(self) -> Iterable[Run]:
        """Return every run, newest first."""
        return reversed(self._runs.values())

    def forget_old(self, time: datetime) -> None:
        """Forget ended runs that are too many or too old, with their files."""
        ended = [run for run in self._runs.values() if run.ended]
        surplus = set(ended[: max(0, len(ended) - self._kept)])
        for run in ended:
            if run in surplus or (run.ended_at and time - run.ended_at > self._max_age):
                del self._runs[run.id]
                run.log.close()

    def close(self) -> None:
        for run in self._runs.values():
            run.log.close()
        self._runs = {}

    def remove_leftovers(self) -> None:
        """Delete outputs that an earlier server left behind when it was killed."""
        oldest = time.time() - self._max_age.total_seconds()
        for path in self._folder.glob("r-*.jsonl"):
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)
