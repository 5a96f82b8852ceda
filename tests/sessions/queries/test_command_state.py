"""How a real session resolves commands, whatever was left there: each planting is told of, and
stops what was agreed to before.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from pwsh_kernels.catalog import Catalog
from pwsh_kernels.command_state import CommandState
from pwsh_kernels.errors import CannotPreview, SessionBusy
from pwsh_kernels.sessions.live import LiveSession
from pwsh_kernels.sessions.queries.command_state import oddities, question, state_of
from pwsh_kernels.sessions.queries.dry_run import DryRunner
from pwsh_kernels.sessions.requests import DryRun
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.writer import Writer
from tests.sessions.world import CONTOSO, END_WAIT, World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.pwsh]

EXO = Catalog.load().module("exo")
NAMES = ("Set-Mailbox", "Get-Date", "smb", "Get-EXOMailbox")
VARIABLES = ("who", "password")
RAN = "'ran'"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One server's sessions; contoso.example is signed in."""
    one = await World.begin(tmp_path_factory.mktemp("state"))
    assert (await one.sign_in())["state"] == "signed_in"
    yield one
    await one.end()


@pytest.fixture
def live(world: World) -> LiveSession:
    """The session."""
    found = world.sessions._lifecycle.find(CONTOSO, "exo")
    assert found
    return found


async def told(live: LiveSession) -> CommandState:
    return await state_of(live, NAMES, VARIABLES, wait_s=END_WAIT)


async def run_expecting(live: LiveSession, expected: CommandState, code: str = RAN) -> Run:
    """Run a text on the condition that the session is still as expected."""
    run = live.runs.add(live.key, code)
    asked = question(NAMES, VARIABLES, live.session.module, expected)
    live.submit(run, code, state=asked.to_json())
    assert await run.wait(END_WAIT)
    return run


PLANTS = {
    "function Get-Date { 'planted' }": "Get-Date was a cmdlet",
    "function private:Get-Date { 'planted' }": "Get-Date was a cmdlet",
    "New-Module -Name Microsoft.PowerShell.Utility { function Get-Date { 'x' } } |"
    " Import-Module -Force -DisableNameChecking": "which was made in this session",
    "Set-Alias Get-Date Remove-Mailbox": "an alias of Remove-Mailbox",
    "$PSDefaultParameterValues['Set-Mailbox:ForwardingAddress'] = 'eve'": "'eve'",
    "$ExecutionContext.InvokeCommand.PreCommandLookupAction = {"
    " param($name, $what) if ($name -eq 'x') { 'y' } }": "PreCommandLookupAction is set",
    "$ExecutionContext.InvokeCommand.CommandNotFoundAction = { }": "CommandNotFoundAction is set",
    "$WhatIfPreference = $true": "$WhatIfPreference has another value: True",
    "$who = 'eve'": "$who has another value: 'eve'; before: $null",
    "$password = 'hunter2'": "$password has another value; before, another",
    "$null = Register-EngineEvent planted -Action { 'x' }": "the event handler planted",
    "$null = Set-PSBreakpoint -Command Set-Mailbox -Action { 'x' }": "1 breakpoints",
    "Update-TypeData -TypeName System.Management.Automation.FunctionInfo -MemberName Definition"
    " -MemberType ScriptProperty -Value { 'nice' } -Force": "Types of objects were extended",
    "Set-Location /": "The session's folder was",
    "$env:PSModulePath = '/evil'": "$env:PSModulePath",
}
CLEAN = (
    "Remove-Item function:Get-Date, alias:Get-Date -ErrorAction Ignore;"
    " Get-PSBreakpoint | Remove-PSBreakpoint;"
    " $ExecutionContext.InvokeCommand.PreCommandLookupAction = $null;"
    " $ExecutionContext.InvokeCommand.CommandNotFoundAction = $null;"
    " $PSDefaultParameterValues.Clear(); $WhatIfPreference = $false;"
    " Get-EventSubscriber | Unregister-Event -Force;"
    " Remove-Variable who, password -ErrorAction Ignore;"
    " Get-Module Microsoft.PowerShell.Utility | Where-Object { -not (Test-Path $_.Path) } |"
    " Remove-Module; Remove-TypeData System.Management.Automation.FunctionInfo -ErrorAction Ignore"
)


