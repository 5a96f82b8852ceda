"""The limits of a session: what goes beyond one is ended or gets an error, and its neighbour does
not notice.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from pwsh_kernels.limits import MB
from pwsh_kernels.sessions.memory_watch import excess
from pwsh_kernels.settings import SMALLEST_FILE_SIZE_MB
from tests.fixtures.figures import Measure
from tests.sessions.world import CONTOSO, END_WAIT, FABRIKAM, World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]
LIMIT_MB = 600
OPEN_FILES = 300
HUNGRY = '$parts = 1..8 | ForEach-Object { "$_" * 50MB }; Start-Sleep 3600'
"""Eight texts of 100 MB."""
LARGE = SMALLEST_FILE_SIZE_MB * MB
TOO_LARGE = f"""
$file = [IO.File]::Create("$PWD/large")
try {{ $null = $file.Seek({LARGE}, 'Begin'); $file.WriteByte(1); $file.Flush() }}
finally {{ $file.Dispose() }}
"""
TOO_MANY = f"""
$open = [Collections.Generic.List[IO.FileStream]]::new()
try {{ foreach ($number in 1..{OPEN_FILES}) {{ $open.Add([IO.File]::Create("$PWD/$number")) }} }}
finally {{ $open | ForEach-Object Dispose }}
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """Sessions with low limits, in which nobody has to be signed in."""
    one = await World.begin(
        tmp_path_factory.mktemp("limits"),
        PWSH_MANAGER_RUN_SIGNED_OUT="true",
        PWSH_MANAGER_SESSION_MEMORY_MB=str(LIMIT_MB),
        PWSH_MANAGER_SESSION_OPEN_FILES=str(OPEN_FILES),
        PWSH_MANAGER_SESSION_FILE_SIZE_MB=str(SMALLEST_FILE_SIZE_MB),
    )
    yield one
    await one.end()


async def look(world: World) -> None:
    """Look at the memory now, as the watch does every few seconds."""
    await world.sessions._memory_watch.look()


async def use(world: World, tenant: str = CONTOSO) -> int:
    """Return the memory that the status of a session shows."""
    await look(world)
    used = (await world.status(tenant))["memory_mb"]
    assert isinstance(used, int)
    return used


def oom_score(pid: int) -> int:
    """Return how much sooner Linux ends a process where memory is short."""
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


async def ended_all(*processes: psutil.Process) -> None:
    """Wait until each of the processes has ended."""
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, END_WAIT)
    assert alive == []


def advice(run: dict[str, Any]) -> str:
    """Return what the first error of a run advises."""
    return str(run["errors"][0]["suggestion"])


@pytest.mark.pwsh
async def test_a_session_past_its_memory_is_ended_for_that_reason_and_its_neighbour_lives(
    world: World, measure: Measure
) -> None:
    await world.run("$x = 42", FABRIKAM)
    with measure("local: a command takes too much memory, until the reason is shown"):
        run = await world.begin_run(HUNGRY)
        kernel, powershell = world.kernel(), world.powershell()
        lost = await world.becomes(CONTOSO, "lost")
    assert lost["reason"].startswith("the session used 0.")
    assert lost["reason"].endswith(
        " GB of memory; its limit is 0.6 GB (PWSH_MANAGER_SESSION_MEMORY_MB)"
    )
    ended = await world.ended(run)
    assert (ended["state"], lost["reason"] in ended["error"]) == ("lost", True), ended
    assert lost["memory_mb"] is None
    await ended_all(kernel, powershell)
    assert (await world.run("$x", FABRIKAM))["result"] == "42\n"
    await world.sessions.kill(CONTOSO, "exo")


@pytest.mark.pwsh
async def test_the_status_shows_the_memory_of_powershell_and_of_what_it_started(
    world: World,
) -> None:
    await world.run("1")
    alone = await use(world)
    resident = world.powershell().memory_info().rss / MB
    assert alone == pytest.approx(resident, rel=0.2)
    (listed,) = [one for one in world.sessions.views() if one["tenant"] == CONTOSO]
    assert listed["memory_mb"] == alone
    answer = await world.run(
        "$job = Start-Job { 'up'; Start-Sleep 3600 };"
        " while (-not (Receive-Job $job)) { Start-Sleep -Milliseconds 100 }"
    )
    assert answer["success"], answer
    assert await use(world) > alone + 40
    await world.run("Remove-Job $job -Force")


@pytest.mark.pwsh
async def test_what_leaves_its_parents_counts_on_and_ends_with_the_session(world: World) -> None:
    run = await world.begin_run("/bin/sh -c 'setsid sleep 3600 & echo $!; wait'")
    detached = psutil.Process(int(await world.output_of(run, "\n")))
    await look(world)
    parent = detached.parent()
    assert parent is not None
    parent.kill()
    await world.ended(run)
    kernel = world.kernel()
    assert detached not in kernel.children(recursive=True)
    await world.sessions.kill(CONTOSO, "exo")
    await ended_all(kernel, detached)


@pytest.mark.pwsh
async def test_a_file_past_its_size_is_an_error_that_says_so_and_the_session_goes_on(
    world: World,
) -> None:
    run = await world.run(TOO_LARGE)
    assert run["state"] == "failed"
    assert "PWSH_MANAGER_SESSION_FILE_SIZE_MB" in advice(run), run
    past = LARGE // 2**20 + 1
    native = await world.run(
        f"dd if=/dev/zero of=large bs=1M count=1 seek={past} 2>&1 | ForEach-Object ToString"
    )
    assert "File too large" in native["result"], native
    assert (await world.run("1 + 1"))["result"] == "2\n"


@pytest.mark.pwsh
async def test_too_many_open_files_are_an_error_that_says_so_and_the_session_goes_on(
    world: World,
) -> None:
    run = await world.run(TOO_MANY)
    assert run["state"] == "failed"
    assert "PWSH_MANAGER_SESSION_OPEN_FILES" in advice(run), run
    assert (await world.run("1 + 1"))["result"] == "2\n"


@pytest.mark.pwsh
async def test_powershell_goes_before_the_server_where_memory_is_short_and_its_kernel_does_not(
    world: World,
) -> None:
    await world.run("1")
    scores = [oom_score(pid) for pid in (world.powershell().pid, world.kernel().pid)]
    assert scores == [500, oom_score(os.getpid())]
    child = await world.run("Get-Content /proc/self/oom_score_adj; cat /proc/self/oom_score_adj")
    assert child["result"].split() == ["500", "500"]


@pytest.mark.parametrize(
    ("used", "limit_mb", "said"),
    [
        (4_100 * MB, 4_000, "the session used 4.1 GB of memory; its limit is 4 GB"),
        (4_000 * MB, 4_000, ""),
        (10**15, 0, ""),
    ],
)
async def test_the_reason_names_what_was_used_and_the_limit(
    used: int, limit_mb: int, said: str
) -> None:
    assert excess(used, limit_mb).partition(" (")[0] == said
