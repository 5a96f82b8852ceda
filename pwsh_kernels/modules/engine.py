"""A PowerShell of the installation's own: it answers one request at a time, and ends with the block
that opened it.
"""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

from pwsh_kernels.errors import (
    PowerShellNotFound,
    PowerShellStartFailed,
    PowerShellTooOld,
    ProductError,
)

SCRIPT = Path(__file__).parent / "powershell" / "gallery.ps1"
LOOKUP = (sys.executable, "-m", "pwsh_kernels.powershell")
"""Prints which PowerShell there is. A process of its own: only kernels load our PowerShell code."""
LOOKUP_WAIT = 60.0
"""Seconds for finding a PowerShell."""
END_WAIT = 10.0
"""Seconds that PowerShell gets to end once nothing more is asked."""
LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of one answer: a repository may have thousands of versions."""
SETTINGS_FILE = Path("PSResourceGet") / "PSResourceRepository.xml"


class Engine:
    """Speaks to gallery.ps1: a line of JSON for each request, a line for its answer."""

    def __init__(self, process: asyncio.subprocess.Process, path: str) -> None:
        self._process = process
        self._stdin = cast(asyncio.StreamWriter, process.stdin)
        self._stdout = cast(asyncio.StreamReader, process.stdout)
        self._path = path

    async def ask(self, wait_s: float, **request: Any) -> Mapping[str, Any]:
        """Return `{"answer": [...]}` or `{"error": {...}}`.

        Raises PowerShellStartFailed when none comes within `wait_s`.
        """
        try:
            self._stdin.write(json.dumps(request).encode() + b"\n")
            line = await asyncio.wait_for(self._stdout.readline(), wait_s)
            return dict(json.loads(line))
        except TimeoutError:
            raise PowerShellStartFailed(self._path, f"no answer within {wait_s:g} s") from None
        except (ValueError, ConnectionError):
            raise PowerShellStartFailed(self._path, "it ended without an answer") from None

    async def close(self) -> None:
        """End the process and what it has started, at once when it does not end by itself."""
        self._stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), END_WAIT)
        except TimeoutError:
            self.kill()
            await self._process.wait()

    def kill(self) -> None:
        """End the process, and what it has started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


@asynccontextmanager
async def opened_engine(*, with_settings: bool) -> AsyncIterator[Engine]:
    """Give a PowerShell that ends with the block.

    With the user's own settings of PSResourceGet, where there are any, or with a HOME of its own,
    which nobody else sees. Raises PowerShellNotFound, PowerShellTooOld.
    """
    path = await powershell_path()
    with tempfile.TemporaryDirectory(prefix="pwsh-kernels-") as home:
        environment = (
            dict(os.environ)
            if with_settings and has_settings(os.environ)
            else _own_home(os.environ, home)
        )
        process = await asyncio.create_subprocess_exec(
            *(path, "-NoLogo", "-NoProfile", "-NonInteractive", "-File", str(SCRIPT)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=LONGEST_LINE,
            env={
                **environment,
                "POWERSHELL_TELEMETRY_OPTOUT": "1",
                "POWERSHELL_UPDATECHECK": "Off",
                "NO_COLOR": "1",
            },
            start_new_session=True,
        )
        engine = Engine(process, path)
        try:
            yield engine
        except BaseException:
            engine.kill()
            raise
        finally:
            await engine.close()


async def powershell_path() -> str:
    """Return the PowerShell that sessions use. Raises PowerShellNotFound, PowerShellTooOld."""
    process = await asyncio.create_subprocess_exec(
        *LOOKUP, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), LOOKUP_WAIT)
        facts = json.loads(output)
    except (TimeoutError, ValueError):
        raise PowerShellNotFound(["the search for it failed"]) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if "error" in facts:
        raise _search_error(facts)
    return str(facts["path"])


def _search_error(facts: Mapping[str, Any]) -> ProductError:
    if facts["code"] == PowerShellTooOld.code:
        return PowerShellTooOld(str(facts["path"]), str(facts["version"]))
    return PowerShellNotFound([str(one) for one in facts.get("looked_in", [facts["error"]])])


def has_settings(environment: Mapping[str, str]) -> bool:
    """Return whether the user has told PowerShell of repositories: then nothing that we do changes
    these settings.
    """
    home = environment.get("HOME") or "/"
    return (
        Path(environment.get("XDG_DATA_HOME") or f"{home}/.local/share") / SETTINGS_FILE
    ).is_file()


def _own_home(environment: Mapping[str, str], home: str) -> dict[str, str]:
    others = {name: value for name, value in environment.items() if not name.startswith("XDG_")}
    return {**others, "HOME": home}