@pytest.mark.parametrize("plant", PLANTS)
async def test_what_is_planted_before_an_agreed_command_stops_it(
    world: World, live: LiveSession, plant: str
) -> None:
    keep = "$kept = $PWD, $env:PSModulePath"
    assert (await world.run(keep))["success"]
    before = await told(live)
    assert (await world.run(plant))["success"]
    try:
        run = await run_expecting(live, before)
        assert (run.state, run.code) == ("failed", "state_changed")
        assert PLANTS[plant] in run.reason
        assert "ran\n" not in run.log.text(frozenset({"text"}))
        assert "hunter2" not in run.reason
    finally:
        back = "Set-Location $kept[0]; $env:PSModulePath = $kept[1]; "
        assert (await world.run(f"{back}{CLEAN}"))["success"]
    assert (await run_expecting(live, await told(live))).state == "succeeded"


async def test_a_session_in_which_nothing_was_left_has_no_oddities(live: LiveSession) -> None:
    state = await told(live)
    found = state.command("set-mailbox")
    assert found
    assert found.previews
    assert oddities(state, {one: one for one in NAMES}, EXO) == []
    (whole,) = (await state_of(live, [r"Microsoft.PowerShell.Utility\Get-Date"])).commands
    assert (whole.kind, whole.resolved) == ("cmdlet", "Get-Date")


async def test_an_approver_is_told_what_bends_the_commands(world: World, live: LiveSession) -> None:
    plants = (
        "function Get-EXOMailbox { 'x' }; Set-Alias smb Remove-Item;"
        " $PSDefaultParameterValues['*:Force'] = $true; $WhatIfPreference = $true"
    )
    await world.run(plants)
    found = oddities(await told(live), {"smb": "Set-Mailbox"}, EXO)
    await world.run(f"{CLEAN}; Remove-Item alias:smb")
    alias = "an alias of Remove-Item, a cmdlet of Microsoft.PowerShell.Management 7.0.0.0"
    assert found == [
        f"smb is {alias}, and not Set-Mailbox.",
        "Get-EXOMailbox is not the module's: it is a function defined in this session.",
        "$PSDefaultParameterValues sets *:Force = True, whatever the text says.",
        "$WhatIfPreference is set: commands may only say what they would do.",
    ]


async def test_the_state_is_asked_without_waking_what_was_planted(
    world: World, live: LiveSession
) -> None:
    """Neither a hook, nor a function of a command's name, nor an object's own ToString."""
    await world.run(
        "class Trap { [string] ToString() { $global:woken = 1; return 'x' } };"
        " $who = [Trap]::new();"
        " $ExecutionContext.InvokeCommand.PreCommandLookupAction = {"
        " param($name) if ($name -in 'Set-Mailbox', 'Get-Date', 'smb') { $global:woken = $name } };"
        " $global:woken = $null"
    )
    await told(live)
    answer = await world.run("$global:woken")
    await world.run(CLEAN)
    assert answer["result"] == ""


async def test_a_command_that_takes_what_if_and_acts_all_the_same_is_not_previewed(
    live: LiveSession,
) -> None:
    lists = replace(EXO.classes, ignores_what_if=("Set-*",))
    catalog = Catalog({"exo": replace(EXO, classes=lists)}, {})
    writer = Writer("Set-Mailbox", "Set-Mailbox", "exo", {}, "")
    dry = DryRun("", {"Set-Mailbox": "Set-Mailbox"}, (), (writer,), alone=True, kind="write")
    with pytest.raises(CannotPreview, match="acts all the same"):
        await DryRunner(live, catalog, dry).state(END_WAIT)
    assert await DryRunner(live, Catalog.load(), dry).state(END_WAIT)


async def test_an_agreed_command_waits_for_its_turn_and_finds_what_changed_meanwhile(
    world: World, live: LiveSession
) -> None:
    before = await told(live)
    slow = await world.begin_run("Start-Sleep 0.5; function Get-Date { 'planted' }")
    run = await run_expecting(live, before)
    await world.ended(slow)
    await world.run(CLEAN)
    assert (run.state, run.code) == ("failed", "state_changed")


async def test_a_busy_session_is_waited_for_only_so_long(world: World, live: LiveSession) -> None:
    slow = await world.begin_run("Start-Sleep 60")
    with pytest.raises(SessionBusy):
        await state_of(live, NAMES, wait_s=0.2)
    await world.sessions.cancel(slow)
    await world.ended(slow)


async def test_what_was_approved_runs_in_its_unchanged_session(live: LiveSession) -> None:
    before = await told(live)
    run = await run_expecting(live, before, "'it'")
    assert run.log.text(frozenset({"text"})) == "it\n"
    other = await run_expecting(live, replace(before, breakpoints=7), "'it'")
    assert (other.code, other.log.text(frozenset({"text"}))) == ("state_changed", "")
