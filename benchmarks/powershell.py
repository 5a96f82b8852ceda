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


async def bulk(shell: PowerShell, name: str, script: str) -> None:
    stop = asyncio.Event()
    watching = asyncio.create_task(longest_pause(stop))
    took = min([await timed(lambda: read(shell, script)) for _ in range(3)])
    stop.set()
    print(f"| {name} | {took:.0f} ms (best of 3), loop pause {await watching:.0f} ms |")


async def main(explicit: str) -> None:
    found = await find_powershell(explicit)
    print(f"PowerShell {found.version} ({found.place})\n\n| what | measured |\n|---|---|")
    with tempfile.TemporaryDirectory() as home:
        launch = Launch(found.path, home=Path(home), machine_modules=False)
        opens: list[float] = []
        for _ in range(OPENS):
            started = time.perf_counter()
            opened = await PowerShell.open(launch)
            opens.append((time.perf_counter() - started) * 1000)
            await opened.close()
        print(f"| open | min {min(opens):.0f}, p50 {statistics.median(opens):.0f} ms |")
        shell = await PowerShell.open(launch)
        small = sorted([await timed(lambda: read(shell, "1+1")) for _ in range(SMALL_RUNS)])
        print(
            f"| 1+1 | min {small[0]:.1f}, p50 {small[SMALL_RUNS // 2]:.1f}, p99"
            f" {small[int(SMALL_RUNS * 0.99)]:.1f} ms |"
        )
        for name, script in BULK.items():
            await bulk(shell, name, script)
        print(f"| close | {await timed(shell.close):.0f} ms |")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else ""))
