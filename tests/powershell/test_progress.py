"""Progress is thinned and never falsified: in a session that shows little of it, and in one for
which PowerShell itself thins it (decision 0002).
"""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from pwsh_kernels import powershell
from pwsh_kernels.powershell import (
    Launch,
    PowerShell,
    ProgressChanged,
    PromptAsked,
    find_powershell,
)
from tests.fixtures.powershell import collect, is_text, run, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

MUCH = "foreach ($i in 1..200) { Write-Progress Before -Status $i }; Write-Progress -Completed"
HOST = (
    "$Host.UI.GetType().GetField('_externalUI', 'NonPublic, Instance').GetValue($Host.UI)"
    ".GetType().Name"
)
"""What stands between the engine and the wire: a private name of the engine's."""
MADE_WITH = "7.6.9"
"""The PowerShell that the committed ProgressHost is compiled for."""
STOPS = 10
COMPILE_WAIT_S = 180.0
QUICK_COMPILER = {name: value for name, value in os.environ.items() if name[:7] != "DOTNET_"}
"""Without what lets short programs start sooner: a compiler is no short program."""
FOLDER = Path(powershell.__file__).parent / "assembly"


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["little", "much"])
async def shell(
    request: pytest.FixtureRequest,
    powershell_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[PowerShell]:
    """A PowerShell that has shown little progress, and one that has shown much."""
    opened = await PowerShell.open(
        Launch(powershell_path, home=tmp_path_factory.mktemp("home"), machine_modules=False)
    )
    if request.param == "much":
        await run(opened, MUCH)
    yield opened
    await opened.close()


async def test_progress_is_thinned_and_its_last_state_kept(shell: PowerShell) -> None:
    script = (
        "foreach ($i in 1..5000) { Write-Progress 'Work' -Status $i -PercentComplete ($i / 50)"
        " -ParentId 7 -Id 8 }"
    )
    said = await run(shell, script)
    states = [one.progress for one in said.events if isinstance(one, ProgressChanged)]
    assert len(states) <= said.summary.duration_s * 10 + 2
    last = states[-1]
    assert (last.status, last.percent, last.activity_id, last.parent_id, last.completed) == (
        "5000",
        100,
        8,
        7,
        False,
    )


async def test_progress_of_a_begin_block_is_told_once(shell: PowerShell) -> None:
    script = (
        "begin { Write-Progress Work -Status first } end { Start-Sleep -Milliseconds 150;"
        " Write-Progress Work -Status last }"
    )
    said = await run(shell, script)
    states = [one.progress for one in said.events if isinstance(one, ProgressChanged)]
    assert [one.status for one in states] == ["first", "last"]


async def test_the_newest_progress_is_told_while_the_script_waits(shell: PowerShell) -> None:
    pipeline = await shell.start(
        "foreach ($i in 1..50) { Write-Progress Work -Status $i }; $null = Read-Host 'go on'"
    )
    newest = await until(
        pipeline, lambda one: isinstance(one, ProgressChanged) and one.progress.status == "50"
    )
    assert isinstance(newest, ProgressChanged)
    await pipeline.stop()
    assert (await collect(pipeline)).summary.outcome == "stopped"


async def test_an_activity_that_is_completed_without_its_name_is_not_told_of_afterwards(
    shell: PowerShell,
) -> None:
    said = await run(
        shell,
        "foreach ($i in 1..50) { Write-Progress Work -Status $i -Id 3 }; Write-Progress -Id 3"
        " -Completed",
    )
    states = [one.progress for one in said.events if isinstance(one, ProgressChanged)]
    assert (states[-1].activity_id, states[-1].completed) == (3, True)


@pytest.mark.parametrize(
    "script",
    [
        (
            "$ProgressPreference = 'SilentlyContinue'; Write-Progress a; $ProgressPreference ="
            " 'Continue'"
        ),
        "function quiet { $ProgressPreference = 'SilentlyContinue'; Write-Progress a }; quiet",
        (
            "$null = New-Module { function quiet { $ProgressPreference = 'SilentlyContinue';"
            " Write-Progress a } }; quiet"
        ),
        "Write-Progress a -ProgressAction SilentlyContinue",
    ],
)
async def test_progress_that_its_caller_does_not_want_is_not_told(
    shell: PowerShell, script: str
) -> None:
    said = await run(shell, script)
    assert (
        said.summary.outcome,
        [one for one in said.events if isinstance(one, ProgressChanged)],
    ) == ("completed", [])


async def test_progress_of_a_module_and_of_another_runspace_is_told(shell: PowerShell) -> None:
    module = (
        "$null = New-Module -Name Loud { function Invoke-Loud { Write-Progress ofModule } };"
        " Invoke-Loud; Remove-Module Loud"
    )
    said = await run(shell, module + "; 1 | ForEach-Object -Parallel { Write-Progress ofThread }")
    told = {one.progress.activity for one in said.events if isinstance(one, ProgressChanged)}
    assert {"ofModule", "ofThread"} <= told


async def test_each_of_several_activities_ends_with_its_last_state(shell: PowerShell) -> None:
    said = await run(
        shell, "foreach ($i in 1..40) { foreach ($id in 1..3) { Write-Progress a$id $i -Id $id } }"
    )
    last = {
        one.progress.activity: one.progress.status
        for one in said.events
        if isinstance(one, ProgressChanged)
    }
    assert last == {"a1": "40", "a2": "40", "a3": "40"}


async def test_prompts_of_every_kind_come_amid_progress(shell: PowerShell) -> None:
    pipeline = await shell.start(
        "1..5 | ForEach-Object { Write-Progress Work $_ }; $line = Read-Host name;"
        " Write-Progress Work 6; $one = $Host.UI.PromptForChoice('c', 'm', @('&a', '&b'), 0);"
        " $many = $Host.UI.PromptForChoice('c', 'm',"
        " [Management.Automation.Host.ChoiceDescription[]]@('&a', '&b'), [int[]]@(0));"
        ' "$line $one $many"'
    )
    for answer in ("ada", 1, [0, 1]):
        asked = await until(pipeline, lambda one: isinstance(one, PromptAsked))
        assert isinstance(asked, PromptAsked)
        await pipeline.answer(asked.id, answer)
    assert (await collect(pipeline)).text == "ada 1 0 1\n"


async def test_a_stop_amid_progress_leaves_the_session_usable(shell: PowerShell) -> None:
    for _ in range(STOPS):
        pipeline = await shell.start("'go'; while ($true) { Write-Progress Work ($i++) }")
        await until(pipeline, is_text)
        assert await pipeline.stop()
        assert (await collect(pipeline)).summary.outcome == "stopped"
    assert (await run(shell, "'usable'")).text == "usable\n"


async def test_text_and_records_amid_progress_stay_in_order(shell: PowerShell) -> None:
    said = await run(
        shell,
        "foreach ($i in 1..100) { Write-Progress Work $i; $i; Write-Warning $i }",
    )
    assert said.text.split() == [str(one) for one in range(1, 101)]
    assert [one.message for one in said.records] == [str(one) for one in range(1, 101)]


async def test_powershell_thins_progress_once_a_session_has_shown_much(
    powershell_path: Path, tmp_path: Path
) -> None:
    if (await find_powershell(str(powershell_path))).version != MADE_WITH:
        pytest.skip(f"ProgressHost is made for PowerShell {MADE_WITH}")
    shell = await PowerShell.open(
        Launch(powershell_path, home=tmp_path / "home", machine_modules=False)
    )
    try:
        assert (await run(shell, HOST)).text == "ServerRemoteHostUserInterface\n"
        await run(shell, MUCH)
        assert (await run(shell, HOST)).text == "ProgressHost\n"
        assert (await run(shell, "$Host.UI.GetType().Name")).text == "InternalHostUserInterface\n"
    finally:
        await shell.close()


async def test_the_committed_assembly_is_what_its_source_compiles_to(
    powershell_path: Path, tmp_path: Path
) -> None:
    if (await find_powershell(str(powershell_path))).version != MADE_WITH:
        pytest.skip(f"the committed bytes are those of PowerShell {MADE_WITH}'s compiler")
    made = tmp_path / "made.dll"
    compiling = await asyncio.create_subprocess_exec(
        *(powershell_path, "-NoProfile", "-File", FOLDER / "compile.ps1", made), env=QUICK_COMPILER
    )
    assert await asyncio.wait_for(compiling.wait(), COMPILE_WAIT_S) == 0
    assert made.read_bytes() == (FOLDER / "PwshKernels.dll").read_bytes()
