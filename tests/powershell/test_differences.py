"""PowerShell through our kernel is PowerShell: what it adds or sets is not seen, and what a server
mode takes away is there.

The numbers are those of "What our kernel changes in PowerShell" (issue 15); 9 and 10 are in the
tests of the kernel.
"""

import asyncio
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from pwsh_kernels.powershell import Launch, Pipeline, PowerShell
from pwsh_kernels.powershell.host.launch import COMMANDS, QUIET, USUAL, child_environment
from pwsh_kernels.powershell.run_events import run_commands
from pwsh_kernels.records import RunOptions
from tests.fixtures.powershell import WAIT_S, Said, collect, is_text, run, run_answering, until
from tests.fixtures.repository import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = (ROOT / "docs" / "kernel.md").read_text(encoding="utf-8")
OUR_FUNCTIONS = {
    "PwshKernels.Get-KeptObject",
    "PwshKernels.Get-SessionFile",
    "PwshKernels.Get-SessionRequirement",
    "PwshKernels.Set-SessionFile",
    "PwshKernels.Get-SessionRest",
    "PwshKernels.Out-Display",
    "PwshKernels.Out-Session",
    "PwshKernels.Test-SessionParameter",
}
SERVER_MODE = {"PSSenderInfo"}
"""Variables of PowerShell's own that only a server mode has."""
STATE = r"""
$own = '^(args|input|PID|Host|\$|\^|\?|_|StackTrace|MyInvocation|PSBoundParameters|Error|ExecutionContext|own|state)$'
$own += '|^PSCommandPath$|^PSScriptRoot$'
$state = [ordered]@{}
$state.variables = @(foreach ($one in Get-Variable -Scope Global) { if ($one.Name -notmatch $own) { $one.Name } })
$state.values = [ordered]@{}
foreach ($name in $state.variables) {
    $one = Get-Variable $name -Scope Global
    $facts = $one.Value, $one.Options, $one.Visibility, $one.Attributes.Count
    if ($name -ne 'PSSenderInfo') { $state.values[$name] = "$($facts -join '|')" }
}
$state.functions = [ordered]@{}
foreach ($one in Get-ChildItem function:) { $state.functions[$one.Name] = "$($one.Options)|$($one.Definition)" }
$state.unmoduled = @(Get-Command -Module '' | ForEach-Object Name)
$state.aliases = @(Get-Alias | ForEach-Object { "$($_.Name)=$($_.Definition)|$($_.Options)" })
$state.modules = @(Get-Module -All | ForEach-Object Name | Sort-Object)
$state.style = $PSStyle | Format-List * | Out-String -Width 500
$state.rendering = "$($PSStyle.OutputRendering)"
$state.profile = $PROFILE | Format-List -Force AllUsers*, CurrentUser* | Out-String -Width 500
$state.errors = $Error.Count
$state.defaults = $PSDefaultParameterValues.Count
$state.drives = @(Get-PSDrive | ForEach-Object Name)
$state.types = (Get-TypeData).Count
$state.formats = (Get-FormatData).Count
$state.breakpoints = @(Get-PSBreakpoint).Count
$state.debugging = "$([runspace]::DefaultRunspace.Debugger.DebugMode)"
$state.subscribers = @(Get-EventSubscriber).Count + @(Get-Job).Count
$state.handlers = @(
    foreach ($name in 'CommandNotFound', 'PreCommandLookup', 'PostCommandLookup', 'LocationChanged') {
        if ($ExecutionContext.InvokeCommand."${name}Action") { $name }
    })
$state.completers = (TabExpansion2 'Get-Command -Noun Json -Verb ').CompletionMatches.CompletionText
$state.encodings = "$([Console]::OutputEncoding.WebName) $($OutputEncoding.WebName)"
$state.culture = "$PSCulture $PSUICulture"
ConvertTo-Json $state -Depth 3 -Compress
"""  # noqa: E501

BROKEN = "function f { 1 }; $null = Set-PSBreakpoint -Command f -Action { $global:hit++ }"

State = dict[str, Any]


@pytest.fixture(scope="module")
def plain(powershell_path: Path, tmp_path_factory: pytest.TempPathFactory) -> State:
    """What a plain pwsh says of itself; with the variables that ours is started with."""
    home = tmp_path_factory.mktemp("plain")
    script = home / "state.ps1"
    script.write_text(STATE)
    command = [str(powershell_path), "-NoProfile", "-NonInteractive", "-Command", f". {script}"]
    environment = {
        **child_environment(Launch(powershell_path, home=home), {"PATH": "/usr/bin:/bin"})
    }
    done = subprocess.run(
        command,
        cwd=home,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=WAIT_S,
    )
    return {**json.loads(done.stdout.strip().splitlines()[-1]), "home": str(home)}


