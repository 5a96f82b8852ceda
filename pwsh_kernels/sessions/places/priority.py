"""A lower priority for a session's processes while they wait busily, if it can be raised again
afterwards.
"""

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

import psutil

WAITING_NICE = 10
"""Niceness of a PowerShell that waits busily for a person: the machine's other work goes first."""
USUAL_NICE = 0
_CAP_SYS_NICE = 1 << 23


def can_be_raised_again() -> bool:
    """Return whether this process may restore a priority that it lowered: on Linux this needs a
    privilege or a limit.
    """
    if sys.platform != "linux":
        return False
    if resource.getrlimit(resource.RLIMIT_NICE)[0] >= 20 - USUAL_NICE:
        return True
    status = Path("/proc/self/status").read_text(encoding="ascii")
    effective = next(
        (line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), "0"
    )
    return bool(int(effective, 16) & _CAP_SYS_NICE)


def set_nice(process_id: int, nice: int) -> None:
    """Set the niceness of every thread of a process's children: on Linux each has its own.

    Ended ones are skipped.
    """
    with suppress(psutil.Error):
        for child in psutil.Process(process_id).children(recursive=True):
            for thread in child.threads():
                with suppress(OSError):
                    os.setpriority(os.PRIO_PROCESS, thread.id, nice)
