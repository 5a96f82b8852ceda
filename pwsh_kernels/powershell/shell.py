"""PowerShell as an asynchronous object: open, run scripts with bound parameters, ask questions,
close, kill.
"""

import asyncio
import logging
import os
import signal
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

from pwsh_kernels.errors import PowerShellDied, PowerShellQueryFailed, PowerShellStartFailed
from pwsh_kernels.powershell.carrying import Carrying
from pwsh_kernels.powershell.events import ConsoleText, Died, Finished
from pwsh_kernels.powershell.host.launch import Launch, child_environment
from pwsh_kernels.powershell.host.module_path import module_path
from pwsh_kernels.powershell.host.programs import Moment, Program
from pwsh_kernels.powershell.host_calls import Question, answer_value, needs_key, refusal
from pwsh_kernels.powershell.link import Link, died_error
from pwsh_kernels.powershell.listeners import PipelineListener, QueryListener
from pwsh_kernels.powershell.pipeline import Pipeline
from pwsh_kernels.powershell.reading_commands import trusted
from pwsh_kernels.powershell.run_events import (
    MUCH_PROGRESS,
    STOPPED,
    Query,
    Run,
    bound,
    checks,
    new_mark,
    rest_commands,
    run_commands,
    thinned,
)
from pwsh_kernels.powershell.wire.conversion import has_secret, psrp_error, to_plain
from pwsh_kernels.powershell.wire.happenings import Command, Ended
from pwsh_kernels.reading import Carried, read_carried
from pwsh_kernels.records import Record, RunOptions, Style, Summary

SCRIPTS = Path(__file__).parent / "scripts"
"""The folder of bootstrap.ps1 and of the scripts that it reads.

PowerShell reads them itself: to send them took 10 ms more of our own computing for each session
(measured).
"""
ASSEMBLY = Path(__file__).parent / "assembly" / "PwshKernels.dll"
QUOTES = {ord(one): one * 2 for one in "'\u2018\u2019\u201a\u201b"}
"""What ends a text in single quotes in PowerShell, doubled."""
START_WAIT = 60.0
"""Seconds for PowerShell to start and to open its runspace (measured: 0.3 s)."""
QUERY_WAIT = 30.0
"""Seconds that an internal query may run."""
STATE_WAIT = 10.0
"""Seconds for the state of a session (measured: 0.1 s the first time, then 0.02 s)."""
REST_WAIT = 10.0
"""Seconds for the text that a stopped or failed run left in its buffer; the conversion to JSON may
take its time.
"""
MAX_UNCLAIMED = 1 << 16
"""Characters of console text between two runs that are kept for the next one; older text is
dropped.
"""
PIECE_LENGTH = 32768
CHUNK_LENGTH = 32768
CHUNK_MILLISECONDS = 50
BURST_MESSAGES = 100
"""Messages that leave at once after a pause (about 0.3 ms each); further output leaves in chunks of
32 KB or 50 ms.

A host call (-WhatIf text, a prompt) can overtake output that waits for its chunk: by 50 ms of bulk
output at most.
"""
MAX_ROWS = 500
"""Rows of a table, and objects of a list, that are sent as such; further ones are only in the
text.
"""
MAX_PICTURE = 10 << 20
"""Largest picture that is shown, in bytes."""
MAX_LAST = 1000
"""Result objects that `$Last` keeps: the newest."""

MAX_KEPT_RUNS = 10
"""Runs with objects that are kept: the newest."""
MAX_FORGOTTEN = 1000
"""Runs whose objects are known to have been kept once."""
MAX_NAMES = 40
"""Properties to name when a query names one that no object has; MAX_LOOKS objects are searched for
them.
"""
MAX_LOOKS = 200
MATCH_MILLISECONDS = 500
"""Time limit of a regular expression for one value of a kept object."""

MAX_FACTS = 1000
"""Errors of a run that are sent with all facts; further ones with message, id and command only."""
JSON_DEPTH = 10
"""Levels of objects within objects that the format `json` writes; deeper ones become text."""
JSON_VALUES = 5_000_000
"""Values that the JSON of one run holds; a text of 64 characters counts for one more."""
JSON_OBJECT_VALUES = 20_000
"""Values that one object of a .NET class may bring into it."""
JSON_MILLISECONDS = 20_000
"""Time limit for writing JSON; values that were not reached are left out, and this is reported."""
JSON_REST_MILLISECONDS = 5_000
"""The same after a throw or a stop, within REST_WAIT."""

