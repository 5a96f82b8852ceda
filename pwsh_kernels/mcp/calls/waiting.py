"""Wait for a run or a sign-in within a limit, and report progress to the client meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from pwsh_kernels.escapes import plain
from pwsh_kernels.mcp.answers.excerpts import MAX_CHARS, Excerpt, excerpt, without_asides
from pwsh_kernels.mcp.answers.marks import named
from pwsh_kernels.mcp.answers.run_results import is_open
from pwsh_kernels.mcp.backend import Backend
from pwsh_kernels.records import ProgressFacts
from pwsh_kernels.shapes import Run, RunPage, Status, Tier

Report = Callable[[float, float, str], Awaitable[None]]
"""Reports to the client the seconds passed, the most seconds, and what is going on."""

TICK = 2.0
"""Seconds between two progress reports."""

LONGEST_PAUSE = 0.25
"""Seconds between two looks at a run that prints all the time: output ends a wait early, but only
the run's end matters here.
"""


class Waiting:
    """One bounded wait: knows its limit and reports how long it has lasted."""

    def __init__(self, limit_s: float, report: Report) -> None:
        """Begin the wait."""
        self._report = report
        self._limit_s = limit_s
        self._now = asyncio.get_running_loop().time
        self._began = self._now()

    @property
    def left_s(self) -> float:
        """Seconds until the limit."""
        return max(0.0, self._began + self._limit_s - self._now())

    async def tell(self, what: str) -> None:
        """Show the client that the call is still alive, and for how long it has waited."""
        await self._report(round(self._now() - self._began, 1), self._limit_s, what)

    @asynccontextmanager
    async def signs_of_life(self, what: str) -> AsyncIterator[None]:
        """Report every TICK seconds while the block runs."""
        task = asyncio.create_task(self._keep_telling(what))
        try:
            yield
        finally:
            task.cancel()

    async def _keep_telling(self, what: str) -> None:
        while True:
            await asyncio.sleep(TICK)
            await self.tell(what)


async def wait_for_run(backend: Backend, run: Run, waiting: Waiting) -> Run:
    """Return the Run once it has ended or asks a question that it did not ask before, or when the
    wait is over.
    """
    asked, pause = run["prompt"], 0.01
    while (
        is_open(run)
        and waiting.left_s
        and not (run["state"] == "waiting_for_input" and run["prompt"] != asked)
    ):
        limit, cursor = min(TICK, waiting.left_s), run["total_chars"]
        run = await backend.read_run(
            run["run_id"], cursor=cursor, wait_s=limit, limit=1, seen=run["state"]
        )
        if is_open(run):
            await waiting.tell(describe(run))
            await asyncio.sleep(min(pause, waiting.left_s))
            pause = min(pause * 2, LONGEST_PAUSE)
    return run


def describe(run: Run) -> str:
    """Return a line about a run in progress, with PowerShell's own progress."""
    shown = _progress(run["progress"])
    return (
        f"{run['state']}: {shown}"
        if shown
        else f"{run['state']}, {run['total_chars']} characters of output"
    )


def _progress(progress: ProgressFacts | None) -> str:
    if progress is None:
        return ""
    percent = f"{progress['percent']} %" if progress["percent"] is not None else ""
    told = filter(None, (progress["activity"], progress["status"], percent))
    return named(plain(", ".join(told)))


async def wait_for_sign_in(
    backend: Backend, tenant: str, module: str, waiting: Waiting, tier: Tier = "write"
) -> Status:
    """Return the session's status once no sign-in is pending, or when the wait is over."""
    status = await backend.status(tenant, module, 0, tier)
    while status["state"] in ("starting", "signing_in") and waiting.left_s:
        await waiting.tell(f"waiting for the sign-in to {tenant}:{module}")
        status = await backend.status(tenant, module, min(TICK, waiting.left_s), tier)
    return status


async def read_output(
    backend: Backend, run_id: str, cursor: int, limit: int = MAX_CHARS
) -> tuple[RunPage, Excerpt]:
    """Return the Run as it is now with an excerpt of its output: from 0 head and tail, from a
    cursor one page.
    """
    page = without_asides(await backend.read_run(run_id, cursor, 0, limit))
    total = max(page["total_chars"], page["next_cursor"])
    if cursor or (total <= limit and not page["more"]):
        return page, excerpt(page, total, limit)
    tail_chars = limit // 2
    tail = without_asides(await backend.read_run(run_id, max(0, total - tail_chars), 0, tail_chars))
    return page, excerpt(page, total, limit - tail_chars, tail)
