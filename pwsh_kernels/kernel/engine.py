"""The kernel's one PowerShell: found and opened while the kernel starts, queried, closed, its death
reported.
"""

import asyncio
import concurrent.futures
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pwsh_kernels.errors import PowerShellStartFailed, ProductError
from pwsh_kernels.kernel.environment import KernelEnvironment
from pwsh_kernels.powershell import (
    Died,
    FoundPowerShell,
    Launch,
    PowerShell,
    find_powershell,
)

VERSION_WAIT_S = 10.0
QUERY_WAIT_S = 20.0
"""Longest wait for an internal question: help and module loading can take seconds the
first time.
"""


class Engine:
    """Owner of the PowerShell object.

    Everything except `version` belongs to the kernel's main loop.
    """

    def __init__(self, environment: KernelEnvironment, on_death: Callable[[Died], None]) -> None:
        self._environment = environment
        self._on_death = on_death
        self._version: concurrent.futures.Future[str] = concurrent.futures.Future()
        self._opening: asyncio.Task[PowerShell] | None = None
        self._closing = False

    def start(self) -> None:
        """Begin to find and open PowerShell, in the running loop."""
        self._opening = asyncio.get_running_loop().create_task(self._open())
        self._opening.add_done_callback(_log_failure)

    async def version(self) -> str:
        """Return PowerShell's version, "" if none is usable.

        Waits only until it is found; works on any thread's loop.
        """
        found = asyncio.shield(asyncio.wrap_future(self._version))
        try:
            return await asyncio.wait_for(found, VERSION_WAIT_S)
        except TimeoutError:
            return ""

    def known_version(self) -> str:
        """Return the version if it is known by now, else ""."""
        return self._version.result() if self._version.done() else ""

    async def _open(self) -> PowerShell:
        try:
            found = await find_powershell(explicit=self._environment.pwsh)
            self._tell_version(found.version)
        finally:
            self._tell_version("")
        shell = await PowerShell.open(self._launch(found))
        shell.died.add_done_callback(self._died)
        return shell

    def _tell_version(self, version: str) -> None:
        """Pass the version to everyone who waits; a known one is only completed."""
        if not self._version.done():
            self._version.set_result(version)
        elif version and not self._version.result():
            self._version = concurrent.futures.Future()
            self._version.set_result(version)

    def _launch(self, found: FoundPowerShell) -> Launch:
        wanted = self._environment
        return Launch(
            executable=found.path,
            takes_assembly=found.takes_assembly,
            home=wanted.home,
            environment=dict(wanted.given),
            cwd=Path.cwd(),
            location=wanted.working_folder,
            kept_objects=wanted.kept_objects,
            kept_in_all=wanted.kept_in_all,
            module_path=wanted.module_path,
            machine_modules=wanted.machine_modules,
            culture=wanted.culture,
            fingerprint=wanted.fingerprint,
            shown=wanted.shown,
            confined=wanted.confined,
            limits=wanted.limits,
        )

    def _died(self, death: asyncio.Future[Died]) -> None:
        if not self._closing and not death.cancelled():
            self._on_death(death.result())

    async def shell(self) -> PowerShell:
        """Return the opened PowerShell; if opening failed, try again.

        Raises a ProductError, which says why there is none.
        """
        if self._opening is None:
            raise PowerShellStartFailed(
                self._environment.pwsh or "PowerShell", "the kernel is not started"
            )
        if self._has_failed(self._opening) and not self._closing:
            self.start()
        return await asyncio.shield(self._opening)

    @staticmethod
    def _has_failed(opening: "asyncio.Task[PowerShell]") -> bool:
        return opening.done() and not opening.cancelled() and opening.exception() is not None

    async def query(self, script: str, parameters: Mapping[str, Any]) -> list[Any]:
        """Return the output of an internal question. Raises ProductError or TimeoutError."""
        async with asyncio.timeout(QUERY_WAIT_S):
            shell = await self.shell()
            return await shell.query(script, parameters)

    async def close(self) -> None:
        """End PowerShell, at whatever stage it is; bounded by PowerShell's own waits; may be called
        repeatedly.
        """
        self._closing = True
        if self._opening is None:
            return
        if not self._opening.done():
            self._opening.cancel()
        await asyncio.wait([self._opening])
        if not self._opening.cancelled() and self._opening.exception() is None:
            await self._opening.result().close()


def _log_failure(opening: asyncio.Task[PowerShell]) -> None:
    error = None if opening.cancelled() else opening.exception()
    if isinstance(error, ProductError):
        logging.getLogger(__name__).error("%s", error.text())
    elif error is not None:
        logging.getLogger(__name__).error("PowerShell did not open", exc_info=error)