NUMBERS: Mapping[str, int] = {
    "PieceLength": PIECE_LENGTH,
    "ChunkLength": CHUNK_LENGTH,
    "ChunkMilliseconds": CHUNK_MILLISECONDS,
    "BurstMessages": BURST_MESSAGES,
    "MaxRows": MAX_ROWS,
    "MaxPicture": MAX_PICTURE,
    "MaxLast": MAX_LAST,
    "MaxKeptRuns": MAX_KEPT_RUNS,
    "MaxForgotten": MAX_FORGOTTEN,
    "MaxNames": MAX_NAMES,
    "MaxLooks": MAX_LOOKS,
    "MatchMilliseconds": MATCH_MILLISECONDS,
    "MaxFacts": MAX_FACTS,
    "JsonDepth": JSON_DEPTH,
    "JsonValues": JSON_VALUES,
    "JsonObjectValues": JSON_OBJECT_VALUES,
    "JsonMilliseconds": JSON_MILLISECONDS,
    "JsonRestMilliseconds": JSON_REST_MILLISECONDS,
}
"""These under the names that the scripts give them."""

_log = logging.getLogger(__name__)


class PowerShell:
    """One PowerShell process with one runspace: variables, functions and sign-ins persist from run
    to run.
    """

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._turn = asyncio.Lock()
        self._current: Pipeline | None = None
        self._unclaimed: deque[str] = deque()
        self._closing = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._link = Link(launch, self._console)
        self._mark = new_mark()
        self._key = new_mark() if launch.shown else ""
        self._locked = False
        self.version = ""

    @classmethod
    async def open(cls, launch: Launch, *, wait_s: float = START_WAIT) -> "PowerShell":
        """Start PowerShell, open its runspace and prepare it.

        Raises PowerShellStartFailed; then nothing is left running.
        """
        # psrpcore logs every message in full at DEBUG: parameters and answers must never reach a
        # log.
        logging.getLogger("psrpcore").setLevel(logging.INFO)
        shell = cls(launch)
        try:
            await shell._link.open(wait_s)
            await shell._bootstrap()
        except PowerShellStartFailed as error:
            await shell.close()
            raise PowerShellStartFailed(error.path, shell._with_console(error.reason)) from None
        except (PowerShellDied, PowerShellQueryFailed) as error:
            await shell.close()
            raise PowerShellStartFailed(
                str(launch.executable), shell._with_console(error.text())
            ) from error
        except BaseException:
            shell.kill()
            raise
        return shell

    async def _bootstrap(self) -> None:
        script = (SCRIPTS / "bootstrap.ps1").read_text(encoding="utf-8")
        numbers = {**NUMBERS, "MaxKept": self._launch.kept_objects}
        numbers["MaxKeptInAll"] = self._launch.kept_in_all
        answer = await self.query(
            script,
            {
                "Folder": str(SCRIPTS),
                "Numbers": "\n".join(f"${name} = {value}" for name, value in numbers.items()),
                "Fingerprint": self._launch.fingerprint,
                "Style": "\n".join(astuple(Style())),
                "Mark": self._mark,
                "ModulePath": module_path(self._launch),
                "GivenPath": child_environment(self._launch, os.environ).get("PSModulePath", ""),
                "Location": self._launch.location,
                **self._reading(),
            },
        )
        self.version = str(answer[-1])
        self._locked = self._launch.shown is not None

    def _reading(self) -> dict[str, Any]:
        """Return what the script is told of a wall, if there is to be one."""
        shown = self._launch.shown
        if shown is None:
            return {}
        names = {"Shown": shown.shown, "Hidden": shown.hidden, "Requests": shown.requests}
        return {"Reading": {"Key": self._key, "Engine": list(shown.engine), **names}}

    def _with_console(self, reason: str) -> str:
        said = "".join(self._unclaimed).strip()
        return f"{reason}; it said: {said[-500:]}" if said else reason

    @property
    def died(self) -> "asyncio.Future[Died]":
        """Set when the process has ended, for whatever reason."""
        return self._link.died

    async def start(
        self, script: str, options: RunOptions | None = None, *, add_to_history: bool = True
    ) -> Pipeline:
        """Start a script when its turn comes.

        Raises PowerShellDied, and InvalidRequest for a value that cannot be bound.
        """
        work = _Work(script, options or RunOptions(), script if add_to_history else None)
        commands = self._commands(work)
        carried = None if work.options.carried is None else read_carried(work.options.carried)
        await self._turn.acquire()
        if self.died.done():
            self._turn.release()
            raise died_error(self.died.result())
        pipeline = self._current = Pipeline(self)
        while self._unclaimed:
            pipeline.put(ConsoleText(self._unclaimed.popleft()))
        self._keep(asyncio.create_task(self._run(pipeline, work, commands, carried)))
        return pipeline

    def _commands(self, work: "_Work") -> list[Command]:
        """Return the pipeline of a run. Where no text is taken, only the server's own is wrapped so
        that it is; any other gets the engine's refusal.
        """
        commands = run_commands(work.script, work.options)
        if not self._locked:
            return commands
        script, last = commands
        if work.options.own:
            wrapped = trusted(work.script, work.options.parameters, self._key)
            script = replace(wrapped, merge=True)
        return [script, replace(last, local=True)]

    async def _run(
        self,
        pipeline: Pipeline,
        work: "_Work",
        commands: list[Command],
        carried: Carried | None,
    ) -> None:
        began_at, started = time.time(), time.monotonic()
        last: Finished | Died
        try:
            run = Run(self._mark, is_file=bool(work.options.file))
            ended = await (
                self._carry(run, pipeline, work, commands[-1], carried)
                if self._locked and carried
                else self._complete(run, pipeline, work, commands)
            )
            self._link.drain_console()
            duration_s = time.monotonic() - started
            last = Finished(replace(run.summary(ended, duration_s), began_at=began_at))
        except PowerShellDied as error:
            last = Died(error.exit_status, error.signal, error.reason)
        except Exception as error:  # noqa: BLE001 - the outermost loop of a run: its reader must get an end
            _log.exception("a run failed inside pwsh-kernels")
            last = Finished(_broken(error, time.monotonic() - started))
        self._current = None
        pipeline.end(last)
        self._turn.release()

    async def _complete(
        self, run: Run, pipeline: Pipeline, work: "_Work", commands: list[Command]
    ) -> Ended:
        listener = PipelineListener(pipeline, run, self._link)
        if has_secret(dict(work.options.parameters)):
            await self._link.ensure_key()
        for check in [] if self._locked else checks(work.script, work.options):
            if pipeline.stop_asked:
                return STOPPED
            checked = await self._link.converse(check, listener)
            if checked.reason is not None:
                run.refuse(checked)
                return checked
        if pipeline.stop_asked:
            return STOPPED
        if self._link.progress_messages > MUCH_PROGRESS:
            commands = thinned(commands)
        ended = await self._link.converse(commands, listener, history=work.history)
        pipeline.close_questions()
        return await self._with_rest(run, listener, ended, work.script)

    async def _carry(
        self, run: Run, pipeline: Pipeline, work: "_Work", last: Command, carried: Carried
    ) -> Ended:
        """Run a text as the commands that it was carried into."""
        listener = PipelineListener(pipeline, run, self._link)
        carrying = Carrying(self._link, pipeline, listener, run, self._key)
        ended = await carrying.run(carried, last, work.history)
        pipeline.close_questions()
        return await self._with_rest(run, listener, ended, work.script)

    async def _with_rest(
        self, run: Run, listener: PipelineListener, ended: Ended, script: str
    ) -> Ended:
        """Fetch the output that is missing at the end of a run."""
        if not run.has_ending:
            fetching = rest_commands(ended, script)
            if self._locked:
                fetching = [replace(one, local=True) for one in fetching]
            await self._fetch_rest(listener, fetching)
        if not run.has_ending:
            _log.error(
                "PowerShell did not return the rest of a run; its last output may be missing"
            )
        return ended

    async def _fetch_rest(self, listener: "PipelineListener", commands: list[Command]) -> None:
        """Fetch what Out-Session could not send; a PowerShell that cannot do even that is
        useless.
        """
        fetching = asyncio.ensure_future(self._link.converse(commands, listener))
        await asyncio.wait([fetching], timeout=REST_WAIT)
        if not fetching.done():
            self._link.stop()
            await asyncio.wait([fetching], timeout=REST_WAIT)
        if not fetching.done():
            _log.error("PowerShell did not answer after a run; killing it")
            self.kill()
        await fetching

    async def query(
        self,
        script: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        wait_s: float = QUERY_WAIT,
    ) -> list[Any]:
        """Run an internal query when its turn comes and return its output as plain Python values
        (`to_plain`).

        Not in the history; prompts are refused; host text is dropped. `wait_s` bounds the run, not
        the wait for the turn. Raises PowerShellQueryFailed when the script failed or took longer,
        PowerShellDied.
        """
        own = Command(script, bound(parameters or {}), is_script=True, local=True)
        commands = [trusted(script, parameters or {}, self._key) if self._locked else own]
        return await self._query(commands, wait_s, secret=has_secret(dict(parameters or {})))

    async def command_state(self, asked: str, *, wait_s: float = STATE_WAIT) -> str:
        """Return, as JSON, how the session resolves commands; `asked`: CommandReader.cs.

        Runs in the scope of the runs, for which alone something may have been left there. Raises as
        `query` does.
        """
        script = (SCRIPTS / "command_state.ps1").read_text(encoding="utf-8")
        for name, text in (("assembly", str(ASSEMBLY)), ("asked", asked)):
            script = script.replace(f"{{{name}}}", text.translate(QUOTES))
        own = Command(script, {}, is_script=True)
        commands = [trusted(script, {}, self._key) if self._locked else own]
        answer = await self._query(commands, wait_s)
        if not answer or not isinstance(answer[-1], str):
            raise PowerShellQueryFailed("it gave no answer")
        return str(answer[-1])

    async def _query(
        self, commands: list[Command], wait_s: float, *, secret: bool = False
    ) -> list[Any]:
        async with self._turn:
            asking = asyncio.create_task(self._ask(commands, secret=secret, wait_s=wait_s))
            try:
                return await asyncio.shield(asking)
            except asyncio.CancelledError:
                # The turn must not pass on while the query still runs.
                self._link.stop()
                await asyncio.wait([asking], timeout=wait_s)
                raise

    async def _ask(self, commands: list[Command], *, secret: bool, wait_s: float) -> list[Any]:
        if secret:
            await self._link.ensure_key()
        query = Query()
        conversation = asyncio.ensure_future(
            self._link.converse(commands, QueryListener(query, self._link))
        )
        await asyncio.wait([conversation], timeout=wait_s)
        if not conversation.done():
            self._link.stop()
            await asyncio.wait([conversation], timeout=REST_WAIT)
            if not conversation.done():
                self.kill()
            raise PowerShellQueryFailed(f"it took longer than {wait_s:g} s")
        ended = conversation.result()
        if ended.reason is not None:
            raise PowerShellQueryFailed(psrp_error(ended.reason).message)
        return [to_plain(one) for one in query.objects]

    def stop_running(self, pipeline: Pipeline) -> None:
        """Ask PowerShell to stop this pipeline, if it still is the running one."""
        if pipeline is self._current:
            self._link.stop()

    async def answer(self, question: Question, value: Any) -> None:
        """Answer a prompt of the running pipeline."""
        wire = answer_value(question, value)
        if needs_key(question):
            await self._link.ensure_key()
        self._link.answer(question.id, wire)

    def refuse(self, question: Question, reason: str) -> None:
        """Refuse a prompt of the running pipeline."""
        self._link.refuse(question.id, refusal(reason))

    async def close(self) -> None:
        """End PowerShell in order: close stdin, wait, terminate its group, kill it.

        Bounded; harmless again.
        """
        self._closing = True
        if self._current is not None:
            self._current.lift()
        await self._link.close()

    def hang_up(self, since: Moment) -> int:
        """Signal to programs started since a moment that they have no terminal; return how many."""
        return self._link.hang_up(since)

    def hang_up_waiting(self, since: Moment) -> list[Program]:
        """Signal only to programs that wait for input which cannot come; return them."""
        return self._link.hang_up_waiting(since)

    def end_holding(self, since: Moment, number: signal.Signals) -> list[Program]:
        """Send a signal to the programs started since a moment that a stopping script still waits
        for; return them.
        """
        return self._link.end_holding(since, number)

    def kill(self) -> None:
        """Kill the process group at once."""
        self._closing = True
        if self._current is not None:
            self._current.lift()
        self._link.kill()

    def _console(self, text: str) -> None:
        if self._current is not None:
            self._current.put(ConsoleText(text))
            return
        self._unclaimed.append(text)
        while sum(len(one) for one in self._unclaimed) > MAX_UNCLAIMED:
            self._unclaimed.popleft()

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@dataclass(frozen=True, slots=True)
class _Work:
    """A request for a run; `history` is what Get-History shows, None for nothing."""

    script: str
    options: RunOptions
    history: str | None


def _broken(error: Exception, duration_s: float) -> Summary:
    record = Record(
        "error",
        f"pwsh-kernels could not run this: {error}",
        exception_type=type(error).__name__,
        terminating=True,
    )
    return Summary("failed", errors=1, duration_s=duration_s, terminating_error=record)
