"""The programs that PowerShell runs, and the signal that tells them that there is no terminal."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
ENGINE_NAMES = frozenset({"pwsh", "dotnet"})
"""PowerShell itself, and the jobs that it runs: what these have started is meant."""


def machine_time() -> float:
    """Return the seconds since the machine started, as the start of a process is told."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def hang_up(powershell: int, since: float) -> int:
    """Send SIGHUP to the programs that a PowerShell has started since a moment of `machine_time`;
    return how many.

    It is what programs get whose terminal goes away: editors keep what they hold, and end.
    """
    found = [*_programs(powershell, since)]
    for process in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process, signal.SIGHUP)
    return len(found)


def _children(process: int) -> list[int]:
    """Return the direct children: each thread of a process tells those that it has started."""
    lists = []
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has ended
            lists.append(file.read_text())
    return [int(child) for text in lists for child in text.split()]


def _programs(process: int, since: float) -> Iterator[int]:
    for child in _children(process):
        try:
            text = Path(f"/proc/{child}/stat").read_text()
        except OSError:
            continue
        name, _, facts = text.partition("(")[2].rpartition(")")
        if name in ENGINE_NAMES:
            yield from _programs(child, since)
        elif int(facts.split()[19]) / CLOCK_TICKS >= since - 1 / CLOCK_TICKS:
            yield child
            yield from _programs(child, 0)
