"""The limits of one PowerShell and of everything that it starts: what they are, and how a running
process gets them.

They are set from outside, right after the start: nothing that a person sends runs before that, and
every child inherits them. A program that confines itself (`pwsh_kernels.landlock`) sets its own
ones first: only root may set those of another user.
"""

import json
import resource
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

MB = 1_000_000
"""Bytes of a megabyte, in which the settings count."""
IGNORE_SIZE_SIGNAL = ("/bin/sh", "-c", 'trap "" XFSZ; exec "$@"', "pwsh-kernels-limits")
"""What becomes a program that gets an error instead of SIGXFSZ: PowerShell would die of that."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one PowerShell may have; 0: what the machine allows."""

    open_files: int = 0
    file_size: int = 0
    """Bytes of one file that it writes."""
    processes: int = 0
    """Processes and threads of its user, in all."""
    cgroup: str = ""
    """The folder of the cgroup that it joins."""
    oom_score: int = 0
    """Added to its badness: the higher, the sooner Linux ends it where memory is short."""

    def of_resources(self) -> dict[int, int]:
        """Return the most that it may have of each kind of resource (RLIMIT_…)."""
        wanted = {
            resource.RLIMIT_NOFILE: self.open_files,
            resource.RLIMIT_FSIZE: self.file_size,
            resource.RLIMIT_NPROC: self.processes,
        }
        return {kind: most for kind, most in wanted.items() if most}

    @classmethod
    def read(cls, text: str) -> "Limits":
        """Return the limits of a text that `text` wrote; "": none."""
        return cls(**json.loads(text)) if text else cls()

    def text(self) -> str:
        """Return them as JSON."""
        return json.dumps(asdict(self))


def limited_command(limits: Limits, program: list[str]) -> list[str]:
    """Return the command line of a program that will get these limits."""
    return [*IGNORE_SIZE_SIGNAL, *program] if limits.file_size else program


def apply(limits: Limits, pid: int, *, sets_its_own: bool = False) -> None:
    """Give a process these limits, but for those of resources if it `sets_its_own`. Raises OSError
    where it has ended.
    """
    if sys.platform != "linux":
        return
    for kind, most in limits.of_resources().items() if not sets_its_own else ():
        _lower(pid, kind, most)
    if limits.oom_score:
        Path(f"/proc/{pid}/oom_score_adj").write_text(str(limits.oom_score), encoding="ascii")
    if limits.cgroup:
        Path(limits.cgroup, "cgroup.procs").write_text(str(pid), encoding="ascii")


def _lower(pid: int, kind: int, most: int) -> None:
    """Set both limits of a kind: .NET raises the lower to the upper. A machine's own lower one
    stays.
    """
    if sys.platform == "linux":
        upper = resource.prlimit(pid, kind)[1]
        most = most if upper == resource.RLIM_INFINITY else min(most, upper)
        resource.prlimit(pid, kind, (most, most))
