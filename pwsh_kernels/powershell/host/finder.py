"""Finds PowerShell: a list of named places, asked in order; the version of a program is checked
once.
"""

import asyncio
import functools
import importlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pwsh_kernels.errors import PowerShellNotFound, PowerShellTooOld
from pwsh_kernels.powershell.host.launch import QUIET

MINIMUM = (7, 4)
BUILT_FOR = (7, 6)
"""The PowerShell, and with it the .NET, that our assembly is compiled for."""
VERSION_WAIT = 30.0
"""Seconds that a program may take to print its version."""

_VERSION = re.compile(r"PowerShell (\d+\.\d+[\w.+-]*)")


@dataclass(frozen=True, slots=True)
class FoundPowerShell:
    """A PowerShell that is new enough; `place` names where it was found."""

    path: Path
    version: str
    place: str

    @property
    def takes_assembly(self) -> bool:
        """Whether its .NET can load our assembly."""
        return _is_at_least(self.version, BUILT_FOR)


@dataclass(frozen=True, slots=True)
class Place:
    """A place to look: `look` returns a program or None. After a `binding` one, no other place is
    tried.

    `version` saves asking the program, 0.1 s of each session's start; "" if the place does not know
    it.
    """

    name: str
    look: Callable[[], Path | None]
    binding: bool = False
    version: Callable[[], str] = str


def places(explicit: str, environment: Mapping[str, str]) -> list[Place]:
    """Return where to look, in order. To add a place, add a line."""
    path = environment.get("PATH")
    command = environment.get("powershell_command", "")
    found = [
        (
            Place(f"PWSH_MANAGER_PWSH={explicit}", lambda: _program(explicit, path), binding=True)
            if explicit
            else None
        ),
        (
            Place(f"powershell_command={command}", lambda: _program(command, path))
            if command
            else None
        ),
        Place("pwsh on PATH", lambda: _program("pwsh", path)),
        Place("the powershell_engine package", _engine, version=_engine_version),
    ]
    return [place for place in found if place]


async def find_powershell(
    explicit: str = "", environment: Mapping[str, str] | None = None
) -> FoundPowerShell:
    """Return the first PowerShell that is 7.4 or newer.

    `explicit` is the setting PWSH_MANAGER_PWSH.

    Raises PowerShellNotFound, or PowerShellTooOld when only older ones were found.
    """
    return await asyncio.to_thread(
        choose, places(explicit, os.environ if environment is None else environment)
    )


def choose(candidates: list[Place]) -> FoundPowerShell:
    """Return the first usable PowerShell of these places. Runs programs; blocks."""
    too_old: PowerShellTooOld | None = None
    for place in candidates:
        path = place.look()
        if path is not None:
            version = place.version() or read_version(path, path.stat().st_mtime_ns)
            if is_new_enough(version):
                return FoundPowerShell(path, version, place.name)
            too_old = too_old or PowerShellTooOld(str(path), version)
        if place.binding:
            break
    raise too_old or PowerShellNotFound([place.name for place in candidates])


def is_new_enough(version: str) -> bool:
    """Return whether a version text is at least MINIMUM; an unknown one is not."""
    return _is_at_least(version, MINIMUM)


def _is_at_least(version: str, least: tuple[int, int]) -> bool:
    numbers = re.findall(r"\d+", version)[:2]
    return len(numbers) == 2 and (int(numbers[0]), int(numbers[1])) >= least


@functools.lru_cache(maxsize=32)
def read_version(path: Path, mtime_ns: int) -> str:  # noqa: ARG001 - part of the key: a new program is asked again
    """Return a program's answer to --version, or empty text if it is not understood."""
    try:
        answer = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_WAIT,
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **QUIET},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = _VERSION.search(answer.stdout)
    return match.group(1) if match else ""


def _program(name: str, path: str | None) -> Path | None:
    found = shutil.which(str(Path(name).expanduser()) if os.sep in name else name, path=path)
    return Path(found).absolute() if found else None


def _engine() -> Path | None:
    try:
        engine = importlib.import_module("powershell_engine")
    except ImportError:
        return None
    executable = Path(engine.executable())
    return executable if os.access(executable, os.X_OK) else None


def _engine_version() -> str:
    return str(importlib.import_module("powershell_engine").powershell_version)
