"""Measure powershell/: python benchmarks/powershell.py [PATH_TO_PWSH].

Prints a table (its bounds: decision 0002).
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from pwsh_kernels.powershell import Launch, PowerShell, Text, find_powershell

OPENS = 5
SMALL_RUNS = 300
BULK_RUNS = 12
"""The engine compiles what a script repeats: its first runs are slower."""

BULK = {
    "1 MB string": "'x' * 1mb",
    "10 MB string": "'x' * 10mb",
    "10 MB in 100,000 lines": "foreach ($i in 1..100000) { 'x' * 104 }",
    "10,000 integers": "1..10000",
    "2,000 objects as a table": (
        "1..2000 | ForEach-Object { [pscustomobject]@{ Number = $_; Name = 'abc' } }"
    ),
    "5,000 warnings": 'foreach ($i in 1..5000) { Write-Warning "w$i" }',
    "5,000 progress records": (
        "foreach ($i in 1..5000) { Write-Progress 'Work' -Status $i -PercentComplete ($i / 50) }"
    ),
    "1 MB script": "#" + "x" * (1 << 20),
}


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await work()
    return (time.perf_counter() - started) * 1000


async def read(shell: PowerShell, script: str) -> int:
    pipeline = await shell.start(script, add_to_history=False)
    return sum([len(event.text) async for event in pipeline if isinstance(event, Text)])


async def longest_pause(stop: asyncio.Event) -> float:
    """Return how long, in ms, the event loop at most did not answer."""
    longest = 0.0
    while not stop.is_set():
        before = time.perf_counter()
        await asyncio.sleep(0.005)
        longest = max(longest, time.perf_counter() - before - 0.005)
    return longest * 1000


async def bulk(launch: Launch, name: str, script: str) -> None:
    """Measure in a PowerShell of its own, which no other row has warmed."""
    shell = await PowerShell.open(launch)
    stop = asyncio.Event()
    watching = asyncio.create_task(longest_pause(stop))
    took = [await timed(lambda: read(shell, script)) for _ in range(BULK_RUNS)]
    stop.set()
    print(
        f"| {name} | first {took[0]:.0f}, best {min(took):.0f} ms,"
        f" loop pause {await watching:.0f} ms |"
    )
    await shell.close()


async def opening(launch: Launch) -> None:
    opens: list[float] = []
    for _ in range(OPENS):
        started = time.perf_counter()
        opened = await PowerShell.open(launch)
        opens.append((time.perf_counter() - started) * 1000)
        await opened.close()
    print(f"| open | min {min(opens):.0f}, p50 {statistics.median(opens):.0f} ms |")


async def small(launch: Launch) -> None:
    shell = await PowerShell.open(launch)
    first, second, *more = [await timed(lambda: read(shell, "1+1")) for _ in range(SMALL_RUNS)]
    more.sort()
    print(
        f"| 1+1 | first {first:.0f}, second {second:.0f}, min {more[0]:.1f},"
        f" p50 {more[len(more) // 2]:.1f}, p99 {more[int(len(more) * 0.99)]:.1f} ms |"
    )
    print(f"| close | {await timed(shell.close):.0f} ms |")


async def main(explicit: str) -> None:
    found = await find_powershell(explicit)
    print(f"PowerShell {found.version} ({found.place})\n\n| what | measured |\n|---|---|")
    with tempfile.TemporaryDirectory() as home:
        launch = Launch(found.path, home=Path(home), machine_modules=False)
        await opening(launch)
        await small(launch)
        for name, script in BULK.items():
            await bulk(launch, name, script)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else ""))
