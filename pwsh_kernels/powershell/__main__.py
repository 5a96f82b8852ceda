"""`python -m pwsh_kernels.powershell [MODULE ...]` prints, as one JSON object, which PowerShell and
modules exist.

The server and `pwsh-kernels doctor` get their facts this way: only kernels load the code that
speaks to PowerShell.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from pwsh_kernels.errors import ProductError
from pwsh_kernels.powershell.host.finder import find_powershell
from pwsh_kernels.powershell.host.launch import Launch
from pwsh_kernels.powershell.shell import PowerShell


async def describe(modules: Sequence[str]) -> Mapping[str, object]:
    """Return `{"path", "version", "place", "modules": {name: newest version}}`, or the error in the
    product's one shape.
    """
    try:
        found = await find_powershell(os.environ.get("PWSH_MANAGER_PWSH", ""))
        installed = await installed_modules(found.path, modules) if modules else {}
    except ProductError as error:
        return error.to_json()
    return {
        "path": str(found.path),
        "version": found.version,
        "place": found.place,
        "modules": installed,
    }


async def installed_modules(executable: Path, names: Sequence[str]) -> dict[str, str]:
    """Return the newest version of each module that a session (with its own HOME) would find.

    Raises ProductError.
    """
    with tempfile.TemporaryDirectory() as home:
        shell = await PowerShell.open(Launch(executable, home=Path(home)))
        try:
            lines = await shell.query(_script(), {"Name": list(names)})
        finally:
            await shell.close()
    found: dict[str, str] = {}
    for name, _, version in (str(line).partition("=") for line in lines):
        found.setdefault(name, version)  # Get-Module lists the newest first
    return found


def _script() -> str:
    files = resources.files("pwsh_kernels.powershell") / "scripts"
    return files.joinpath("installed.ps1").read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(describe(sys.argv[1:]))) + "\n")
