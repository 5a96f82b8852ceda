"""What records cost, beside lines of text: in PowerShell's own process, in a kernel, in the server.

`python -m benchmarks.records [RECORDS]`.

Starts a server of its own with a data folder of its own, and signs in to a tenant of the sandbox.
CPU time is told beside the clock's, because a machine may be busy otherwise.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import psutil

from pwsh_kernels.powershell import Launch, PowerShell, find_powershell
from tests.fixtures.server import CONTOSO, Server

RECORDS = 20_000
MIB = 1 << 20
WAIT_S = 600.0
SCRIPTS = {
    "lines": '"e$_"',
    "errors": 'Write-Error "e$_"',
    "warnings": 'Write-Warning "w$_"',
    "information": 'Write-Information "i$_" -InformationAction Continue',
    "host text": 'Write-Host "h$_"',
    "in turn": '"l$_"; Write-Error "e$_"; Write-Warning "w$_"',
}


class Cost:
    """The time of processes, since it was made."""

    def __init__(self, *processes: psutil.Process) -> None:
        self._processes = processes
        self._begun = time.perf_counter()
        self._cpu = [_cpu(one) for one in processes]

    def told(self, count: int) -> str:
        """Return records a second, and CPU microseconds of each process for a record."""
        seconds = time.perf_counter() - self._begun
        used = [_cpu(one) - before for one, before in zip(self._processes, self._cpu, strict=True)]
        each = "  ".join(f"{one / count * 1e6:7.0f}" for one in used)
        return f"{count / seconds:8.0f}/s   CPU us each: {each}"


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


async def in_powershell(scripts: Mapping[str, str], count: int) -> None:
    """Tell the costs of a shell's process and of ours."""
    found = await find_powershell(explicit="")
    with tempfile.TemporaryDirectory() as home:
        shell = await PowerShell.open(Launch(found.path, home=Path(home), machine_modules=False))
        (child,) = (one for one in psutil.Process().children() if one.name() == "pwsh")
        for name, script in scripts.items():
            cost = Cost(child, psutil.Process())
            async for _ in await shell.start(script, add_to_history=False):
                pass
            print(f"powershell {name:11} {cost.told(count)}   (PowerShell, our process)")
        await shell.close()


def has_ended(server: Server, run: str) -> bool:
    return server.get(f"/runs/{run}", limit=1)["ended_at"] is not None


def in_server(scripts: Mapping[str, str], count: int) -> None:
    """Tell the costs of a run over REST, and what memory the server takes for it."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder)).start()
        try:
            server.sign_in(CONTOSO)
            own = psutil.Process(server.process.pid)
            kernel = next(one for one in own.children() if "pwsh_kernels.kernel" in one.cmdline())
            child = next(one for one in kernel.children() if one.name() == "pwsh")
            for name, script in scripts.items():
                memory, cost = own.memory_info().rss, Cost(own, kernel, child)
                run = server.post("/run", tenant=CONTOSO, command=script, wait_s=0)["run_id"]
                server.until(partial(has_ended, server, run), WAIT_S)
                more = (own.memory_info().rss - memory) / MIB
                print(
                    f"server     {name:11} {cost.told(count)}   (server, kernel, PowerShell),"
                    f" memory {more:+.0f} MiB"
                )
        finally:
            server.stop()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    scripts = {
        name: f"1..{count} | ForEach-Object {{ {script} }}" for name, script in SCRIPTS.items()
    }
    asyncio.run(in_powershell(scripts, count))
    in_server(scripts, count)


if __name__ == "__main__":
    main()
