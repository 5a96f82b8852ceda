"""Ending processes that are not our children, with everything that they started."""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress

import psutil


def check_descriptor() -> None:
    """Raise OSError while this process has no free descriptor: processes cannot be looked for then.

    Synchronous, so that whoever ends a session can check this before anything else happens.
    """
    os.close(os.open(os.devnull, os.O_RDONLY))


def kill_tree(processes: Iterable[psutil.Process]) -> None:
    """Kill each process, and the whole process group that it leads.

    Waits for nothing; the dead are skipped.

    Take the list before the first kill: children of a dead process can no longer be found.
    """
    for process in processes:
        with suppress(psutil.Error, ProcessLookupError, PermissionError):
            if not process.is_running():
                continue
            if os.getpgid(process.pid) == process.pid:
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
