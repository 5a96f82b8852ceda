"""`python -m pwsh_kernels.powershell.host.interactive FOLDER [ARGUMENTS]`: the PowerShell of
sessions, with their modules.

`pwsh-kernels pwsh` starts it: only what stands in this folder knows how PowerShell is found.
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pwsh_kernels.errors import ProductError
from pwsh_kernels.powershell.host.finder import find_powershell
from pwsh_kernels.powershell.host.launch import QUIET

ALL_USERS = "/usr/local/share/powershell/Modules"


def with_modules(ours: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return our environment with a folder first on PSModulePath, and without telemetry.

    PowerShell puts its own folders in front, unless they are there: so they are.
    """
    data = ours.get("XDG_DATA_HOME") or str(Path(ours.get("HOME", "/")) / ".local" / "share")
    usual = [
        f"{data}/powershell/Modules",
        ALL_USERS,
        *ours.get("PSModulePath", "").split(os.pathsep),
    ]
    path = os.pathsep.join(dict.fromkeys([str(folder), *filter(None, usual)]))
    return {**ours, **QUIET, "PSModulePath": path}


def become(folder: Path, arguments: Sequence[str]) -> None:
    """Run PowerShell in the place of this process. Raises ProductError when there is none."""
    found = asyncio.run(find_powershell(os.environ.get("PWSH_MANAGER_PWSH", "")))
    os.execve(found.path, [str(found.path), *arguments], with_modules(os.environ, folder))  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    try:
        become(Path(sys.argv[1]), sys.argv[2:])
    except ProductError as error:
        sys.exit(f"pwsh-kernels: {error.text()}")