@pytest.fixture(scope="module")
def shell(fresh_shell: PowerShell) -> PowerShell:
    """A PowerShell that is as it was opened: what others leave in theirs would be a difference."""
    return fresh_shell


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ours(shell: PowerShell) -> State:
    """What PowerShell says of itself through our kernel."""
    return {
        **json.loads((await run(shell, STATE)).text),
        "home": (await run(shell, "$HOME")).text.strip(),
    }


def moved(state: State, name: str) -> Any:
    """Return a part of a state without the place of its HOME."""
    return json.loads(json.dumps(state[name]).replace(state["home"], "~"))


def warnings(said: Said) -> list[str]:
    """Return the texts of the warnings."""
    return [one.message for one in said.records if one.kind == "warning"]


@pytest.mark.parametrize(
    "part",
    [
        "aliases", "modules", "style", "rendering", "profile", "errors", "defaults", "drives", "types", "formats",  # noqa: E501
        "breakpoints", "debugging", "subscribers", "handlers", "completers", "encodings", "culture",
    ],
)  # fmt: skip
async def test_a_script_sees_what_it_sees_in_a_plain_powershell(
    plain: State, ours: State, part: str
) -> None:
    assert moved(ours, part) == moved(plain, part)


async def test_of_the_kernels_own_a_script_sees_only_the_functions_that_the_page_names(
    plain: State, ours: State
) -> None:
    assert ours["functions"].keys() - plain["functions"].keys() == OUR_FUNCTIONS
    assert {name: ours["functions"][name] for name in plain["functions"]} == plain["functions"]
    assert set(ours["unmoduled"]) - set(plain["unmoduled"]) <= OUR_FUNCTIONS
    assert [name for name in OUR_FUNCTIONS if f"`{name}`" not in PAGE] == []


async def test_names_that_the_kernel_uses_are_a_scripts_own_to_take_and_none_is_completed(
    shell: PowerShell,
) -> None:
    mine = "function Out-Session { 'mine' }; function Get-SessionFile { 'mine too' }"
    assert (await run(shell, f"{mine}; Out-Session; Get-SessionFile")).text == "mine\nmine too\n"
    await run(shell, "Remove-Item function:Out-Session, function:Get-SessionFile")
    for begun in ("Out-", "Get-Session", "Get-Kept", "Set-Session", "Test-Session"):
        script = f"(TabExpansion2 '{begun}').CompletionMatches.CompletionText"
        assert "Session" not in (await run(shell, script)).text


async def test_variables_and_preferences_are_those_of_a_plain_powershell(
    plain: State, ours: State
) -> None:
    assert set(ours["variables"]) - set(plain["variables"]) == SERVER_MODE
    assert set(plain["variables"]) - set(ours["variables"]) == set()
    values = moved(ours, "values"), moved(plain, "values")
    changed = {name for name in values[1] if values[0][name] != values[1][name]}
    assert changed <= {"PWD"}  # another folder, the one that each was started in


async def test_what_the_environment_has_of_ours_is_named_on_the_page(shell: PowerShell) -> None:
    term, path = (await run(shell, "$env:TERM; $env:PATH")).text.split()
    assert term
    assert path.endswith(f":{COMMANDS}")
    assert [name for name in (*USUAL, *QUIET, "PATH") if f"`{name}`" not in PAGE] == []


@pytest.mark.parametrize(
    ("script", "owed"),
    [
        (f"{BROKEN}; $null = f; $null = f; $hit", "2"),
        (f"Start-Job {{ {BROKEN}; $null = f; $hit }} | Receive-Job -Wait -AutoRemoveJob", "1"),
        (
            (
                "function g { $zz = 1 }; $null = Set-PSBreakpoint -Variable zz -Mode Write -Action"
                " { $global:hit++ }; g; $hit"
            ),
            "1",
        ),
        (
            (
                '$f = "$HOME/b.ps1"; "1`n2" > $f; $null = Set-PSBreakpoint $f -Line 2 -Action {'
                " $global:hit++ }; & $f; $hit"
            ),
            "1\n2\n1",
        ),
    ],
)
async def test_1_breakpoints_run_their_actions(shell: PowerShell, script: str, owed: str) -> None:
    said = await run(shell, script)
    await run(
        shell, "Get-PSBreakpoint | Remove-PSBreakpoint; Remove-Variable hit -ErrorAction Ignore"
    )
    assert (said.text.strip(), said.records) == (owed, [])


