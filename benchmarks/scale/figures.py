"""What the system tells of a process: memory, CPU time, descriptors, threads."""

import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path

PROC = Path("/proc")
MIB = 1 << 20
SOCKET_MARK = "anon_inode:[eventfd]"
"""Each ZeroMQ socket has one of these descriptors."""
NOT_SOCKETS = 3
"""eventfds of a ZeroMQ context itself: of its two threads, and of its end."""


def memory(pid: int) -> tuple[int, int]:
    """Return the bytes that a process has resident, and its part of them (RSS, PSS)."""
    lines = (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    sizes = dict(line.split(":", 1) for line in lines)
    rss, pss = (int(sizes[name].split()[0]) * 1024 for name in ("Rss", "Pss"))
    return rss, pss


def cpu(pid: int) -> dict[str, float]:
    """Return the CPU seconds of the threads of a process: those of ZeroMQ, and the others."""
    spent = {"zmq": 0.0, "python": 0.0}
    for task in (PROC / str(pid) / "task").iterdir():
        name = (task / "comm").read_text(encoding="utf-8")
        nanoseconds = int((task / "schedstat").read_text(encoding="ascii").split()[0])
        spent["zmq" if name.startswith("ZMQ") else "python"] += nanoseconds / 1e9
    return spent


def idle_minute(pid: int, seconds: float) -> dict[str, float]:
    """Return the CPU seconds that a process spends in a minute, from what it spends now."""
    before, begun = cpu(pid), time.monotonic()
    time.sleep(seconds)
    minutes = (time.monotonic() - begun) / 60
    return {name: (spent - before[name]) / minutes for name, spent in cpu(pid).items()}


def descriptors(pid: int) -> tuple[int, int]:
    """Return how many descriptors a process has, and how many ZeroMQ sockets."""
    links = []
    for one in (PROC / str(pid) / "fd").iterdir():
        try:
            links.append(str(one.readlink()))
        except FileNotFoundError:
            continue
    return len(links), max(0, links.count(SOCKET_MARK) - NOT_SOCKETS)


def threads(pid: int) -> int:
    """Return how many threads a process has."""
    return len(list((PROC / str(pid) / "task").iterdir()))


def milliseconds(act: Callable[[], object], times: int) -> list[float]:
    """Return how long each of several calls took; the first ones do not count."""
    for _ in range(max(1, times // 10)):
        act()
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        act()
        taken.append(1000 * (time.perf_counter() - begun))
    return taken


def median(values: Iterable[float]) -> float:
    """Return the middle one of some values."""
    return statistics.median(values)


def p99(values: Iterable[float]) -> float:
    """Return the value below which 99 of 100 lie."""
    known = sorted(values)
    return known[min(len(known) - 1, int(0.99 * len(known)))]
