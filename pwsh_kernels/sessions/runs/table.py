"""The table of runs: remembers every run, and forgets ended ones by count and age."""

import asyncio
import functools
import heapq
import logging
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pwsh_kernels.errors import UnknownRun
from pwsh_kernels.records import Record
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.moment import now
from pwsh_kernels.sessions.runs.advice import Advice
from pwsh_kernels.sessions.runs.notes import RunNote, RunNotes
from pwsh_kernels.sessions.runs.output_log import DiskRoom, OutputLog
from pwsh_kernels.sessions.runs.run import Run, new_run_id

LOG = logging.getLogger(__name__)
NOTE_AFTER_S = 1.0
"""A run that has lasted this long is noted: a server that is killed loses only the results of
shorter ones.
"""


class Runs:
    """All runs, oldest first; only ended ones are forgotten."""

    def __init__(
        self,
        folder: Path,
        memory: int,
        kept: int,
        max_age_s: float,
        advise: Callable[[SessionKey, str, Record], Advice] | None = None,
        *,
        before: Callable[[Run], None] | None = None,
        on_end: Callable[[Run], None] | None = None,
        on_disk: int = sys.maxsize,
    ) -> None:
        """`folder`: for long outputs; `memory`: characters of one run kept in memory; `kept`,
        `max_age_s`: of ended runs; `on_disk`: bytes of the outputs of all runs in files.

        `advise` says what to do about an error of a session's script; `before` gets each new run
        before it is remembered, and may refuse it; `on_end` is called at the end of every
        remembered run.
        """
        self._folder = folder
        self._memory = memory
        self._kept = kept
        self._max_age = timedelta(seconds=max_age_s)
        self._advise = advise
        self._runs: dict[str, Run] = {}
        self._before = before
        self._on_end = on_end
        self._notes = RunNotes(folder)
        self._room_on_disk = DiskRoom(on_disk)

    def add(self, key: SessionKey, command: str, **facts: Any) -> Run:
        """Make a run and remember it; `facts` are Run's fields. Raises as `before` does."""
        return self.keep(self.propose(key, command, **facts))

    def propose(self, key: SessionKey, command: str, **facts: Any) -> Run:
        """Make a run that may be kept. Raises as `before` does."""
        run = self.make(key, command, on_end=self._ended, **facts)
        if self._before:
            self._before(run)
        return run

    def keep(self, run: Run) -> Run:
        """Remember a run that was proposed."""
        return self._remember(run)

    def _remember(self, run: Run) -> Run:
        self._runs[run.id] = run
        self.forget_old(now())
        return run

    def note_sent(self, run: Run) -> None:
        """Note a run for the next server once it has lasted a moment; a sign-in's run at once."""
        after = 0 if run.purpose == "sign_in" else NOTE_AFTER_S
        asyncio.get_running_loop().call_later(after, self.note, run)

    def note(self, run: Run) -> None:
        """Note a run that is still going on."""
        if not run.ended and run.message_id and run.id in self._runs:
            self._write_note(run)

    def note_cancelled(self, waited: Iterable[Run]) -> None:
        """Note a run that was cancelled because the server stops: its caller may ask the next
        server.
        """
        for run in waited:
            if run.state == "cancelled":
                self._write_note(run)

    def _write_note(self, run: Run) -> None:
        try:
            self._notes.write(run)
        except OSError as error:
            LOG.warning("Run %s was not noted: %s", run.id, error)

    def read_notes(self) -> list[RunNote]:
        """Return the notes of runs that an earlier server left."""
        return list(self._notes.read_all())

    def drop_note(self, note: RunNote) -> None:
        """Forget a run of an earlier server that nobody will ask for."""
        self._notes.remove(note.run_id)

    def waiting(self) -> list[Run]:
        """Return the runs that wait for their turn, or for an approval."""
        states = ("queued", "waiting_for_approval")
        return [run for run in self._runs.values() if run.state in states and not run.left]

    def cancel_waiting(self, reason: str) -> None:
        """Cancel the runs that wait for a turn that will not come."""
        for run in self.waiting():
            run.finish("cancelled", reason=reason)

    def restore(self, note: RunNote) -> Run:
        """Return a run of an earlier server under its id; its output comes from the kernel."""
        (self._folder / f"{note.run_id}.jsonl").unlink(missing_ok=True)
        return self._again(note, note.facts())

    def restore_cancelled(self, note: RunNote, reason: str) -> None:
        """Remember a run that never began under its id, and its note with it: the server after this
        one is asked for it too.
        """
        facts = {**note.facts(), "state": "cancelled", "reason": reason}
        facts["ended_at"] = facts["ended_at"] or now()
        self._again(note, facts)

    def _again(self, note: RunNote, facts: Mapping[str, Any]) -> Run:
        """Remember a run that an earlier server has accepted."""
        return self._remember(
            self.make(note.key, note.command, run_id=note.run_id, on_end=self._ended, **facts)
        )

    def _ended(self, run: Run) -> None:
        self._notes.remove(run.id)
        if self._on_end:
            self._on_end(run)

    def make(
        self, key: SessionKey, command: str, *, run_id: str | None = None, **facts: Any
    ) -> Run:
        """Make a run that is not remembered; `facts` are Run's fields."""
        run_id = run_id or new_run_id()
        if self._advise:
            facts["advise"] = functools.partial(self._advise, key, command)
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
        """Forget ended runs that are too many or too old, with their files.

        Those that ended first go first: a long run may end after many short ones have begun.
        """
        ended = [run for run in self._runs.values() if run.ended]
        most = len(ended) - self._kept
        surplus = set(heapq.nsmallest(most, ended, key=lambda run: run.ended_at or time))
        for run in ended:
            if run in surplus or (run.ended_at and time - run.ended_at > self._max_age):
                del self._runs[run.id]
                run.log.close()
                self._notes.remove(run.id)

    def close(self) -> None:
        for run in self._runs.values():
            run.log.close()
        self._runs = {}

    def remove_leftovers(self) -> None:
        """Delete outputs that an earlier server left behind when it was killed."""
        oldest = time.time() - self._max_age.total_seconds()
        for path in self._folder.glob("r-*.jsonl"):
            try:
                if path.stat().st_mtime < oldest:
                    path.unlink(missing_ok=True)
            except OSError as error:
                LOG.warning("The old output %s was not removed: %s", path.name, error)
