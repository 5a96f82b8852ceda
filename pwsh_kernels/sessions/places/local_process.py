"""Which process the kernel of a session is: according to the note next to its connection file,
otherwise according to its command line and environment.

A process is identified by its id, the boot, and the ticks at which it began, never by a clock that
can be set.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import psutil

LOG = logging.getLogger(__name__)
PORTS = ("shell_port", "iopub_port", "stdin_port", "hb_port", "control_port")
KERNEL = (b"-m", b"pwsh_kernels.kernel", b"-f")
"""The part of our kernels' command lines before the connection file."""
HOME_VARIABLE = "PWSH_KERNELS_HOME"
"""Variable of a session's kernel that names its HOME, and so the session."""
PROC = Path("/proc")
START_FIELD = 19
"""Place of field 22 (the start, in ticks since the boot) behind the process' name in its stat."""
ENDED = (b"Z", b"X", b"x")
"""States, the first field there, of a process that has ended."""


class ForeignProcess(psutil.Process):
    """A process that is not our child, with the part of Popen's interface that LocalProvisioner
    uses.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        super().__init__(pid)
        self._begun = _facts(pid)[START_FIELD]

    def poll(self) -> int | None:
        """Return None while it runs, then -1: only its parent can learn its exit status."""
        try:
            facts = _facts(self.pid)
        except OSError:
            return -1
        return None if facts[START_FIELD] == self._begun and facts[0] not in ENDED else -1

    def wait(self, timeout: float | None = None) -> int:  # noqa: ARG002 - Popen's signature
        """Return at once: LocalProvisioner asks only after `poll` has said that it ended."""
        return -1


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """The identity of a process, which no other process ever has."""

    pid: int
    boot: str
    started: int

    @classmethod
    def of(cls, pid: int) -> "ProcessIdentity":
        """Return the identity of a process. Raises OSError when there is none."""
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return cls(pid, boot, int(_facts(pid)[START_FIELD]))


@dataclass(frozen=True, slots=True)
class KernelProcess:
    """A running kernel of a session: its process, its session's HOME, its connection file."""

    process: ForeignProcess
    home: Path
    connection_file: Path


def _facts(pid: int) -> list[bytes]:
    """Return the fields of a process' stat behind its name. Raises OSError when there is none."""
    return (PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()


def process_note(connection_file: str | Path) -> Path:
    """Return the file next to a connection file that names the kernel's process."""
    return Path(connection_file).with_suffix(".pid")


def write_process_note(connection_file: str | Path, pid: int) -> None:
    """Note which process the kernel of a connection file is. Raises OSError when it has ended."""
    identity = astuple(ProcessIdentity.of(pid))
    descriptor = os.open(
        process_note(connection_file), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600
    )
    with os.fdopen(descriptor, "w") as stream:
        json.dump(identity, stream)


def living_process(connection_file: str | Path) -> ForeignProcess | None:
    """Return the running kernel process of a connection file according to its note, or None.

    The answer is None also if one of the two files is gone or damaged; `living_kernels` finds the
    process then.
    """
    try:
        noted = ProcessIdentity(*json.loads(process_note(connection_file).read_bytes()))
        if noted != ProcessIdentity.of(noted.pid):
            return None
        process = ForeignProcess(noted.pid)
    except (OSError, ValueError, TypeError, psutil.Error):
        return None
    usable = is_connection_file(connection_file)
    return process if usable and process.poll() is None else None


def is_connection_file(path: str | Path) -> bool:
    """Return whether a file says how to reach a kernel."""
    try:
        info = json.loads(Path(path).read_bytes())
    except (OSError, ValueError):
        return False
    return (
        isinstance(info, Mapping)
        and all(isinstance(info.get(name), int) for name in PORTS)
        and all(isinstance(info.get(name), str) for name in ("ip", "transport", "key"))
    )


def living_kernels() -> Iterator[KernelProcess]:
    """Yield the running session kernels of this user, whether or not their files exist.

    Reads all of /proc: some milliseconds.
    """
    for folder in PROC.iterdir():
        if folder.name.isdigit() and (found := _kernel(int(folder.name))):
            yield found


def kernel_of_home(home: str | Path) -> KernelProcess | None:
    """Return the running kernel of the session that has this HOME."""
    return next((one for one in living_kernels() if one.home == Path(home)), None)


def is_home_of_a_process(home: Path) -> bool:
    """Return whether a running process of this user has this HOME. Reads all of /proc."""
    wanted = os.fsencode(f"HOME={home}")
    return any(wanted in _environment(folder) for folder in PROC.iterdir())


def _environment(folder: Path) -> list[bytes]:
    if not folder.name.isdigit():
        return []
    try:
        return (folder / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _kernel(pid: int) -> KernelProcess | None:
    try:
        words = tuple((PROC / str(pid) / "cmdline").read_bytes().split(b"\0"))
        if words[1:4] != KERNEL or len(words) < 5:
            return None
        process = ForeignProcess(pid)
        environment: dict[str, Any] = process.environ()
        if process.poll() is not None or not environment.get(HOME_VARIABLE):
            return None
    except (OSError, psutil.Error):
        return None
    return KernelProcess(process, Path(environment[HOME_VARIABLE]), Path(os.fsdecode(words[4])))
