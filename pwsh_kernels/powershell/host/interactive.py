"""`python -m pwsh_kernels.powershell.host.interactive FOLDER on|off [ARGUMENTS]`: the PowerShell of
sessions, with their modules and optionally the machine's.

`pwsh-kernels pwsh` starts it, because only this folder knows how PowerShell is found.
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


def with_modules(ours: Mapping[str, str], folder: Path, *, machine: bool) -> dict[str, str]:
    """Return our environment with a folder first on PSModulePath, and without telemetry.

    PowerShell puts its own folders in front unless the path names them, so it does. Without the
    `machine`'s modules they are in capital letters, which name no folder where case matters.
    """
    data = ours.get("XDG_DATA_HOME") or str(Path(ours.get("HOME", "/")) / ".local" / "share")
    usual = [
        f"{data}/powershell/Modules",
        ALL_USERS,
        *ours.get("PSModulePath", "").split(os.pathsep),
    ]
    if not machine:
        usual = [one.upper() for one in usual[:2] if not Path(one.upper()).exists()]
    path = os.pathsep.join(dict.fromkeys([str(folder), *filter(None, usual)]))
    return {**ours, **QUIET, "PSModulePath": path}


def become(folder: Path, arguments: Sequence[str], *, machine: bool) -> None:
    """Run PowerShell in the place of this process. Raises ProductError when there is none."""
    found = asyncio.run(find_powershell(os.environ.get("PWSH_MANAGER_PWSH", "")))
    environment = with_modules(os.environ, folder, machine=machine)
    os.execve(found.path, [str(found.path), *arguments], environment)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    try:
        become(Path(sys.argv[1]), sys.argv[3:], machine=sys.argv[2] == "on")
    except ProductError as error:
        sys.exit(f"pwsh-kernels: {error.text()}")
