"""A text with a path runs as PowerShell runs a file, and `#Requires` holds wherever it stands
(decision 0003).
"""

import pytest

from pwsh_kernels.powershell import PowerShell
from tests.fixtures.powershell import run

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILE = "/nowhere/in it's/param.ps1"
FACTS = (
    "param([string]$Name = 'd', [int]$Count)\n"
    '"$Name|$($Count + 1)|$PSScriptRoot|$PSCommandPath|$($MyInvocation.MyCommand.Name)"\n'
)


async def test_a_file_has_its_path_its_parameters_and_its_exit_code(shell: PowerShell) -> None:
    said = await run(shell, FACTS + "exit 6", file=FILE, parameters={"Name": "x y", "Count": "41"})
    assert said.text == f"x y|42|/nowhere/in it's|{FILE}|param.ps1\n"
    assert (said.summary.exit_code, said.summary.exit_called) == (6, True)
    assert (await run(shell, FACTS, file=FILE)).text.startswith("d|1|")


async def test_an_exit_in_the_middle_ends_a_file_and_the_next_run_is_whole(
    shell: PowerShell,
) -> None:
    said = await run(shell, "'a'; & { exit 3 }; 'b'", file=FILE)
    assert (said.text, said.summary.exit_code) == ("a\n", 3)
    assert (await run(shell, "'c'")).text == "c\n"


async def test_the_exit_code_of_a_program_is_none_of_its_file(shell: PowerShell) -> None:
    said = await run(shell, "/bin/sh -c 'exit 9'; $LASTEXITCODE", file=FILE)
    assert (said.text, said.summary.exit_code, said.summary.had_errors) == ("9\n", None, False)


async def test_what_a_file_defines_ends_with_it(shell: PowerShell) -> None:
    await run(shell, "$left = 1; $script:left = 2; function Get-Left { 3 }", file=FILE)
    said = await run(shell, '"[$left]"; Test-Path function:Get-Left')
    assert said.text == "[]\nFalse\n"


async def test_an_error_in_a_file_names_the_file_and_the_line(shell: PowerShell) -> None:
    said = await run(shell, "'a'\n\nthrow 'no'", file=FILE)
    assert (said.text, said.error.message, said.error.line) == ("a\n", "no", 3)
    assert said.error.position.startswith(f"At {FILE}:3 char:1")


async def test_a_file_that_does_not_parse_runs_nothing(shell: PowerShell) -> None:
    said = await run(shell, "'a'\nif (", file=FILE)
    assert (said.text, said.summary.had_errors) == ("", True)


async def test_an_unknown_parameter_of_a_file_is_an_error(shell: PowerShell) -> None:
    said = await run(shell, FACTS, file=FILE, parameters={"Nobody": 1})
    assert (said.text, said.error.error_id) == ("", "NamedParameterNotFound")


@pytest.mark.parametrize("file", ["", FILE])
@pytest.mark.parametrize(
    ("requirement", "error_id", "said_of_it"),
    [
        ("#Requires -Modules NoSuchModuleX", "ScriptRequiresMissingModules", "NoSuchModuleX"),
        ("#requires -version 99", "ScriptRequiresUnmatchedPSVersion", "PowerShell 99.0"),
        ("'x'\n  #Requires -PSEdition Desktop", "ScriptRequiresUnmatchedPSEdition", "Desktop"),
    ],
)
async def test_a_requirement_that_is_not_met_is_refused_with_its_reason(
    shell: PowerShell, file: str, requirement: str, error_id: str, said_of_it: str
) -> None:
    said = await run(shell, f"{requirement}\n'ran anyway'", file=file)
    assert (said.text, said.summary.outcome) == ("", "failed")
    assert said.error.error_id == error_id
    assert said_of_it in said.error.message
    assert f"The script '{'param.ps1' if file else 'command'}' cannot be run" in said.error.message


@pytest.mark.parametrize("file", ["", FILE])
async def test_a_required_module_is_there_for_the_session(shell: PowerShell, file: str) -> None:
    await run(shell, "Remove-Module Microsoft.PowerShell.Archive -ErrorAction Ignore")
    text = (
        "#Requires -Version 5.1 -Modules Microsoft.PowerShell.Archive\n(Get-Module *Archive).Name"
    )
    assert (await run(shell, text, file=file)).text == "Microsoft.PowerShell.Archive\n"
    assert (await run(shell, "(Get-Module *Archive).Name")).text == "Microsoft.PowerShell.Archive\n"


async def test_a_requirement_in_a_string_is_none(shell: PowerShell) -> None:
    said = await run(shell, "'\n#Requires -Version 99\n'.Trim()")
    assert (said.text, said.summary.outcome) == ("#Requires -Version 99\n", "completed")


async def test_after_a_file_an_object_that_cannot_be_shown_still_ends_no_run(
    shell: PowerShell,
) -> None:
    await run(shell, "'a'", file=FILE)
    said = await run(
        shell, "class Mute { [string] ToString() { throw 'mute' } }; 1; [Mute]::new(); 2"
    )
    assert (said.summary.outcome, said.text) == ("completed", "1\n2\n")
