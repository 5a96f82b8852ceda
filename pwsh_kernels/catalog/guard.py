"""The script that answers a module's connect and disconnect commands while its session is signed
in.
"""

from functools import cache
from pathlib import Path

from pwsh_kernels.catalog.route import Script

_FILE = Path(__file__).parent / "powershell" / "Guard.ps1"


@cache
def guard_script() -> Script:
    """Return the script `param($Connects, $Disconnects, $Session, $Account, $Names, $Site,
    $Route)`; without an account it removes the answers.
    """
    return Script(_FILE.read_text(encoding="utf-8"))
