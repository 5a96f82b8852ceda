"""Whether this server may give sessions users of their own: its capabilities, the numbers that this
machine has, and the folders that the users must pass through.
"""

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from pwsh_kernels.errors import SessionUsersUnavailable
from pwsh_kernels.settings import Settings

CAPABILITIES = {
    0: "CAP_CHOWN",
    1: "CAP_DAC_OVERRIDE",
    3: "CAP_FOWNER",
    5: "CAP_KILL",
    6: "CAP_SETGID",
    7: "CAP_SETUID",
}
"""What it takes to start processes of other users, to end them, and to look after their folders."""
PROC = Path("/proc/self")
PACKAGE = Path(__file__).parents[2]


def check_users(settings: Settings) -> None:
    """Raise SessionUsersUnavailable where sessions should have users, and cannot."""
    if not settings.session_users:
        return
    if sys.platform != "linux":
        raise SessionUsersUnavailable(problem="only Linux has what it takes")
    status = (PROC / "status").read_text(encoding="ascii")
    maps = [(PROC / name).read_text(encoding="ascii") for name in ("uid_map", "gid_map")]
    wanted = range(settings.session_users[0], settings.session_users[1] + 1)
    folders = (settings.data_dir.absolute().parent, settings.homes.absolute().parent, PACKAGE)
    if problem := obstacle(wanted, os.geteuid(), status, maps) or closed(
        one for one in folders if one != settings.data_dir.absolute()
    ):
        raise SessionUsersUnavailable(problem=problem)


def obstacle(wanted: range, own: int, status: str, maps: Iterable[str]) -> str:
    """Return why a server with this /proc/self/status and these maps of numbers cannot switch to
    the users; "" if it can. Pure.
    """
    if own in wanted:
        return f"the server's own user, {own}, is one of them"
    if lacking := missing_capabilities(status):
        return (
            f"the server may not switch users ({', '.join(lacking)}). Start it as root, or in a"
            " systemd unit with AmbientCapabilities"
        )
    if not all(is_mapped(wanted, one) for one in maps):
        return (
            "the user namespace of this container does not have all of them. Choose numbers that"
            " /proc/self/uid_map and gid_map list"
        )
    return ""


def missing_capabilities(status: str) -> list[str]:
    """Return which capabilities a process with this /proc/PID/status lacks. Pure."""
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    effective = int(lines.get("CapEff", "0"), 16)
    return [name for number, name in CAPABILITIES.items() if not effective >> number & 1]


def is_mapped(wanted: range, text: str) -> bool:
    """Return whether a map of a user namespace has all these numbers. Pure."""
    rows = [tuple(map(int, line.split())) for line in text.splitlines()]
    return any(
        inside <= wanted[0] and wanted[-1] < inside + length for inside, _outside, length in rows
    )


def closed(folders: Iterable[Path]) -> str:
    """Return which folder other users cannot pass through, on the way to one of these, as a
    sentence; "" if none.
    """
    for folder in folders:
        for one in (folder, *folder.parents):
            if one.is_dir() and not stat.S_IMODE(one.stat().st_mode) & stat.S_IXOTH:
                return (
                    f"they could not pass through {one} to {folder}. Run `chmod o+x {one}`, or name"
                    " another PWSH_MANAGER_DATA_DIR"
                )
    return ""
