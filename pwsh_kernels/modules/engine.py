"""A PowerShell of the installation's own: it answers one request at a time, and ends with the block
that opened it.
"""

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from pwsh_kernels.errors import (
    PowerShellNotFound,
    PowerShellStartFailed,
    PowerShellTooOld,
    ProductError,
)
from pwsh_kernels.powershell_search import search_powershell
from pwsh_kernels.watcher import Watcher

SCRIPT = Path(__file__).parent / "powershell" / "gallery.ps1"
END_WAIT = 10.0
"""Seconds that PowerShell may take to end after the last request."""
LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of one answer: a repository may have thousands of versions."""
START_WAIT = 60.0
"""Seconds that PowerShell may take to start on a busy machine."""
SAID = "said.txt"
"""The file for the output of PowerShell and of the modules that it imports."""
SHOWN_BYTES = 300
QUIET = {"POWERSHELL_TELEMETRY_OPTOUT": "1", "POWERSHELL_UPDATECHECK": "Off", "NO_COLOR": "1"}
SETTINGS_FILE = Path("PSResourceGet") / "PSResourceRepository.xml"


class Engine:
    """Speaks to gallery.ps1: a line of JSON for each request, a line for its answer.

    They use separate pipes: what a module prints when it is imported goes to a file in `scratch`, a
    folder that is removed with the process.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        requests: asyncio.WriteTransport,
        answers: asyncio.StreamReader,
        scratch: Path,
    ) -> None:
        self._process = process
        self.pid = process.pid
        self._requests = requests
        self._answers = answers
        self.scratch = scratch

    async def ask(self, wait_s: float, **request: Any) -> Mapping[str, Any]:
        """Return `{"answer": [...]}` or `{"error": {...}}`.

        An error with the id "NoAnswer" means that none came within `wait_s`, or can come.
        """
        self._requests.write(json.dumps(request).encode() + b"\n")
        try:
            return dict(json.loads(await asyncio.wait_for(self._answers.readline(), wait_s)))
        except TimeoutError:
            return self._no_answer(f"PowerShell gave no answer within {wait_s:g} s")
        except ValueError:
            return self._no_answer("PowerShell ended without an answer")

    async def begin(self, path: str) -> None:
        """Wait until it accepts requests. Raises PowerShellStartFailed."""
        begun = await self.ask(START_WAIT, do="begin")
        if "error" in begun:
            raise PowerShellStartFailed(path, begun["error"]["chain"][0]["message"])

    def _no_answer(self, what: str) -> Mapping[str, Any]:
        said = (self.scratch / SAID).read_bytes()[-SHOWN_BYTES:].decode(errors="replace").split()
        message = f"{what}; it printed: {' '.join(said)}" if said else what
        return {"error": {"id": "NoAnswer", "chain": [{"type": "NoAnswer", "message": message}]}}

    async def close(self) -> None:
        """End the process and everything that it has started; kill it if it does not end when
        asked.
        """
        self._requests.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), END_WAIT)
        self.kill()
        await self._process.wait()

    def kill(self) -> None:
        """Kill the process, and everything that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


@asynccontextmanager
async def opened_engine(*, with_settings: bool) -> AsyncIterator[Engine]:
    """Yield a PowerShell that ends with the block, and with this process however that ends.

    It has the user's own settings of PSResourceGet, if there are any, otherwise a private HOME.
    Raises PowerShellNotFound, PowerShellTooOld, PowerShellStartFailed.
    """
    path = await powershell_path()
    with tempfile.TemporaryDirectory(prefix="pwsh-kernels-") as home:
        own = not (with_settings and has_settings(os.environ))
        engine = await _started(path, home, _own_home(os.environ, home) if own else os.environ)
        watcher = await _watcher(engine, path)
        try:
            await engine.begin(path)
            yield engine
        except BaseException:
            engine.kill()
            raise
        finally:
            await engine.close()
            await watcher.end()


async def _watcher(engine: Engine, path: str) -> Watcher:
    try:
        return await Watcher.start(engine.pid, str(engine.scratch))
    except BaseException as error:
        engine.kill()
        if not isinstance(error, OSError):
            raise
        raise PowerShellStartFailed(path, f"its watcher /bin/sh: {error.strerror}") from error


async def _started(path: str, home: str, environment: Mapping[str, str]) -> Engine:
    its_requests, our_requests = os.pipe()
    our_answers, its_answers = os.pipe()
    ends = (its_requests, its_answers)
    try:
        with (Path(home) / SAID).open("wb") as said:
            process = await asyncio.create_subprocess_exec(
                *(path, "-NoLogo", "-NoProfile", "-NonInteractive", "-File", str(SCRIPT)),
                *map(str, ends),
                pass_fds=ends,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={**environment, **QUIET, "TMPDIR": home},
                start_new_session=True,
            )
    finally:
        for end in ends:
            os.close(end)
    loop = asyncio.get_running_loop()
    answers = asyncio.StreamReader(limit=LONGEST_LINE)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(answers), os.fdopen(our_answers, "rb", buffering=0)
    )
    requests, _ = await loop.connect_write_pipe(
        asyncio.BaseProtocol, os.fdopen(our_requests, "wb", buffering=0)
    )
    return Engine(process, requests, answers, Path(home))


async def powershell_path() -> str:
    """Return the PowerShell that sessions use. Raises PowerShellNotFound, PowerShellTooOld."""
    try:
        facts = await search_powershell()
    except (TimeoutError, ValueError):
        raise PowerShellNotFound(["the search for it failed"]) from None
    if "error" in facts:
        raise _search_error(facts)
    return str(facts["path"])


def _search_error(facts: Mapping[str, Any]) -> ProductError:
    if facts["code"] == PowerShellTooOld.code:
        return PowerShellTooOld(str(facts["path"]), str(facts["version"]))
    return PowerShellNotFound([str(one) for one in facts.get("looked_in", [facts["error"]])])


def has_settings(environment: Mapping[str, str]) -> bool:
    """Return whether the user has registered repositories with PowerShell; such settings are never
    changed.
    """
    home = environment.get("HOME") or "/"
    return (
        Path(environment.get("XDG_DATA_HOME") or f"{home}/.local/share") / SETTINGS_FILE
    ).is_file()


def _own_home(environment: Mapping[str, str], home: str) -> dict[str, str]:
    others = {name: value for name, value in environment.items() if not name.startswith("XDG_")}
    return {**others, "HOME": home}
