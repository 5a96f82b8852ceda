"""What confinement costs: the start of a PowerShell and the round trip of `1+1`, confined and
unconfined in turn, so that whatever else the machine does concerns both alike.

`python benchmarks/confinement.py [STARTS [PATH_TO_PWSH]]` prints a table (goal: docs/places.md).
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from pwsh_kernels.landlock import abi_version, not_enforced
from pwsh_kernels.powershell import Launch, PowerShell, Text, find_powershell
from pwsh_kernels.sessions.places.confinement import Needs, rules
from pwsh_kernels.sessions.places.temporary import temporary_folder

STARTS = 15
ROUND_TRIPS = 200
WARM_UP = 30
KINDS = "unconfined", "confined"


async def opened(launch: Launch, times: list[float]) -> PowerShell:
    """Open a PowerShell; add the milliseconds that it took."""
    begin = time.perf_counter()
    shell = await PowerShell.open(launch)
    times.append((time.perf_counter() - begin) * 1000)
    return shell


async def round_trip(shell: PowerShell, times: list[float]) -> None:
    """Run `1+1` and read its result; add the milliseconds that it took."""
    begin = time.perf_counter()
    pipeline = await shell.start("1+1", add_to_history=False)
    result = "".join([event.text async for event in pipeline if isinstance(event, Text)])
    times.append((time.perf_counter() - begin) * 1000)
    if result.strip() != "2":
        raise ValueError(f"1+1 gave {result!r}")


def row(what: str, plain: list[float], confined: list[float]) -> str:
    """Return a line of the table: minimum and median of both, and the ratios."""
    figures = [pick(times) for pick in (min, statistics.median) for times in (plain, confined)]
    ratios = figures[1] / figures[0], figures[3] / figures[2]
    cells = [f"{one:9.1f}" for one in figures]
    cells[2:2], cells[5:] = [f"{ratios[0]:7.2f}"], [f"{ratios[1]:7.2f}"]
    return f"{what:22}" + "".join(cells)


def launches(folder: Path, program: Path) -> dict[str, Launch]:
    """Return how both kinds are started: as in a session, each with a HOME of its own."""
    found = {}
    for kind in KINDS:
        home = folder / kind
        temporary = temporary_folder(home)
        needs = Needs(write=(home,), private=(folder,))
        text = rules(needs, os.environ, (), temporary, required=False)
        found[kind] = Launch(
            program,
            home=home,
            cwd=home,
            environment={"TMPDIR": str(temporary)},
            machine_modules=False,
            confined=text if kind == "confined" else "",
        )
    return found


async def measure(folder: Path, starts: int, program: Path) -> None:
    """Measure and print."""
    started: dict[str, list[float]] = {kind: [] for kind in KINDS}
    answered: dict[str, list[float]] = {kind: [] for kind in KINDS}
    kinds = launches(folder, program)
    for kind in KINDS:  # what the first one compiles and caches is not counted
        await (await opened(kinds[kind], [])).close()
    for count in range(starts):
        for kind in KINDS if count % 2 else reversed(KINDS):
            await (await opened(kinds[kind], started[kind])).close()
    print(f"{'ms':22}{'min':>9}{'confined':>9}{'ratio':>7}{'median':>9}{'confined':>9}{'ratio':>7}")
    print(row(f"start ({starts})", *started.values()), flush=True)
    shells = {kind: await opened(kinds[kind], []) for kind in KINDS}
    for count in range(WARM_UP + ROUND_TRIPS):
        for kind in KINDS if count % 2 else reversed(KINDS):
            await round_trip(shells[kind], answered[kind])
    for shell in shells.values():
        await shell.close()
    print(row(f"1+1 ({ROUND_TRIPS})", *(times[WARM_UP:] for times in answered.values())))


async def main(arguments: list[str]) -> None:
    """Find PowerShell and measure."""
    if missing := not_enforced(abi_version()):
        sys.exit(f"This machine's Linux does not confine: {', '.join(missing)}")
    starts = int(arguments[0]) if arguments else STARTS
    found = await find_powershell(explicit=arguments[1] if len(arguments) > 1 else "")
    with tempfile.TemporaryDirectory() as folder:
        await measure(Path(folder), starts, Path(found.path))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