@pytest.mark.parametrize(
    "stop",
    [
        "Wait-Debugger",
        "Get-Item /nowhere -ErrorAction Break 2>$null",
        "& { $ErrorActionPreference = 'Break'; Get-Item /nowhere 2>$null }",
        "& { $ErrorActionPreference = 'Break'; try { throw 'x' } catch { } }",
        "& { $InformationPreference = 'Break'; Write-Information x 6>$null }",
        (
            "$null = Set-PSBreakpoint -Command Get-Culture; $null = Get-Culture; Get-PSBreakpoint |"
            " Remove-PSBreakpoint"
        ),
    ],
)
async def test_1_what_would_wait_for_a_debugger_goes_on_with_one_warning(
    shell: PowerShell, stop: str
) -> None:
    said = await run(shell, f"'before'\n{stop}\n'after'")
    assert (said.text, said.summary.outcome) == ("before\nafter\n", "completed")
    (warning,) = warnings(said)
    assert re.match(r"A debugger would stop here: line 2\b.*the script continues", warning)
    assert said.summary.warnings == 1


async def test_1_a_breakpoint_of_a_script_is_none_in_the_kernels_own_code(
    shell: PowerShell,
) -> None:
    script = (
        "$null = Set-PSBreakpoint -Command Out-String, Move-Text -Action { $global:hit++ };$null ="
        " Set-PSBreakpoint -Variable text, run, late, one, view, entries -Mode ReadWrite -Action {"
        " $global:hit++ };Get-Item /etc; 'x'; Write-Warning w"
    )
    for options in ({}, {"rich": True}, {"format": "compact"}, {"format": "json"}):
        await run(shell, script, **options)
        said = await run(shell, '"hits: $hit"; Get-PSBreakpoint | Remove-PSBreakpoint')
        assert said.text == "hits: \n"


async def test_1_a_stop_in_a_loop_is_told_once_and_in_its_place(shell: PowerShell) -> None:
    said = await run(shell, "foreach ($i in 1..50) { Wait-Debugger; $i }", rich=True)
    assert len(warnings(said)) == 1
    assert said.text == "".join(f"{number}\n" for number in range(1, 51))


async def test_1_a_script_that_stops_for_a_debugger_all_the_time_can_be_stopped(
    shell: PowerShell,
) -> None:
    script = (
        "$ErrorActionPreference = 'Break'; 'go'; while ($true) { Get-Item /nowhere; Wait-Debugger }"
    )
    pipeline = await shell.start(script)
    await until(pipeline, is_text)
    await stopped(pipeline)
    await run(shell, "$ErrorActionPreference = 'Continue'")


RECEIVE = "| Receive-Job -Wait -AutoRemoveJob"
ELSEWHERE = {
    "-Parallel": "1 | ForEach-Object -Parallel {%s}",
    "-Parallel as a job": f"1 | ForEach-Object -AsJob -Parallel {{%s}} {RECEIVE}",
    "a thread job": f"Start-ThreadJob {{%s}} {RECEIVE}",
    "a job": f"Start-Job {{%s}} {RECEIVE}",
    "-Parallel in a thread job": (
        f"Start-ThreadJob {{ 1 | ForEach-Object -Parallel {{%s}} }} {RECEIVE}"
    ),
    "a runspace of the script's": (
        "$ps = [powershell]::Create().AddScript({%s}); $ps.Invoke();"
        "$ps.Streams.Warning.Message | Write-Warning; $ps.Dispose()"
    ),
}


@pytest.mark.parametrize("rich", [False, True], ids=["program", "person"])
@pytest.mark.parametrize("way", ELSEWHERE)
async def test_1_what_would_wait_for_a_debugger_in_another_runspace_goes_on_too(
    shell: PowerShell, way: str, rich: bool
) -> None:
    block = (
        "'before'\n$WarningPreference = 'Stop'; foreach ($i in 1..3) {\nWait-Debugger\n}\n'after'"
    )
    said = await run(shell, ELSEWHERE[way] % block, rich=rich)
    assert (said.text, said.summary.outcome) == ("before\nafter\n", "completed")
    (warning,) = warnings(said)
    assert re.match(
        r"A debugger would stop here: line 3 \(Wait-Debugger\b.*the script continues", warning
    )


@pytest.mark.parametrize(
    ("script", "prepares"),
    [
        ("Get-MgUser | Select-Object JobTitle", False),
        ("Connect-MgGraph -ErrorAction Break", False),
        ("start-threadjob { 1 }", True),
        ("1 | % -PARALLEL { $_ }", True),
        ("./collect.ps1", True),
    ],
)
@pytest.mark.parametrize("rich", [False, True], ids=["program", "person"])
async def test_1_only_a_script_that_may_start_runspaces_pays_for_the_looking(
    script: str, prepares: bool, rich: bool
) -> None:
    assert ("Watch" in run_commands(script, RunOptions(rich=rich))[-1].parameters) == prepares


