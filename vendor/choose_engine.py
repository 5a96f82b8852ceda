"""Print the requirement in a lock whose wheel fits this machine, as an address: python
vendor/choose_engine.py [LOCK].

Where none fits it prints nothing, and one sentence on stderr that names the ways to a PowerShell;
that is no error.
"""

import platform
import sys
from collections.abc import Collection
from pathlib import Path

from packaging.tags import Tag, sys_tags
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).parent.parent


def line_for(lock: str, tags: Collection[Tag]) -> str | None:
    """Return the requirement of a lock's text that one of these tags can install."""
    lines = [line for line in lock.splitlines() if line and not line.startswith("#")]
    return next((line for line in lines if not wheel_tags(line).isdisjoint(tags)), None)


def wheel_tags(line: str) -> frozenset[Tag]:
    """Return the tags in the name of a requirement's wheel."""
    return parse_wheel_filename(Path(line.split(maxsplit=1)[0]).name)[3]


def main(lock: Path) -> None:
    """Print the requirement, or say what to do without one."""
    line = line_for(lock.read_text(encoding="utf-8"), frozenset(sys_tags()))
    if line:
        path, rest = line.split(maxsplit=1)
        print(f"powershell-engine @ {(ROOT / path).as_uri()} {rest}")
        return
    sys.stderr.write(
        f"No embedded PowerShell is here for {platform.system()} {platform.machine()}: install"
        " PowerShell 7.4 or newer (https://aka.ms/powershell) so that `pwsh` is on PATH, name one"
        " in PWSH_MANAGER_PWSH, or build one with `make engine`.\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "vendor" / "engine.lock")
