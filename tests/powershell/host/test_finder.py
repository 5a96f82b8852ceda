"""PowerShell is found in named places, in order, and an unfit one is explained."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pwsh_kernels.errors import PowerShellNotFound, PowerShellTooOld
from pwsh_kernels.powershell import find_powershell
from pwsh_kernels.powershell.host.finder import Place, choose, is_new_enough, places, read_version

MakeProgram = Callable[[str, str], Path]


@pytest.fixture
def make_program(tmp_path: Path) -> MakeProgram:
    """Returns how to make a program that answers --version."""

    def make(name: str, answer: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\necho x >> {path}.asked\necho '{answer}'\n")
        path.chmod(0o755)
        return path

    return make


def test_the_places_are_asked_in_the_documented_order() -> None:
    names = [
        place.name
        for place in places("/opt/pwsh", {"powershell_command": "pwsh-preview", "PATH": ""})
    ]
    assert names == [
        "PWSH_MANAGER_PWSH=/opt/pwsh",
        "powershell_command=pwsh-preview",
        "pwsh on PATH",
        "the powershell_engine package",
    ]


async def test_the_setting_comes_before_everything_else(make_program: MakeProgram) -> None:
    named, other = (
        make_program("named", "PowerShell 7.5.1"),
        make_program("bin/pwsh", "PowerShell 7.6.0"),
    )
    found = await find_powershell(
        str(named), {"PATH": str(other.parent), "powershell_command": str(other)}
    )
    assert (found.path, found.version, found.place) == (
        named,
        "7.5.1",
        f"PWSH_MANAGER_PWSH={named}",
    )


async def test_powershell_kernels_variable_comes_before_path(make_program: MakeProgram) -> None:
    named, other = (
        make_program("bin/other-pwsh", "PowerShell 7.5.1"),
        make_program("bin/pwsh", "PowerShell 7.6.0"),
    )
    found = await find_powershell(
        "", {"PATH": str(other.parent), "powershell_command": "other-pwsh"}
    )
    assert found.path == named
    assert (await find_powershell("", {"PATH": str(other.parent)})).path == other


async def test_the_embedded_engine_is_the_default(powershell_path: Path) -> None:
    pytest.importorskip("powershell_engine")
    found = await find_powershell("", {"PATH": "/nowhere"})
    assert found.place == "the powershell_engine package"
    # The package was believed; its program says the same.
    assert found.version == read_version(found.path, found.path.stat().st_mtime_ns)


async def test_a_setting_that_names_nothing_is_an_error_and_no_other_is_taken(
    make_program: MakeProgram,
) -> None:
    other = make_program("bin/pwsh", "PowerShell 7.6.0")
    with pytest.raises(PowerShellNotFound, match="/nowhere/pwsh"):
        await find_powershell("/nowhere/pwsh", {"PATH": str(other.parent)})


async def test_an_old_one_is_named_with_its_version(make_program: MakeProgram) -> None:
    old = make_program("old", "PowerShell 7.2.0")
    with pytest.raises(PowerShellTooOld) as raised:
        await find_powershell(str(old), {})
    assert (raised.value.path, raised.value.version) == (str(old), "7.2.0")
    assert "7.4 or newer" in str(raised.value)


async def test_a_program_that_is_no_powershell_is_not_taken(make_program: MakeProgram) -> None:
    with pytest.raises(PowerShellTooOld, match="unknown"):
        await find_powershell(str(make_program("other", "hello")), {})


def test_an_old_one_on_path_does_not_hide_a_good_one_behind_it(make_program: MakeProgram) -> None:
    old, good = (
        make_program("old", "PowerShell 7.2.0"),
        make_program("good", "PowerShell 7.4.0-preview.1"),
    )
    assert choose([Place("a", lambda: old), Place("b", lambda: good)]).path == good


def test_nothing_found_tells_where_it_looked() -> None:
    with pytest.raises(PowerShellNotFound, match="here; there"):
        choose([Place("here", lambda: None), Place("there", lambda: None)])


async def test_a_version_is_asked_once(make_program: MakeProgram) -> None:
    program = make_program("pwsh", "PowerShell 7.6.0")
    for _ in range(3):
        await find_powershell(str(program), {})
    asked = program.with_name("pwsh.asked").read_text()
    assert asked.count("x") == 1


@pytest.mark.parametrize(
    ("version", "good"),
    [("7.4.0", True), ("7.10.1", True), ("8.0.0", True), ("7.3.9", False), ("", False)],
)
def test_versions_compare_as_numbers(version: str, good: bool) -> None:
    assert is_new_enough(version) is good