async def test_1_a_breakpoint_in_a_job_goes_on_with_a_warning(shell: PowerShell) -> None:
    block = "$null = Set-PSBreakpoint -Command Get-Culture\n$null = Get-Culture; 'after'"
    said = await run(shell, f"Start-Job {{{block}}} {RECEIVE}")
    assert said.text == "after\n"
    (warning,) = warnings(said)
    assert "A debugger would stop here: line 2" in warning


@pytest.mark.parametrize("command", ["Start-ThreadJob", "Start-Job"])
async def test_1_a_job_whose_cell_has_ended_goes_on_where_a_debugger_would_stop(
    shell: PowerShell, command: str
) -> None:
    came = asyncio.Event()

    def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        block = f"Wait-Debugger; [Net.Sockets.TcpClient]::new('127.0.0.1', {port}).Dispose()"
        await run(shell, f"$job = {command} {{ {block} }}")
        async with asyncio.timeout(WAIT_S):
            await came.wait()
    said = await run(shell, "$job | Receive-Job -Wait -AutoRemoveJob")
    assert len(warnings(said)) == 1


async def test_1_a_script_sees_nothing_of_what_looks_for_its_stops(
    powershell_path: Path, tmp_path: Path
) -> None:
    seen = "(Get-ChildItem variable:, function:, alias:).Name"
    block = (
        f"Import-Module Microsoft.PowerShell.Utility; $old = $new = 0; $old = {seen};"
        f" Wait-Debugger; $new = {seen}"
    )
    shell = await PowerShell.open(Launch(powershell_path, home=tmp_path, machine_modules=False))
    try:
        quiet = await run(
            shell,
            "1 | ForEach-Object -Parallel { Start-Sleep -Milliseconds 500 }; (Get-Runspace).Name",
        )
        assert quiet.text == "Runspace1\n"
        said = await run(
            shell,
            f"1 | ForEach-Object -Parallel {{ {block}; Compare-Object $old $new }}; $Error.Count",
        )
        assert said.text == "0\n"
        assert len(warnings(said)) == 1
    finally:
        await shell.close()


async def test_1_a_stop_in_a_runspace_that_no_script_spoke_of_goes_on_from_the_second_run(
    powershell_path: Path, tmp_path: Path
) -> None:
    module = tmp_path / "Quiet"
    module.mkdir()
    (module / "Quiet.psm1").write_text(
        "function Wait-Quiet { 'go'; 1 | ForEach-Object -Parallel { Wait-Debugger } }"
    )
    shell = await PowerShell.open(Launch(powershell_path, home=tmp_path, machine_modules=False))
    try:
        await run(shell, "1")
        said = await run(shell, f"Import-Module '{module}'; Wait-Quiet")
        assert said.text == "go\n"
        assert len(warnings(said)) == 1
    finally:
        await shell.close()


async def test_1_stepping_ends_with_the_run_that_began_it(shell: PowerShell) -> None:
    said, asked = await run_answering(shell, "Set-PSDebug -Step; 'stepped'", 0)
    assert (said.text, len(asked)) == ("stepped\n", 1)
    said = await run(shell, "foreach ($one in 1..3) { $one }")
    assert said.text == "1\n2\n3\n"


async def test_1_what_went_on_in_another_runspace_can_be_stopped(shell: PowerShell) -> None:
    pipeline = await shell.start(
        "1 | ForEach-Object -Parallel { 'go'; Wait-Debugger; Start-Sleep 60 }"
    )
    await until(pipeline, is_text)
    await stopped(pipeline)


async def stopped(pipeline: Pipeline) -> None:
    """Stop a run and see to it that it has stopped."""
    assert await pipeline.stop()
    assert (await collect(pipeline)).summary.outcome == "stopped"


async def test_2_format_data_are_those_of_this_version(shell: PowerShell) -> None:
    said = await run(shell, "(Get-FormatData System.IO.FileInfo).FormatViewDefinition.Name")
    assert said.text.split() == [
        "childrenWithUnixStat",
        "children",
        "childrenWithHardlink",
        "children",
        "children",
    ]


