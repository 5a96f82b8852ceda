"""The process and the protocol joined: reads, writes, ticks, and notices the end.

One conversation at a time.
"""

import asyncio
import contextlib
import functools
import logging
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

import psrpcore
from psrpcore.types import ErrorRecord

from pwsh_kernels.errors import PowerShellDied, PowerShellStartFailed
from pwsh_kernels.powershell.events import Died
from pwsh_kernels.powershell.host.launch import Launch
from pwsh_kernels.powershell.host.process import EOF_WAIT, PowerShellProcess
from pwsh_kernels.powershell.host.programs import (
    Moment,
    Program,
    end_holding,
    hang_up,
    hang_up_waiting,
)
from pwsh_kernels.powershell.host_calls import NO_ANSWER, Question, Unsupported, read_call, refusal
from pwsh_kernels.powershell.wire.happenings import (
    Command,
    Ended,
    Happening,
    KeyReady,
    Opened,
    OpenFailed,
    PsrpEvent,
    RunspaceFree,
    Said,
)
from pwsh_kernels.powershell.wire.packets import Stray
from pwsh_kernels.powershell.wire.protocol import Connection

LAST_OUTPUT_WAIT = 1.0
"""Seconds for which the output of an ended PowerShell is still read; a child of it may hold the
pipe open.
"""
KEY_WAIT = 10.0
"""Seconds that PowerShell gets for the exchange of the session key."""
GATHER = 0.002
"""Seconds without reading after progress that is only held back: PowerShell flushes each record,
and each would wake us.

A pipe holds more than arrives in that time (measured: 20 KB).
"""
LARGE_SCRIPT = 50_000
"""Characters from which a script is serialised in a thread (measured: about a second for a
megabyte).
"""
TRANSPORT_ERROR = "Remote transport error"
"""PowerShell's text on stderr when it cannot read one of our messages; it continues to read, and
the pipeline of that message never ends (measured).
"""
DOUBT_WAIT = 2.0
"""Seconds after which a PowerShell that seems idle is asked once more: it is idle for a moment when
a pipeline begins or ends, and a script may have printed the text of the error.
"""
UNREADABLE = "it could not read a message from pwsh-kernels and would never have answered"
HOST_CANNOT = "this host has no keyboard and no screen buffer"


_log = logging.getLogger(__name__)


class Listener(Protocol):
    """The receiver of a conversation's messages."""

    def hear(self, event: PsrpEvent) -> None:
        """Take a decoded message."""

    @property
    def full(self) -> bool:
        """True while no more should be read."""

    async def room(self) -> None:
        """Wait until more may be read."""

    def lift(self) -> None:
        """Accept everything without a limit: the end is near."""


