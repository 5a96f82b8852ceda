"""What PowerShell finds: the folders that a launch names, and what is installed on the machine only
where that is wanted.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pwsh_kernels.powershell import Launch, PowerShell
from pwsh_kernels.powershell.host.launch import child_environment
from pwsh_kernels.powershell.host.module_path import module_path
from tests.fixtures.powershell import run
from tests.fixtures.store import POISON, write_module

NAME = "Contoso.Crm"
LISTED = "(Get-Module -ListAvailable Contoso.Crm).Version.ForEach('ToString') -join ' '"
IN_A_JOB = f"Start-Job {{ {LISTED} }} | Receive-Job -Wait"
IN_A_CHILD = f"& (Get-Process -Id $PID).Path -NoProfile -Command {{ {LISTED} }}"


@pytest.fixture
def poisoned(powershell_path: Path, tmp_path: Path) -> Launch:
    """A launch on a machine that has a newer module everywhere: inherited, in HOME, and where its
    settings look.
    """
    home = tmp_path / "home"
    settings = home / ".config" / "powershell" / "powershell.config.json"
    settings.parent.mkdir(parents=True)
    configured = write_module(tmp_path / "configured", NAME, "9.9.7", POISON)
    settings.write_text(json.dumps({"PSModulePath": str(configured)}), encoding="utf-8")
    write_module(home / ".local" / "share" / "powershell" / "Modules", NAME, "9.9.8", POISON)
    inherited = write_module(tmp_path / "inherited", NAME, "9.9.9", POISON)
    first = write_module(
        tmp_path / "first", NAME, "1.0", "function Get-Crm { 'the first folder' }\n"
    )
    return Launch(
        powershell_path,
        home=home,
        environment={"PSModulePath": str(inherited)},
        module_path=str(first),
    )


async def said(launch: Launch, *scripts: str) -> list[str]:
    """Return what each script answers in one PowerShell."""
    shell = await PowerShell.open(launch)
    try:
        return [(await run(shell, script)).text.strip() for script in scripts]
    finally:
        await shell.close()


async def test_without_the_machines_modules_nothing_else_is_found_nor_by_a_program_or_job_that_is_started(  # noqa: E501
    poisoned: Launch,
) -> None:
    alone = replace(poisoned, machine_modules=False)
    own = "(Get-Module -ListAvailable Microsoft.PowerShell.ThreadJob).Count"
    assert await said(alone, LISTED, "Get-Crm", IN_A_JOB, IN_A_CHILD, own) == [
        "1.0",
        "the first folder",
        "1.0",
        "1.0",
        "1",
    ]


async def test_the_closed_path_that_powershell_is_started_with_is_the_one_it_keeps(
    powershell_path: Path, tmp_path: Path
) -> None:
    alone = Launch(
        powershell_path,
        tmp_path / "home",
        module_path=str(tmp_path / "first"),
        machine_modules=False,
    )
    given = child_environment(alone, {})["PSModulePath"]
    first, own, *usual = given.split(":")
    assert (first, Path(own).name, [one.isupper() for one in usual]) == (
        str(tmp_path / "first"),
        "Modules",
        [True, True],
    )
    assert await said(alone, "$env:PSModulePath") == [given]


async def test_the_machines_modules_come_behind_the_folders_that_are_named_first(
    poisoned: Launch,
) -> None:
    assert await said(poisoned, LISTED, "Get-Crm", IN_A_JOB) == [
        "1.0 9.9.7 9.9.9",
        "the first folder",
        "1.0 9.9.7 9.9.9",
    ]


def test_powershell_is_left_to_itself_where_nothing_is_asked() -> None:
    assert module_path(Launch(Path("pwsh"))) is None
