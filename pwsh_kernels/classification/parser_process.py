"""The PowerShell that parses texts: a process of the server's own into which no caller's code gets.

It is confined where the machine's Linux can do that: it reads PowerShell and writes its own folder.
"""

import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pwsh_kernels.errors import PowerShellNotFound, PowerShellStartFailed
from pwsh_kernels.landlock import command
from pwsh_kernels.powershell_search import search_powershell
from pwsh_kernels.watcher import Watcher

SCRIPT = Path(__file__).parent / "powershell" / "facts.ps1"
ANSWER_WAIT = 5.0
"""Seconds for the facts of one text; the longest that is parsed takes two (measured)."""
START_WAIT = 60.0
"""Seconds that PowerShell may take to start on a busy machine."""
END_WAIT = 5.0
LONGEST_ANSWER = 64 * 1024 * 1024
SYSTEM = (
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    "/sbin",
    "/opt",
    "/nix",
    "/snap",
    "/proc",
    "/sys",
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/tty")
KEPT = (
    *("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH"),
    *("DOTNET_ROOT", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"),
)
QUIET = {
    "POWERSHELL_TELEMETRY_OPTOUT": "1",
    "POWERSHELL_UPDATECHECK": "Off",
    "POWERSHELL_DIAGNOSTICS_OPTOUT": "1",
    "NO_COLOR": "1",
}


class NoAnswer(Exception):
    """The process gave no answer, or none that makes sense; it has to be replaced."""


class ParserProcess:
    """One process of facts.ps1: a line of JSON for each text, a line for what is in it."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        requests: asyncio.WriteTransport,
        answers: asyncio.StreamReader,
        folder: tempfile.TemporaryDirectory[str],
    ) -> None:
        self._process = process
        self._requests = requests
        self._answers = answers
        self._folder = folder
        self._watcher: Watcher | None = None

    @classmethod
    async def start(cls, *, confined: bool) -> "ParserProcess":
        """Find PowerShell and start it. Raises PowerShellNotFound, PowerShellStartFailed."""
        path = await _path()
        parser = await _started(path, confined=confined)
        try:
            await parser.begin()
        except BaseException as problem:
            await parser.end()
            if isinstance(problem, NoAnswer | OSError):
                raise PowerShellStartFailed(path, f"the parser: {problem}") from problem
            raise
        return parser

    async def begin(self) -> None:
        """Let it end with this process, and wait until it answers. Raises NoAnswer, OSError."""
        self._watcher = await Watcher.start(self.pid)
        await self.facts("", wait_s=START_WAIT)

    @property
    def pid(self) -> int:
        """The process, which leads a group of its own."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.returncode is None

    async def facts(self, text: str, *, wait_s: float = ANSWER_WAIT) -> Mapping[str, Any]:
        """Return what is in a text. Raises NoAnswer."""
        return await self._ask({"text": text}, ("facts",), wait_s)

    async def pipelines(self, text: str) -> Mapping[str, Any]:
        """Return a text's `steps`, or what is `uncarried`. Raises NoAnswer."""
        return await self._ask({"text": text, "carried": True}, ("steps", "uncarried"), ANSWER_WAIT)

    async def _ask(
        self, request: Mapping[str, Any], wanted: Sequence[str], wait_s: float
    ) -> Mapping[str, Any]:
        """Return an answer that holds one of the keys. Raises NoAnswer."""
        try:
            self._requests.write(json.dumps(request).encode() + b"\n")
            answer = json.loads(await asyncio.wait_for(self._answers.readline(), wait_s))
        except TimeoutError:
            raise NoAnswer(f"no answer within {wait_s:g} s") from None
        except (ValueError, OSError):
            raise NoAnswer("it ended without an answer") from None
        if not isinstance(answer, dict) or not any(one in answer for one in wanted):
            raise NoAnswer(str(answer))
        return answer

    async def end(self) -> None:
        """End the process, and remove what it has written."""
        self._requests.close()
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), END_WAIT)
        if self._watcher is not None:
            await self._watcher.end()
        self._folder.cleanup()


async def _path() -> str:
    try:
        facts = await search_powershell()
    except (OSError, TimeoutError, ValueError):
        raise PowerShellNotFound(["the search for it failed"]) from None
    if "error" in facts:
        raise PowerShellNotFound([str(one) for one in facts.get("looked_in", [facts["error"]])])
    return str(facts["path"])


async def _started(path: str, *, confined: bool) -> ParserProcess:
    folder = tempfile.TemporaryDirectory(prefix="pwsh-kernels-")
    its_requests, our_requests = os.pipe()
    our_answers, its_answers = os.pipe()
    ends = (its_requests, its_answers)
    program = [path, "-NoLogo", "-NoProfile", "-NonInteractive", "-File", str(SCRIPT)]
    program += [str(end) for end in ends]
    try:
        process = await asyncio.create_subprocess_exec(
            *(command(_rules(path, folder.name), program) if confined else program),
            pass_fds=ends,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(folder.name),
            cwd=folder.name,
            start_new_session=True,
        )
    except OSError as problem:
        for end in (our_requests, our_answers):
            os.close(end)
        folder.cleanup()
        raise PowerShellStartFailed(path, problem.strerror or str(problem)) from problem
    finally:
        for end in ends:
            os.close(end)
    return ParserProcess(process, *await _streams(our_requests, our_answers), folder)


async def _streams(
    requests: int, answers: int
) -> tuple[asyncio.WriteTransport, asyncio.StreamReader]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LONGEST_ANSWER)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(answers, "rb", buffering=0)
    )
    writer, _ = await loop.connect_write_pipe(
        asyncio.BaseProtocol, os.fdopen(requests, "wb", buffering=0)
    )
    return writer, reader


def _environment(folder: str) -> dict[str, str]:
    """Return the variables of the process: nothing of the server's that is a secret."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    return {**kept, **QUIET, "HOME": folder, "TMPDIR": folder}


def _rules(path: str, folder: str) -> str:
    """Return what the process may reach, for `pwsh_kernels.landlock`: no port, no other folder."""
    code = {str(Path(one).resolve().parent) for one in (path, SCRIPT)}
    files = ("/etc/localtime", "/etc/ld.so.cache", "/etc/passwd", "/etc/nsswitch.conf")
    python = (sys.prefix, sys.base_prefix)
    return json.dumps(
        {
            "read": [*SYSTEM, *files, *sorted(code), *python],
            "write": [folder],
            "devices": DEVICES,
            "ports": [],
            "temporary": [folder],
            "mutexes": ["Local"],
            "required": False,
        }
    )
