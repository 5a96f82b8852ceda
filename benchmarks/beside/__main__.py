"""Ours beside its predecessor, on the same PowerShell, in turn: a table with the ratios.

`python -m benchmarks.beside [--calls N] [--rounds N]`: N calls of each command in each of N rounds.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from benchmarks.beside.servers import FIRST, PLACES, Beside, Ours, Place, Predecessor
from benchmarks.scale.figures import memory
from pwsh_kernels.powershell import find_powershell

MIB = 1 << 20
SLEEP = "Start-Sleep -Milliseconds 300; 1"
IDLE_S = 10.0


@dataclass(frozen=True)
class Row:
    """A command, how often it is called in a round, and what its ratio should be at most."""

    name: str
    command: str
    share: float
    goal: float
    goal_p99: float | None = None


OBJECTS = '1..{} | ForEach-Object {{ [pscustomobject]@{{ Name = "user$_"; Id = $_; On = $true }} }}'
ROWS = (
    Row("1+1", "1+1", 1, 1.0, 0.7),
    Row("1 KB", "'x' * 1KB", 1, 1.0),
    Row("256 KB", "'x' * 256KB", 0.2, 1.0),
    Row("1 MB", "'x' * 1MB", 0.1, 1.0),
    Row("1..10000", "1..10000", 0.1, 0.6),
    Row("200 objects", OBJECTS.format(200), 0.2, 0.8),
    Row("2,000 objects", OBJECTS.format(2000), 0.1, 0.5),
)


def timed(act: Callable[[], object]) -> float:
    """Return how many milliseconds something takes."""
    begun = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - begun)


def p99(taken: Sequence[float]) -> float:
    """Return the value below which 99 of 100 lie."""
    return sorted(taken)[int(0.99 * (len(taken) - 1))]


def calls(servers: Sequence[Beside], row: Row, rounds: int, count: int) -> Iterator[list[float]]:
    """Yield what the calls of a row took on each server; they take turns, round by round."""
    taken: dict[str, list[float]] = {one.name: [] for one in servers}
    for turn in range(rounds):
        for one in servers if turn % 2 else reversed(servers):
            one.run(FIRST, row.command)
            taken[one.name] += [timed(partial(one.run, FIRST, row.command)) for _ in range(count)]
    yield from taken.values()


def show(*cells: str) -> None:
    """Print a row: case, predecessor, ours, ratio, goal."""
    print("| " + " | ".join(cells) + " |", flush=True)


def show_calls(servers: Sequence[Beside], rounds: int, count: int) -> None:
    """Measure every command."""
    for row in ROWS:
        each = max(3, int(count * row.share))
        before, now = calls(servers, row, rounds, each)
        middle = statistics.median(now) / statistics.median(before)
        ratio, goal = f"{middle:.2f}", f"≤ {row.goal}"
        if row.goal_p99 is not None:
            ratio += f", p99 {p99(now) / p99(before):.2f}"
            goal += f", p99 ≤ {row.goal_p99}"
        show(row.name, _middle(before), _middle(now), ratio, goal)


def _middle(taken: Sequence[float]) -> str:
    return f"{statistics.median(taken):.1f} / {p99(taken):.1f}"


def show_cold(servers: Sequence[Beside], rounds: int) -> None:
    """Measure one session from nothing to signed in; the predecessor's module is a stub."""
    taken: dict[str, list[float]] = {one.name: [] for one in servers}
    for _ in range(rounds):
        for one in servers:
            taken[one.name].append(timed(partial(one.login, PLACES[1])))
            one.end(PLACES[1])
    before, now = (statistics.median(one) for one in taken.values())
    show("cold session, signed in", f"{before:.0f}", f"{now:.0f}", "", "≤ 1,000 ms")


def at_once(act: Callable[[Place], object], places: Sequence[Place]) -> float:
    """Return how many milliseconds it takes to do something in many sessions at once."""
    with ThreadPoolExecutor(len(places)) as pool:
        return timed(lambda: list(pool.map(act, places)))


def show_ten(servers: Sequence[Beside]) -> None:
    """Measure ten sessions: signed in at once, busy at once, and their memory."""
    rest = [one for one in PLACES if one != FIRST]
    signed_in = [at_once(one.login, rest) for one in servers]
    show("10 sign-ins at once", *(f"{one:.0f}" for one in signed_in), "", "≤ 6,000 ms")
    busy = [
        statistics.median(at_once(partial(one.run_beside, command=SLEEP), PLACES) for _ in "123")
        for one in servers
    ]
    show("10 sessions, 300 ms each, at once", *(f"{one:.0f}" for one in busy), "", "≤ 400 ms")
    time.sleep(IDLE_S)
    sizes = [
        statistics.mean(memory(process.pid)[1] for process in one.powershells()) / MIB
        for one in servers
    ]
    ratio = f"{sizes[1] / sizes[0]:.2f}"
    show("PSS of a PowerShell", *(f"{one:.0f} MiB" for one in sizes), ratio, "≤ 60 MiB")


def check(servers: Sequence[Beside]) -> None:
    """Raise if a server does not answer what is asked."""
    for one in servers:
        answer = json.loads(one.run(FIRST, "1+1"))
        if json.loads(answer["result"]) not in (2, [2]):
            raise RuntimeError(f"{one.name} says that 1+1 is {answer['result']}")


def powershell() -> Path:
    """Return the PowerShell that both use."""
    return asyncio.run(find_powershell(explicit=os.environ.get("PWSH_MANAGER_PWSH", ""))).path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=100, help="calls of 1+1 in each round")
    parser.add_argument("--rounds", type=int, default=6)
    options = parser.parse_args()
    print(
        f"{psutil.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; milliseconds, p50 / p99"
    )
    print("| case | predecessor | ours | ratio | goal |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        servers: list[Beside] = [Predecessor(str(powershell())), Ours(Path(folder))]
        for one in servers:
            running.callback(one.close)
            one.login(FIRST)
        check(servers)
        show_calls(servers, options.rounds, options.calls)
        show_cold(servers, options.rounds)
        show_ten(servers)


if __name__ == "__main__":
    main()
