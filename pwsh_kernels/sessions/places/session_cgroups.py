"""A cgroup (version 2) for each session, where one is delegated to this server: Linux itself keeps
its memory and the number of its processes within the limits.
"""

import asyncio
import logging
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pwsh_kernels.sessions.key import SessionKey

CONTROLLERS = ("memory", "pids")
LEAF = "server"
"""The cgroup of the server and of kernels: one with cgroups below it may hold no processes."""
PREFIX = "session-"
UNIT = re.compile(r"\.(?:service|scope|slice)$")
MOUNTS, OWN = Path("/proc/self/mounts"), Path("/proc/self/cgroup")
REMOVE_LOOKS, REMOVE_PAUSE_S = 40, 0.025
"""How often a cgroup is tried to be removed whose processes were killed."""
LOG = logging.getLogger(__name__)


class SessionCgroups:
    """The cgroups of sessions in one folder."""

    def __init__(self, folder: Path) -> None:
        """Remove those that an earlier server left, and in which nothing runs."""
        self._folder = folder
        for one in folder.glob(f"{PREFIX}*"):
            with suppress(OSError):
                one.rmdir()

    def make(self, key: SessionKey, memory: int, processes: int) -> Path:
        """Make the cgroup of a session that begins, with these limits; 0: none. Raises OSError."""
        folder = self.folder(key)
        with suppress(OSError):  # what it counted belongs to an earlier session
            folder.rmdir()
        folder.mkdir(exist_ok=True)
        (folder / "memory.oom.group").write_text("1")
        (folder / "memory.max").write_text(str(memory or "max"))
        (folder / "pids.max").write_text(str(processes or "max"))
        return folder

    def has_run_out_of_memory(self, key: SessionKey) -> bool:
        """Return whether Linux has ended a session because of its limit."""
        try:
            return killed((self.folder(key) / "memory.events").read_text(encoding="ascii"))
        except OSError:
            return False

    async def end(self, key: SessionKey) -> None:
        """Kill whatever is in the cgroup of a session, and remove it."""
        folder = self.folder(key)
        if not folder.exists():
            return
        with suppress(OSError):  # Linux 5.14
            (folder / "cgroup.kill").write_text("1")
        for _ in range(REMOVE_LOOKS):
            with suppress(OSError):
                folder.rmdir()
            if not folder.exists():
                return
            await asyncio.sleep(REMOVE_PAUSE_S)
        LOG.warning("The cgroup %s was not removed: something in it still runs", folder)

    def folder(self, key: SessionKey) -> Path:
        """Return the cgroup of a session; it exists while the session lives."""
        return self._folder / f"{PREFIX}{key.kernelspec}"


def find_cgroups() -> tuple[SessionCgroups | None, str]:
    """Return the cgroups that this server may make, or None and why it may not.

    Where its own cgroup is delegated as a whole, as in a container, the processes in it move to a
    leaf.
    """
    try:
        mount = mounted(MOUNTS.read_text(encoding="utf-8"))
        path = own_path(OWN.read_text(encoding="utf-8"))
        if mount is None or path is None:
            return None, "this machine has no cgroups of version 2"
        own = mount / path.lstrip("/")
        folder, problem = parent(own, is_root=not (own / "cgroup.type").exists())
        if folder is None or (problem := lacking(folder)):
            return None, problem
        return SessionCgroups(_prepared(folder, own)), ""
    except OSError as error:
        return None, f"they cannot be set up ({error.strerror or error})"


def mounted(mounts: str) -> Path | None:
    """Return where cgroups of version 2 are, by /proc/self/mounts. Pure."""
    rows = (line.split() for line in mounts.splitlines())
    return next((Path(row[1]) for row in rows if len(row) > 2 and row[2] == "cgroup2"), None)


def own_path(text: str) -> str | None:
    """Return the path of a process' cgroup of version 2, by its /proc/PID/cgroup. Pure."""
    return next((line[3:] for line in text.splitlines() if line.startswith("0::")), None)


def parent(own: Path, *, is_root: bool) -> tuple[Path | None, str]:
    """Return the folder for the cgroups of sessions of a server in this cgroup, or None and why
    there is none. Pure.
    """
    if own.name == LEAF:
        return own.parent, ""
    if UNIT.search(own.name):
        return None, f"the unit lacks Delegate=yes and DelegateSubgroup={LEAF} (systemd 254)"
    return (None, "the machine's own cgroup is not for servers") if is_root else (own, "")


def lacking(folder: Path) -> str:
    """Return why no cgroups with limits can be made in a folder; "" if they can. Raises OSError."""
    there = (folder / "cgroup.controllers").read_text(encoding="ascii").split()
    if missing := [one for one in CONTROLLERS if one not in there]:
        return f"the controllers {', '.join(missing)} are not delegated"
    files = (folder, folder / "cgroup.procs", folder / "cgroup.subtree_control")
    writable = all(os.access(one, os.W_OK) for one in files)
    return "" if writable else f"{folder} is not writable"


def killed(events: str) -> bool:
    """Return whether a memory.events counts a kill. Pure."""
    counts = dict(line.split() for line in events.splitlines())
    return any(int(counts.get(name, 0)) for name in ("oom_kill", "oom_group_kill"))


def _prepared(folder: Path, own: Path) -> Path:
    """Switch the controllers on. Raises OSError."""
    if folder == own:
        leaf = folder / LEAF
        leaf.mkdir(exist_ok=True)
        _move((folder / "cgroup.procs").read_text(encoding="ascii").split(), leaf)
    wanted = " ".join(f"+{one}" for one in CONTROLLERS)
    (folder / "cgroup.subtree_control").write_text(wanted)
    return folder


def _move(processes: Iterable[str], leaf: Path) -> None:
    for one in processes:
        with suppress(ProcessLookupError):  # it has ended
            (leaf / "cgroup.procs").write_text(one)
