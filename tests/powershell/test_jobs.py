"""Jobs, thread jobs and -Parallel: what they write comes once, on its stream; a stop or the end
ends them.
"""

import asyncio
import os
from pathlib import Path

import pytest

from pwsh_kernels.powershell import (
    HostText,
    Launch,
    PowerShell,
    ProgressChanged,
    RecordWritten,
    Text,
)
from tests.fixtures.powershell import WAIT_S, Said, collect, is_text, run, run_answering, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

TALK = """{
  'out'; Get-Item /nowhere; Write-Warning 'warn'; Write-Information 'info' -InformationAction Continue
  Write-Information 'quiet'; Write-Host 'host'; Write-Host 'part' -NoNewline; Write-Host 'red' -ForegroundColor Red
  Write-Progress -Activity 'Copy' -Status 's' -PercentComplete 5; 'end'
}"""  # noqa: E501
WAYS = {
    "a job": f"Start-Job {TALK} | Receive-Job -Wait -AutoRemoveJob",
    "a thread job": f"Start-ThreadJob {TALK} | Receive-Job -Wait -AutoRemoveJob",
    "-Parallel": f"1 | ForEach-Object -Parallel {TALK}",
    "-Parallel as a job": (
        f"1 | ForEach-Object -AsJob -Parallel {TALK} | Receive-Job -Wait -AutoRemoveJob"
    ),
}
RICH = pytest.mark.parametrize("rich", [False, True], ids=["program", "person"])


def told(said: Said) -> list[str]:
    """Return what each event says, but for progress, in order."""
    texts: list[str] = []
    for one in said.events:
        if isinstance(one, Text | HostText):
            texts += one.text.splitlines()
        elif isinstance(one, RecordWritten):
            texts.append(one.record.message)
    return texts


@RICH
@pytest.mark.parametrize("way", WAYS)
async def test_what_a_job_writes_comes_once_and_on_its_stream(
    shell: PowerShell, way: str, rich: bool
) -> None:
    said = await run(shell, WAYS[way], rich=rich)
    missing = "Cannot find path '/nowhere' because it does not exist."
    plain = [one.removeprefix("\x1b[91m").removesuffix("\x1b[0m") for one in told(said)]
    assert sorted(plain) == sorted(
        [missing, "end", "host", "info", "out", "part", "quiet", "red", "warn"]
    )
    assert said.text == "out\nend\n"
    assert said.host.replace("\x1b[91m", "").replace("\x1b[0m", "") == "host\npartred\n"
    assert [one.kind for one in said.records] == ["error", "warning", "information", "information"]
    assert (said.summary.errors, said.summary.warnings, said.summary.outcome) == (1, 1, "completed")
    progress = [one.progress for one in said.events if isinstance(one, ProgressChanged)]
    # PowerShell itself shows none of a -Parallel that is a job.
    assert [(one.activity, one.percent) for one in progress] == [("Copy", 5)] * (
        "-AsJob" not in WAYS[way]
    )


async def test_a_person_sees_the_colours_of_a_job(shell: PowerShell) -> None:
    said = await run(
        shell,
        "Start-Job { Write-Host 'red' -ForegroundColor Red } | Receive-Job -Wait -AutoRemoveJob",
        rich=True,
    )
    assert said.host == "\x1b[91mred\x1b[0m\n"


@pytest.mark.parametrize("way", ["a job", "a thread job", "-Parallel"])
async def test_an_error_of_a_job_keeps_its_facts(shell: PowerShell, way: str) -> None:
    said = await run(shell, WAYS[way])
    (error,) = [one for one in said.records if one.kind == "error"]
    assert error.error_id == "PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand"
    assert (error.category, error.target, error.command) == (
        "ObjectNotFound",
        "/nowhere",
        "Get-Item",
    )


async def test_what_a_job_or_the_script_shows_by_the_host_itself_is_shown(
    shell: PowerShell,
) -> None:
    job = (
        "Start-Job { Write-Host 'a'; $Host.UI.WriteLine('own'); $Host.UI.WriteLine('own') } |"
        " Receive-Job -Wait"
    )
    said = await run(shell, f"{job}; Write-Host 'a'; $Host.UI.WriteLine('a')")
    assert said.host == "a\nown\nown\na\na\n"


async def test_output_between_the_lines_of_a_job_keeps_its_order(shell: PowerShell) -> None:
    said = await run(
        shell, 'Start-Job { 1..3 | ForEach-Object { Write-Host "h$_"; "o$_" } } | Receive-Job -Wait'
    )
    assert told(said) == ["h1", "o1", "h2", "o2", "h3", "o3"]


async def test_a_job_may_ask(shell: PowerShell) -> None:
    said, asked = await run_answering(
        shell, "Start-Job { 'I am ' + (Read-Host 'Who') } | Receive-Job -Wait", "Adele"
    )
    assert (said.text, len(asked)) == ("I am Adele\n", 1)


@pytest.mark.parametrize(
    "script",
    [
        "1..2 | ForEach-Object -Parallel { 'begun'; Start-Sleep 300 }",
        "Start-ThreadJob { 'begun'; Start-Sleep 300 } | Receive-Job -Wait",
    ],
)
async def test_a_stop_ends_what_runs_in_parallel(shell: PowerShell, script: str) -> None:
    pipeline = await shell.start(script)
    await until(pipeline, is_text)
    assert await pipeline.stop()
    assert (await collect(pipeline)).summary.outcome == "stopped"
    assert (
        await run(
            shell,
            "Get-Job -State Running -ErrorAction Ignore | Stop-Job -PassThru | Remove-Job; 'on'",
        )
    ).text == "on\n"


async def test_the_processes_of_jobs_end_with_the_session(
    powershell_path: Path, tmp_path: Path
) -> None:
    opened = await PowerShell.open(Launch(powershell_path, home=tmp_path))
    try:
        said = await run(
            opened,
            "$job = Start-Job { $PID; Start-Sleep 300 }; do { $id = Receive-Job $job } until"
            " ($id); $id",
        )
        job = int(said.text)
        os.kill(job, 0)
    finally:
        await opened.close()
    async with asyncio.timeout(WAIT_S):
        while alive(job):  # noqa: ASYNC110 - a process of another one tells us nothing
            await asyncio.sleep(0.01)


def alive(process: int) -> bool:
    """Return whether a process runs; one that nobody has waited for does not."""
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
