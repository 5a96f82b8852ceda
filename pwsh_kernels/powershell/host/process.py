"""The PowerShell process: its pipes, its own process group with a watcher, and its bounded end."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

from pwsh_kernels import limits
from pwsh_kernels.errors import PowerShellStartFailed
from pwsh_kernels.limits import Limits
from pwsh_kernels.powershell.events import Died
from pwsh_kernels.powershell.host.console_pipe import ConsolePipe
from pwsh_kernels.powershell.host.launch import Launch, child_environment
from pwsh_kernels.watcher import Watcher

EOF_WAIT = 2.0
"""Seconds that PowerShell gets to end after its stdin was closed (measured: 60 ms)."""
TERMINATE_WAIT = 2.0
"""Seconds that the group gets after SIGTERM."""
KILL_WAIT = 5.0
"""Seconds that the kernel gets to deliver SIGKILL."""
READ_SIZE = 1 << 16

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Wire:
    """Our ends of the child's stdin and stdout.

    They are pipes of our own making: asyncio's `Process.wait` would wait for its own pipes too,
    which a program that the child started may hold open for ever.
    """

    stdin: asyncio.WriteTransport
    stdout: asyncio.StreamReader
    stdout_transport: asyncio.ReadTransport


class PowerShellProcess:
    """Owns one child in a session and process group of its own."""

    def __init__(
        self, process: asyncio.subprocess.Process, wire: _Wire, console: ConsolePipe
    ) -> None:
        self._process = process
        self._wire = wire
        self._watcher: Watcher | None = None
        self.console = console

    @classmethod
    async def start(cls, launch: Launch, on_console: Callable[[str], None]) -> "PowerShellProcess":
        """Start the child. Raises PowerShellStartFailed."""
        if launch.home:
            launch.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        child_in, our_in = os.pipe()
        our_out, child_out = os.pipe()
        console, child_err = ConsolePipe.open(on_console)
        wire = await _connect(our_in, our_out)
        try:
            process = await asyncio.create_subprocess_exec(
                *launch.argv,
                stdin=child_in,
                stdout=child_out,
                stderr=child_err,
                env=child_environment(launch, os.environ),
                cwd=launch.cwd,
                start_new_session=True,
            )
        except OSError as error:
            console.close()
            _disconnect(wire)
            raise PowerShellStartFailed(
                str(launch.executable), error.strerror or str(error)
            ) from error
        finally:
            for end in (child_in, child_out, child_err):
                os.close(end)
        started = cls(process, wire, console)
        await started._watch(launch)
        return started

    async def _watch(self, launch: Launch) -> None:
        try:
            self._limit(launch.limits, sets_its_own=bool(launch.confined))
            self._watcher = await Watcher.start(self.pid)
        except BaseException as error:
            self.kill()
            await self.disconnect()
            if not isinstance(error, OSError):
                raise
            raise PowerShellStartFailed(
                str(launch.executable), f"its watcher /bin/sh: {error.strerror or error}"
            ) from error

    def _limit(self, wanted: Limits, *, sets_its_own: bool) -> None:
        """Set its limits; where the machine does not let us, it runs without: better than not."""
        try:
            limits.apply(wanted, self.pid, sets_its_own=sets_its_own)
        except OSError as problem:
            _log.warning("Not all limits of PowerShell %d were set: %s", self.pid, problem)

    @property
    def pid(self) -> int:
        """The process id, which is the group's id too."""
        return self._process.pid

    async def read(self) -> bytes:
        """Return bytes of stdout, empty at its end."""
        return await self._wire.stdout.read(READ_SIZE)

    async def gather(self, seconds: float) -> None:
        """Leave bytes of stdout in the pipe for a while, so that the next read gets many at
        once.
        """
        transport = self._wire.stdout_transport
        if (
            transport.is_closing() or not transport.is_reading()
        ):  # the stream itself pauses where it holds much
            return
        transport.pause_reading()
        await asyncio.sleep(seconds)
        transport.resume_reading()

    def write(self, data: bytes) -> None:
        """Queue bytes for stdin.

        Never waits: a caller that waited here would not read stdout, and the child might wait for
        that.

        Bytes for a dead child are dropped; `wait` reports its death.
        """
        if data and not self._wire.stdin.is_closing():
            self._wire.stdin.write(data)

    async def disconnect(self) -> None:
        """Close our ends of its pipes and end its watcher: it has ended."""
        if self._watcher is not None:
            await self._watcher.end()
        self.console.close()
        _disconnect(self._wire)

    async def wait(self) -> Died:
        """Wait for the end and return how it ended."""
        status = await self._process.wait()
        if status < 0:
            return Died(None, signal.Signals(-status).name)
        return Died(status, None)

    async def close(self) -> None:
        """End the child: close stdin, wait, terminate the group, wait, kill it.

        Bounded and idempotent.
        """
        self._wire.stdin.close()
        if await self._ended_within(EOF_WAIT):
            return
        self._signal_group(signal.SIGTERM)
        if await self._ended_within(TERMINATE_WAIT):
            return
        self.kill()
        if not await self._ended_within(KILL_WAIT):
            _log.error("PowerShell %d did not end after SIGKILL", self.pid)

    def kill(self) -> None:
        """Kill the whole group at once, including anything that a dead PowerShell left in it."""
        self._signal_group(signal.SIGKILL)

    async def _ended_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._process.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


async def _connect(stdin: int, stdout: int) -> _Wire:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=READ_SIZE)
    read_end = os.fdopen(stdout, "rb", buffering=0)
    reading, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), read_end
    )
    write_end = os.fdopen(stdin, "wb", buffering=0)
    writing, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, write_end)
    return _Wire(writing, reader, reading)


def _disconnect(wire: _Wire) -> None:
    if not wire.stdin.is_closing():  # asyncio fails on an abort after the end
        wire.stdin.abort()
    wire.stdout_transport.close()
