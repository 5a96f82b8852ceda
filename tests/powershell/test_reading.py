"""The wall of the read tier alone: what reaches the engine without any classification."""

import tomllib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.powershell import Finished, Launch, PowerShell, Text
from pwsh_kernels.reading import ENGINE, Argument, Call, Carried, Shown, Step
from pwsh_kernels.records import RunOptions
from tests.fixtures.repository import ROOT

SHOWN = Shown("^(?:Get-.*)$", "^(?:Get-Secret)$", "^(?:Invoke-Ask)$", ENGINE)
SERVICE = """
New-Module -Name Service {
    function Get-Box { param([int] $First = 2, [switch] $All) 1..$First | ForEach-Object {
        [pscustomobject] @{ Name = "box$_"; Size = $_ } } }
    function Set-Box { "changed" }
    function Get-Secret { "secret" }
    function Invoke-Ask { param([string] $Method, [string] $Uri, $Body) "$Method $Uri" }
    Set-Alias Get-Harmless Set-Box
    Export-ModuleMember -Function * -Alias *
} | Import-Module
Set-Item function:global:Get-Loose { "loose" }
Set-Alias -Scope Global Get-Also Set-Box
"""
CORPUS = ROOT / "tests" / "classification" / "corpus"
HIDDEN = (
    *("Set-Box", "Service\\Set-Box", "Get-Secret", "Get-Harmless", "Get-Also", "Get-Loose"),
    *("Invoke-Ask", "Get-Process", "Microsoft.PowerShell.Management\\Get-Process", "Get-Content"),
    *("ForEach-Object", "Invoke-Expression", "Import-Module", "Set-Alias", "Set-Variable"),
    *("Start-Process", "Start-ThreadJob", "Get-Command", "Get-Variable", "/bin/ls", "ls", "pwsh"),
    *("Out-Html", "Out-Html.ps1", "prompt", "Set-Item", "New-Object", "Add-Type", "Get-FileHash"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reader(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PowerShell]:
    """Give a PowerShell behind the wall, with a service signed in."""
    home = tmp_path_factory.mktemp("home")
    launch = Launch(powershell_path, home=home, machine_modules=False, shown=SHOWN)
    shell = await PowerShell.open(launch)
    assert (await ended(shell, SERVICE, own=True))[0] == "completed"
    yield shell
    await shell.close()


pytestmark = pytest.mark.asyncio(loop_scope="session")


async def ended(
    shell: PowerShell, text: str, carried: Carried | None = None, *, own: bool = False
) -> tuple[str, str, str]:
    """Run a text and return how it ended, its output, and its terminating error's id."""
    given = carried.to_json() if carried else None
    pipeline = await shell.start(text, RunOptions(carried=given, own=own))
    events = [event async for event in pipeline]
    last = events[-1]
    assert isinstance(last, Finished)
    error = last.summary.terminating_error
    output = "".join(one.text for one in events if isinstance(one, Text))
    return last.summary.outcome, output, error.error_id if error else ""


def call(name: str, *arguments: Any) -> Call:
    """Return a command with arguments: texts that begin with a dash are parameters."""
    given = [
        Argument(name=one) if str(one).startswith("-") else Argument(value=one) for one in arguments
    ]
    return Call("command", name, tuple(given))


def pipeline(*calls: Call) -> Carried:
    """Return one pipeline."""
    return Carried((Step(calls),))


def value(*nodes: Sequence[Any]) -> Call:
    """Return an expression."""
    return Call("expression", "", (Argument(nodes=tuple(nodes)),))


async def test_no_text_of_anybody_runs_whatever_its_class_is(reader: PowerShell) -> None:
    files = [tomllib.loads(file.read_text("utf-8")) for file in sorted(CORPUS.glob("*.toml"))]
    texts = [text for one in files for texts in one.values() for text in texts if text.strip()]
    assert len(texts) > 400
    ran = [text for text in texts if (await ended(reader, text))[0] != "failed"]
    assert ran == []
    assert await ended(reader, "1 + 1") == ("failed", "", "ScriptsNotAllowed")


async def test_commands_that_do_more_than_read_are_not_found_by_any_name(
    reader: PowerShell,
) -> None:
    found = [
        (name, how) for name in HIDDEN if (how := await ended(reader, name, pipeline(call(name))))
        if how[::2] != ("failed", "CommandNotFoundException")
    ]  # fmt: skip
    assert found == []


async def test_what_is_imported_later_is_hidden_too(reader: PowerShell) -> None:
    later = "Import-Module Microsoft.PowerShell.Security; function global:Get-Later { 'later' }"
    assert (await ended(reader, later, own=True))[0] == "completed"
    for name in ("Set-ExecutionPolicy", "Get-ExecutionPolicy", "Get-Later"):
        assert (await ended(reader, name, pipeline(call(name))))[2] == "CommandNotFoundException"


async def test_a_command_that_reads_runs_with_its_parameters(reader: PowerShell) -> None:
    some = pipeline(
        call("Get-Box", "-All", "-First", 3),
        call("Where-Object", "Size", "-GT", 1),
        call("Select-Object", "-ExpandProperty", "Name"),
    )
    assert await ended(reader, "some", some) == ("completed", "box2\nbox3\n", "")


@pytest.mark.parametrize(
    "carried",
    [
        pipeline(call("Get-Date", "-OutVariable", "ErrorActionPreference")),
        pipeline(call("Get-Date", "-OutVariable", "function:Get-Box")),
        pipeline(call("Get-Box"), call("Where-Object", "-FilterScript", "Set-Box")),
        pipeline(value(("constant", "x"), ("call", 0, "Delete"))),
        pipeline(value(("static_call", "io.file", "ReadAllText"))),
        pipeline(value(("constant", "x"), ("property", 0, "PSObject"))),
        pipeline(value(("constant", "x"), ("binary", "; Set-Box;", 0, 0))),
        pipeline(value(("constant", "x"), ("cast", "scriptblock", 0))),
        pipeline(value(("text", "Set-Box"))),
        pipeline(Call("blocks", "Invoke-Command", (Argument(nodes=(("item",), ("block", 0))),))),
        pipeline(Call("blocks", "ForEach-Object", (Argument(nodes=(("constant", "Delete"),)),))),
        pipeline(Call("request", "Set-Box")),
        pipeline(Call("request", "Invoke-Ask", call("x", "-Method", "POST").arguments)),
        pipeline(Call("request", "Invoke-Ask", call("x", "-Body", "all").arguments)),
        pipeline(Call("request", "Invoke-Ask", call("x", "POST").arguments)),
    ],
)
async def test_a_description_that_says_more_than_it_may_fails_in_the_session(
    reader: PowerShell, carried: Carried
) -> None:
    outcome, output, _ = await ended(reader, "more", carried)
    assert outcome == "failed"
    assert "changed" not in output


@pytest.mark.parametrize(
    "text", ["'; Set-Box; '", "\u2018; Set-Box; \u2019", "$(Set-Box)", "`'; Set-Box #", "x' + 'y"]
)
async def test_a_constant_stays_a_constant(reader: PowerShell, text: str) -> None:
    assert await ended(reader, "it", pipeline(value(("constant", text)))) == (
        "completed",
        f"{text}\n",
        "",
    )
    named = pipeline(value(("constant", "x"), ("property", 0, text)))
    assert (await ended(reader, "its", named))[:2] == ("completed", "")


async def test_a_request_with_get_runs(reader: PowerShell) -> None:
    asked = Call("request", "Invoke-Ask", call("x", "-Method", "get", "-Uri", "/me").arguments)
    assert (await ended(reader, "ask", pipeline(asked)))[:2] == ("completed", "get /me\n")


async def test_what_is_held_in_one_run_is_gone_in_the_next(reader: PowerShell) -> None:
    held = Step((value(("constant", "kept")),), "x")
    shown = Step((value(("held", "x")),))
    assert (await ended(reader, "both", Carried((held, shown))))[1] == "kept\n"
    assert (await ended(reader, "later", Carried((shown,))))[1] == ""


async def test_nobody_calls_the_functions_behind_the_wall_by_name(reader: PowerShell) -> None:
    for name in ("PwshKernels.Invoke-Trusted", "pwshkernels.Show-ReadingCommand"):
        with pytest.raises(InvalidRequest):
            await ended(reader, name, pipeline(call(name, "-Script", "Set-Box")))
