"""The programs that PowerShell runs: which ones wait for a terminal that does not exist, which ones
keep a run from stopping, and the signals that they get.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
ENGINE_NAMES = frozenset({"pwsh", "dotnet"})
"""PowerShell itself and its jobs, which are spared: only the programs that they started are
signalled."""


STANDARD = ("0", "1", "2")
SLEEPING = "S"


class Moment(NamedTuple):
    """When something began: in `ticks` since the machine started, the unit of a process's start,
    and after the process of the id `newest`, because a tick (10 ms) is long: what one cell starts
    at its end and the next at its beginning can have the same one.
    """

    ticks: int
    newest: int


ALWAYS = Moment(-1, 0)


class Program(NamedTuple):
    """A process according to /proc/PID/stat; `ticks`: when it was started."""

    id: int
    name: str
    state: str
    session: int
    ticks: int


def this_moment() -> Moment:
    """Return the present as /proc tells it (proc(5): the last field of loadavg is the id of the
    process that was started last).
    """
    newest = int(Path("/proc/loadavg").read_text().split()[-1])
    return Moment(int(time.clock_gettime(time.CLOCK_BOOTTIME) * CLOCK_TICKS), newest)


def hang_up(powershell: int, since: Moment) -> int:
    """Send SIGHUP to the programs that a PowerShell has started since a moment; return how many.

    Programs get this signal when their terminal goes away: editors save their content and end.
    """
    return len(_signal(_programs(powershell, since), signal.SIGHUP))


def hang_up_waiting(powershell: int, since: Moment) -> list[Program]:
    """Send SIGHUP to those programs that wait for input from nowhere: they sleep, and take a pipe
    for a terminal that their own output goes to, as editors do whose input has ended.
    """
    waiting = [
        one
        for one in _programs(powershell, since)
        if one.state == SLEEPING and _reads_its_output(one.id)
    ]
    return _signal(waiting, signal.SIGHUP)


def end_holding(powershell: int, since: Moment, number: signal.Signals) -> list[Program]:
    """Send a signal to the processes that a PowerShell waits for, whoever their parent is by now,
    and that were started since a moment; return them.

    They belong to its session and hold a pipe that it reads: a program's output ends when all of
    them have closed it. Background programs with their own output are left alone.
    """
    leader = _program(powershell)
    if leader is None:
        return []
    reads = _pipes(powershell, but=STANDARD)
    holding = [
        one
        for one in _all_programs()
        if one.session == leader.session
        and one.name not in ENGINE_NAMES
        and _is_since(one, since)
        and not reads.isdisjoint(_pipes(one.id))
    ]
    return _signal(holding, number)


def _signal(programs: Iterable[Program], number: signal.Signals) -> list[Program]:
    """Return the processes that got the signal. All are found first, because the children of an
    ended process can no longer be found.
    """
    found = []
    for one in list(programs):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(one.id, number)
            found.append(one)
    return found


def _reads_its_output(process: int) -> bool:
    files = _files(process)
    stdin = files.get("0", "")
    return stdin.startswith("pipe:") and stdin in (files.get("1"), files.get("2"))


def _pipes(process: int, but: Iterable[str] = ()) -> set[str]:
    """Return the pipes that a process has open, without those that are its files `but`."""
    files = _files(process)
    without = {files.get(one) for one in but}
    return {one for one in files.values() if one.startswith("pipe:")} - without


def _files(process: int) -> dict[str, str]:
    """Return the target of each open file of a process; none if it has ended or belongs to another
    user.
    """
    found = {}
    with contextlib.suppress(OSError):
        for file in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                found[file.name] = str(file.readlink())
    return found


def _all_programs() -> Iterator[Program]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (one := _program(int(folder.name))):
            yield one


def _program(process: int) -> Program | None:
    """Return the facts about a process, or None if it has ended."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(errors="replace")
    except OSError:
        return None
    given, _, rest = text.partition("(")[2].rpartition(")")
    name = "".join(one for one in given if one.isprintable())
    facts = rest.split()
    return Program(process, name, facts[0], int(facts[3]), int(facts[19]))


def _is_since(one: Program, since: Moment) -> bool:
    return (one.ticks, one.id) > since


def _children(process: int) -> list[int]:
    """Return the direct children: each thread of a process lists those that it started."""
    lists: list[str] = []
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # the thread has ended
            lists.append(file.read_text())
    return [int(child) for text in lists for child in text.split()]


def _programs(process: int, since: Moment) -> Iterator[Program]:
    for child in _children(process):
        one = _program(child)
        if one is None:
            continue
        if one.name in ENGINE_NAMES:
            yield from _programs(child, since)
        elif _is_since(one, since):
            yield one
            yield from _programs(child, ALWAYS)