class Link:
    """A living connection to one PowerShell process."""

    def __init__(self, launch: Launch, on_console: Callable[[str], None]) -> None:
        self._launch = launch
        self._on_console = on_console
        self._doubted: asyncio.Future[Ended] | None = None
        self._asked_again = 0.0
        self._reason = ""
        self._loop = asyncio.get_running_loop()
        self._connection = Connection(launch.width)
        self._process: PowerShellProcess | None = None
        self._listener: Listener | None = None
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._key: asyncio.Future[None] | None = None
        self._ended: asyncio.Future[Ended] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.died: asyncio.Future[Died] = self._loop.create_future()

    async def open(self, wait_s: float) -> None:
        """Start PowerShell and open its runspace.

        Raises PowerShellStartFailed; then nothing is left running.
        """
        self._process = await PowerShellProcess.start(self._launch, self._hear_console)
        reader = asyncio.create_task(self._read(self._process))
        reader.add_done_callback(functools.partial(self._reader_done, self._process))
        self._tasks = [reader, asyncio.create_task(self._watch(self._process, reader))]
        self._connection.open()
        self._send()
        try:
            async with asyncio.timeout(wait_s):
                await asyncio.shield(self._opened)
        except TimeoutError:
            self._process.kill()
            raise PowerShellStartFailed(
                str(self._launch.executable), f"no runspace opened within {wait_s:g} s"
            ) from None
        except BaseException:
            self._process.kill()
            raise

    @property
    def progress_messages(self) -> int:
        """How many progress messages PowerShell has written."""
        return self._connection.progress_messages

    async def converse(
        self, commands: list[Command], listener: Listener, *, history: str | None = None
    ) -> Ended:
        """Run one pipeline to its end.

        Raises PowerShellDied. The caller ensures that only one runs.
        """
        self._check_alive()
        if sum(len(one.text) for one in commands) > LARGE_SCRIPT:
            await asyncio.to_thread(self._connection.prepare, commands, history=history)
            self._check_alive()
        else:
            self._connection.prepare(commands, history=history)
        self._listener = listener
        self._ended = self._loop.create_future()
        self._connection.begin()
        self._send()
        try:
            return await asyncio.shield(self._ended)
        finally:
            self._listener = None

    def stop(self) -> None:
        """Ask the running pipeline to stop."""
        self._connection.stop()
        self._send()

    def hang_up(self, since: Moment) -> int:
        """Signal to PowerShell's programs that they have no terminal (programs.py); return how
        many.
        """
        return hang_up(self._process.pid, since) if self._process else 0

    def hang_up_waiting(self, since: Moment) -> list[Program]:
        """Signal only to those that wait for input which cannot come; return them."""
        return hang_up_waiting(self._process.pid, since) if self._process else []

    def end_holding(self, since: Moment, number: signal.Signals) -> list[Program]:
        """Send a signal to the programs that PowerShell waits for; return them."""
        return end_holding(self._process.pid, since, number) if self._process else []

    async def ensure_key(self) -> None:
        """Exchange the session key unless that is done. Raises PowerShellDied, TimeoutError."""
        if self._connection.has_key:
            return
        if self._key is None:
            self._key = self._loop.create_future()
            self._connection.ask_key()
            self._send()
        self._check_alive()
        async with asyncio.timeout(KEY_WAIT):
            await asyncio.shield(self._key)

    def answer(self, call_id: int, value: Any) -> None:
        """Answer a host call."""
        self._connection.answer(call_id, value)
        self._send()

    def refuse(self, call_id: int, error: ErrorRecord) -> None:
        """Answer a host call with an error."""
        self._connection.refuse(call_id, error)
        self._send()

    def drain_console(self) -> None:
        """Hand over the console text that is waiting in the pipe."""
        if self._process is not None:
            self._process.console.drain()

    async def close(self) -> None:
        """End PowerShell; bounded; returns when it has ended and everything has been reported."""
        if self._process is not None:
            await self._process.close()
            await asyncio.wait(self._tasks, timeout=EOF_WAIT)

    def kill(self) -> None:
        """Kill the process group at once."""
        if self._process is not None:
            self._process.kill()

    def _check_alive(self) -> None:
        if self.died.done():
            raise died_error(self.died.result())

    def _send(self) -> None:
        if self._process is not None:
            self._process.write(self._connection.data_to_send())

    def _hear_console(self, text: str) -> None:
        """Pass on console text. A script may print the text of a transport error too, so it only
        makes us ask.
        """
        self._on_console(text)
        if TRANSPORT_ERROR in text and self._connection.busy:
            if self._doubted is not self._ended:
                self._doubted, self._asked_again = self._ended, 0.0
            self._ask_whether_free()

    def _ask_whether_free(self) -> None:
        if self._connection.busy:
            self._connection.ask_whether_free()
            self._send()

    def _give_up(self) -> None:
        """End a PowerShell that has lost a message, because the request would never be answered."""
        doubted = self._doubted
        if doubted is None or doubted is not self._ended or doubted.done():
            return
        now = self._loop.time()
        if not self._asked_again:
            self._asked_again = now + DOUBT_WAIT
            self._loop.call_at(self._asked_again, self._ask_whether_free)
        elif now >= self._asked_again and self._process is not None:
            _log.error("PowerShell has lost a message: %s; killing it", UNREADABLE)
            self._reason = UNREADABLE
            self._process.kill()

    def _reader_done(self, process: PowerShellProcess, reader: asyncio.Task[None]) -> None:
        """End a session whose reader has failed, for whatever reason: it could never answer
        again.
        """
        if not reader.cancelled() and (error := reader.exception()) is not None:
            _log.error("reading from PowerShell failed; killing it", exc_info=error)
            process.kill()

    async def _read(self, process: PowerShellProcess) -> None:
        while data := await process.read():
            happenings = self._connection.receive(data, self._loop.time())
            for happening in happenings:
                self._happen(happening)
            self._send()
            self._set_timer()
            if not happenings and self._connection.next_tick() is not None:
                await process.gather(GATHER)
            await self._wait_for_room(process)
        # Its end of the wire is closed: nothing more can come of it.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EOF_WAIT):
                await process.wait()
                return
        process.kill()

    async def _wait_for_room(self, process: PowerShellProcess) -> None:
        listener = self._listener
        if listener is None or not listener.full:
            await asyncio.sleep(0)
            return
        process.console.pause()
        await listener.room()
        process.console.resume()

    def _happen(self, happening: Happening) -> None:
        if isinstance(happening, Said):
            self._hear(happening.event)
        elif isinstance(happening, Stray):
            self._on_console(happening.text)
        elif isinstance(happening, Ended):
            _resolve(self._ended, happening)
        elif isinstance(happening, RunspaceFree):
            self._give_up()
        elif isinstance(happening, KeyReady):
            _resolve(self._key, None)
        elif isinstance(happening, Opened):
            _resolve(self._opened, None)
        elif isinstance(happening, OpenFailed):
            _fail(
                self._opened, PowerShellStartFailed(str(self._launch.executable), happening.reason)
            )

    def _hear(self, event: PsrpEvent) -> None:
        if self._listener is not None:
            try:
                self._listener.hear(event)
            except (AttributeError, IndexError, KeyError, TypeError, ValueError):
                self._not_understood(event)
        elif isinstance(event, psrpcore.RunspacePoolHostCallEvent):
            call = read_call(event)
            if isinstance(call, Question | Unsupported):
                self.refuse(call.id, refusal(HOST_CANNOT))

    def _not_understood(self, event: PsrpEvent) -> None:
        """Continue after a message with values of an unknown shape; a call must be refused, or the
        script hangs.
        """
        _log.exception("a message from PowerShell was not understood: %s", type(event).__name__)
        if (
            isinstance(event, psrpcore.PipelineHostCallEvent | psrpcore.RunspacePoolHostCallEvent)
            and event.ci != NO_ANSWER
        ):
            self.refuse(event.ci, refusal(f"{event.method_identifier.name}: {HOST_CANNOT}"))

    def _set_timer(self) -> None:
        due = self._connection.next_tick()
        if self._timer is None and due is not None:
            self._timer = self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        for happening in self._connection.tick(self._loop.time()):
            self._happen(happening)
        self._set_timer()

    async def _watch(self, process: PowerShellProcess, reader: asyncio.Task[None]) -> None:
        ended = await process.wait()
        process.kill()  # what it left behind in its group, such as a native program
        if self._listener is not None:
            self._listener.lift()
        await asyncio.wait([reader], timeout=LAST_OUTPUT_WAIT)
        reader.cancel()
        for happening in self._connection.finish():
            self._happen(happening)
        process.console.drain()
        await process.disconnect()
        if self._timer is not None:
            self._timer.cancel()
        died = replace(ended, reason=self._reason)
        self.died.set_result(died)
        self._tell_death(died)

    def _tell_death(self, died: Died) -> None:
        error = died_error(died)
        _fail(self._opened, PowerShellStartFailed(str(self._launch.executable), error.how()))
        for waiting in (self._key, self._ended):
            _fail(waiting, error)


def died_error(died: Died) -> PowerShellDied:
    """Return the error that reports a death."""
    return PowerShellDied(died.exit_status, died.signal, died.reason)


def _resolve(future: "asyncio.Future[Any] | None", value: Any) -> None:
    if future is not None and not future.done():
        future.set_result(value)


def _fail(future: "asyncio.Future[Any] | None", error: Exception) -> None:
    if future is not None and not future.done():
        future.set_exception(error)
        future.exception()  # read here, so that asyncio does not log an error nobody waits for