async def test_3_the_profile_has_its_four_places_under_strict_mode_too(shell: PowerShell) -> None:
    script = (
        "Set-StrictMode -Version Latest; $PROFILE -is [string]; $PROFILE -eq"
        " $PROFILE.CurrentUserCurrentHost;$PROFILE.AllUsersAllHosts; $PROFILE.AllUsersCurrentHost;"
        " $PROFILE.CurrentUserAllHosts; $PROFILE; $PSHOME; $HOME;Set-StrictMode -Off"
    )
    *same, all_hosts, all_users, user_hosts, user, place, home = (
        await run(shell, script)
    ).text.splitlines()
    assert same == ["True", "True"]
    assert (all_hosts, all_users) == (
        f"{place}/profile.ps1",
        f"{place}/Microsoft.PowerShell_profile.ps1",
    )
    folder = f"{home}/.config/powershell"
    assert (user_hosts, user) == (
        f"{folder}/profile.ps1",
        f"{folder}/Microsoft.PowerShell_profile.ps1",
    )


async def test_4_powershell_begins_in_the_folder_that_it_was_started_in(
    powershell_path: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "a [b] c"
    folder.mkdir()
    (folder / "here.txt").touch()
    shell = await PowerShell.open(Launch(powershell_path, home=tmp_path / "home", cwd=folder))
    try:
        said = await run(
            shell, "\"$PWD\"; (TabExpansion2 'Get-Item her').CompletionMatches.ListItemText"
        )
        assert said.text.splitlines() == [str(folder), "here.txt"]
    finally:
        await shell.close()


@pytest.mark.parametrize(
    ("script", "owed"),
    [
        ("(Get-Command Write-Progress).CommandType", "Cmdlet"),
        (
            "try { Write-Progress a -PercentComplete 101 } catch { $_.FullyQualifiedErrorId }",
            "ParameterArgumentValidationError,Microsoft.PowerShell.Commands.WriteProgressCommand",
        ),
        ("& { $ProgressPreference = 'Break'; Write-Progress a }; 'on'", "on"),
    ],
)
async def test_5_write_progress_is_the_cmdlet(shell: PowerShell, script: str, owed: str) -> None:
    assert (await run(shell, script)).text.strip() == owed


async def test_6_nothing_is_rendered_plain_that_would_not_be(shell: PowerShell) -> None:
    script = (
        "$PSStyle.OutputRendering;"
        " [powershell]::Create().AddScript('$PSStyle.OutputRendering').Invoke()"
    )
    assert (await run(shell, script)).text.split() == ["Host", "Host"]


async def test_6_text_for_programs_has_no_escapes_of_tables(shell: PowerShell) -> None:
    script = '[pscustomobject]@{ a = "`e[31mred`e[0m" }; [pscustomobject]@{ a = 1 } | Out-String'
    assert "\x1b" not in (await run(shell, script)).text


async def test_7_a_list_in_a_list_ends_after_four_as_in_every_powershell(shell: PowerShell) -> None:
    assert (
        await run(shell, "[pscustomobject]@{ a = 1..10 } | Format-List")
    ).text.strip() == "a : {1, 2, 3, 4…}"
    assert (await run(shell, "[pscustomobject]@{ a = 1..300000 }")).text.count("\n") < 10


async def test_7_the_compact_format_cuts_no_list_and_leaves_the_setting(shell: PowerShell) -> None:
    said = await run(
        shell, '[pscustomobject]@{ a = 1..6 }; "$FormatEnumerationLimit"', format="compact"
    )
    assert said.text.split("\n")[1:3] == ["{1, 2, 3, 4, 5, 6}", "4"]
    chosen = await run(shell, "$FormatEnumerationLimit = 2; [pscustomobject]@{ a = 1..6 }")
    assert "{1, 2…}" in chosen.text
    await run(shell, "$FormatEnumerationLimit = 4")


@pytest.mark.parametrize("noun", ["Json", "Html", "Markdown"])
async def test_8_verbs_are_completed_for_the_nouns_of_our_commands(
    shell: PowerShell, noun: str
) -> None:
    script = (
        'param($Noun) (TabExpansion2 "Get-Command -Noun $Noun -Verb'
        ' ").CompletionMatches.CompletionText'
    )
    pipeline = await shell.start(script, RunOptions({"Noun": noun}))
    verbs = (await collect(pipeline)).text.split()
    assert verbs
    assert set(verbs) <= {"ConvertFrom", "ConvertTo", "Show", "Test"}


async def test_8_our_commands_are_found_with_their_help_and_parameters(shell: PowerShell) -> None:
    script = (
        "(Get-Help Out-Json -Parameter Depth).name; (TabExpansion2 'Out-Json"
        " -Dep').CompletionMatches.CompletionText"
    )
    assert (await run(shell, f"{script}; 1 | Out-Json")).text.split() == ["Depth", "-Depth", "1"]
