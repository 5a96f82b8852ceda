"""Stop: bounded, at any moment, with nothing lost, and the session usable at once
(decision 0005).
"""

import asyncio
import os
from pathlib import Path

import pytest

from pwsh_kernels.powershell import PowerShell
from pwsh_kernels.records import RunOptions
from tests.fixtures.powershell import WAIT_S, collect, is_text, run, until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    "work",
    [
        "Start-Sleep 60",
        "while ($true) { }",
        "while ($true) { 'x' * 1000 }",
        "/bin/sleep 60",
        "Start-Job { Start-Sleep 60 } | Wait-Job",
    ],
)
async def test_a_stop_keeps_the_text_and_the_session(shell: PowerShell, work: str) -> None:
    pipeline = await shell.start(f"'before'; {work}")
    await until(pipeline, is_text)
    assert await pipeline.stop()
    assert (await collect(pipeline)).summary.outcome == "stopped"
    assert (await run(shell, "'usable'")).text == "usable\n"


async def test_what_a_finally_block_says_after_a_stop_arrives(shell: PowerShell) -> None:
    pipeline = await shell.start(
        "try { 'go'; Start-Sleep 60 } finally { 'cleaned'; Write-Warning up }"
    )
    await until(pipeline, is_text)
    assert await pipeline.stop()
    said = await collect(pipeline)
    assert (said.text, [one.message for one in said.records]) == ("cleaned\n", ["up"])


async def test_json_gathered_before_a_stop_is_not_lost(shell: PowerShell) -> None:
    pipeline = await shell.start(
        "1; [Console]::Write('go'); Start-Sleep 60", RunOptions(format="json")
    )
    await until(pipeline, lambda event: not is_text(event))
    assert await pipeline.stop()
    assert (await collect(pipeline)).text == "1"


async def test_a_blocked_net_call_is_reported_as_still_stopping_and_ends_later(
    shell: PowerShell, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    pipeline = await shell.start(
        "param($Path) [IO.File]::ReadAllText($Path); 'never'", RunOptions({"Path": str(fifo)})
    )
    async with asyncio.timeout(WAIT_S):
        writer = await asyncio.to_thread(
            os.open, fifo, os.O_WRONLY
        )  # returns when the call is inside its open
    assert not await pipeline.stop(0.05)
    os.close(writer)
    said = await collect(pipeline)
    assert (said.summary.outcome, said.text) == ("stopped", "")


async def test_stops_at_any_moment_of_a_run_are_safe(shell: PowerShell) -> None:
    for turns in range(25):
        pipeline = await shell.start("'quick'")
        for _ in range(turns):
            await asyncio.sleep(0)
        assert all(await asyncio.gather(pipeline.stop(), pipeline.stop()))
        assert (await collect(pipeline)).summary.outcome in ("completed", "stopped")
    assert (await run(shell, "'usable'")).text == "usable\n"


async def test_a_slow_reader_holds_powershell_back_and_loses_nothing(shell: PowerShell) -> None:
    pipeline = await shell.start("1..12 | ForEach-Object { 'x' * 1mb }")
    async with asyncio.timeout(WAIT_S):
        while not pipeline.full:  # noqa: ASYNC110 - what fills it is another process
            await asyncio.sleep(0.01)
    assert not pipeline.ended
    assert len((await collect(pipeline)).text) == 12 * (1024 * 1024 + 1)


async def test_runs_wait_their_turn(shell: PowerShell) -> None:
    pipelines, answer = await asyncio.gather(
        asyncio.gather(*(run(shell, f"'{number}'") for number in range(5))), shell.query("'q'")
    )
    assert answer == ["q"]
    assert [said.text for said in pipelines] == [f"{number}\n" for number in range(5)]
