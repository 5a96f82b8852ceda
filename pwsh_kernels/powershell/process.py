"""The PowerShell process: its pipes, its own process group, and its bounded end."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable

from pwsh_kernels.errors import PowerShellStartFailed
from pwsh_kernels.powershell.console import ConsolePipe
from pwsh_kernels.powershell.events import Died
from pwsh_kernels.powershell.launch import Launch, child_environment

EOF_WAIT = 2.0
"""Seconds that PowerShell gets to end after its stdin was closed (measured: 60 ms)."""
TERMINATE_WAIT = 2.0
"""Seconds that the group gets after SIGTERM."""
KILL_WAIT = 5.0
"""Seconds that the kernel gets to deliver SIGKILL."""
READ_SIZE = 1 << 16

_log = logging.getLogger(__name__)


class PowerShellProcess:
    """Owns one child in a session and process group of its own."""

    def __init__(self, process: asyncio.subprocess.Process, console: ConsolePipe) -> None:
        self._process = process
        self.console = console

    @classmethod
    async def start(cls, launch: Launch, on_console: Callable[[str], None]) -> "PowerShellProcess":
        """Start the child. Raises PowerShellStartFailed."""
        if launch.home:
            launch.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        console, write_end = ConsolePipe.open(on_console)
        try:
            process = await asyncio.create_subprocess_exec(
                *launch.argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=write_end,
                env=child_environment(launch, os.environ),
                cwd=launch.cwd,
                start_new_session=True,
                limit=READ_SIZE,
            )
        except OSError as error:
            console.close()
            raise PowerShellStartFailed(str(launch.executable), error.strerror or str(error)) from error
        finally:
            os.close(write_end)
        return cls(process, console)

    @property
    def pid(self) -> int:
        """The process id, which is the group's id too."""
        return self._process.pid

    async def read(self) -> bytes:
        """Return bytes of stdout, empty at its end."""
        assert self._process.stdout is not None  # noqa: S101 - made with PIPE
        return await self._process.stdout.read(READ_SIZE)

    def write(self, data: bytes) -> None:
        """Queue bytes for stdin. Never waits: who waited here would not read stdout, and the child might wait for that.

        A child that has died takes nothing; its death is told by `wait`.
        """
        stdin = self._process.stdin
        if data and stdin is not None and not stdin.is_closing():
            stdin.write(data)

    async def wait(self) -> Died:
        """Wait for the end and tell how it was."""
        status = await self._process.wait()
        if status < 0:
            return Died(None, signal.Signals(-status).name)
        return Died(status, None)

    async def close(self) -> None:
        """End the child: close stdin, wait, terminate the group, wait, kill it. Bounded and idempotent."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        if await self._ended_within(EOF_WAIT):
            return
        self._signal_group(signal.SIGTERM)
        if await self._ended_within(TERMINATE_WAIT):
            return
        self.kill()
        if not await self._ended_within(KILL_WAIT):
            _log.error("PowerShell %d did not end after SIGKILL", self.pid)

    def kill(self) -> None:
        """Kill the whole group at once, also what a dead PowerShell left behind in it."""
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
