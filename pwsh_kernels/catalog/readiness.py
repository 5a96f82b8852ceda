"""Scripts that every sign-in runs before it connects: find the module, reach the hosts, look for a
kept sign-in, clear leftovers.
"""

from functools import cache
from pathlib import Path

from pwsh_kernels.catalog.facts import FactName
from pwsh_kernels.catalog.route import Script

_FOLDER = Path(__file__).parent / "powershell"
_LEFT: dict[str, FactName] = {"HomeFiles": "home_files"}


@cache
def find_script() -> Script:
    """Return the script that lists the versions of the service's module in the order in which
    PowerShell would choose them.
    """
    return Script(_text("Find"), {"Name": "powershell_module"})


@cache
def unload_script() -> Script:
    """Return the script that unloads the service's module, in whatever version it is loaded."""
    return Script(_text("Unload"), {"Name": "powershell_module"})


@cache
def reach_script() -> Script:
    """Return the script `param($Hosts, $Seconds)`: one object `{host, proxy, problem}` for each
    unreachable host.
    """
    return Script(_text("Reach"))


@cache
def clear_script() -> Script:
    """Return the script that removes what the module has left in HOME."""
    return Script(_text("Clear"), _LEFT)


@cache
def kept_script() -> Script:
    """Return the script that names what the module has left in HOME."""
    return Script(_text("Kept"), _LEFT)


def _text(name: str) -> str:
    return (_FOLDER / f"{name}.ps1").read_text(encoding="utf-8")
