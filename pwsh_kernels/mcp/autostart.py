"""Start the server in the background when none listens on this machine; two callers at once start
one.
"""

import asyncio
import fcntl
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from pwsh_kernels.client import find_server
from pwsh_kernels.discovery import ServerAddress, host_and_port, is_loopback
from pwsh_kernels.errors import ServerStartFailed, ServerUnreachable
from pwsh_kernels.settings import Settings

START_WAIT = 60.0
"""Seconds that a started server has until its /health answers; a cold start on a busy machine takes
about 10.
"""

LOOK_AGAIN = 0.1
"""Seconds between two looks for the server or for the lock."""

_LOOPBACK_NAMES = {"localhost": "127.0.0.1"}


async def find_or_start(settings: Settings) -> tuple[ServerAddress, str]:
    """Return the server's address and, when it was started for this call, a sentence that says so.

    Raises ServerUnreachable if starting one is forbidden or impossible there, ServerStartFailed,
    NotOurServer.
    """
    try:
        return await find_server(settings), ""
    except ServerUnreachable:
        if not may_start(settings):
            raise
    return await _start(settings)


def may_start(settings: Settings) -> bool:
    """Return whether a server may be started: allowed, and PWSH_MANAGER_URL is plain http on this
    machine.
    """
    host, _ = host_and_port(settings.url)
    return settings.autostart and is_loopback(host) and urlsplit(settings.url).scheme == "http"


async def _start(settings: Settings) -> tuple[ServerAddress, str]:
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = settings.data_dir / "server.log"
    async with _only_starter(settings.data_dir / "autostart.lock", log):
        try:
            return await find_server(settings), ""  # another starter was faster
        except ServerUnreachable:
            process = await _spawn(settings, log)
        address = await _wait_until_it_answers(settings, process, log)
    return (
        address,
        (
            f"No server was running at {settings.url}: started one in the background (process"
            f" {process.pid}, log {log})."
        ),
    )


@asynccontextmanager
async def _only_starter(lock: Path, log: Path) -> AsyncIterator[None]:
    """Hold a file lock; the system releases it when its holder ends, in whatever way."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        await _acquire(descriptor, log)
        yield
    finally:
        os.close(descriptor)


async def _acquire(descriptor: int, log: Path) -> None:
    for _ in range(round(START_WAIT / LOOK_AGAIN)):
        if _locked(descriptor):
            return
        await asyncio.sleep(LOOK_AGAIN)
    raise ServerStartFailed(reason="another program is still starting it", log=str(log))


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _spawn(settings: Settings, log: Path) -> asyncio.subprocess.Process:
    """Start the server in its own process session: it outlives us, and a signal to us does not
    reach it.
    """
    host, port = host_and_port(settings.url)
    where = ["--host", _LOOPBACK_NAMES.get(host, host), "--port", str(port)]
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pwsh_kernels", "serve", *where),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            cwd=settings.data_dir,
        )
    finally:
        os.close(descriptor)


async def _wait_until_it_answers(
    settings: Settings, process: asyncio.subprocess.Process, log: Path
) -> ServerAddress:
    reason = f"it did not answer within {START_WAIT:.0f} s"
    try:
        async with asyncio.timeout(START_WAIT):
            while process.returncode is None:
                try:
                    return await find_server(settings)
                except ServerUnreachable:
                    await asyncio.sleep(LOOK_AGAIN)
        reason = f"it ended with exit status {process.returncode}"
    except TimeoutError:
        process.terminate()
    raise ServerStartFailed(reason=reason, log=str(log))
