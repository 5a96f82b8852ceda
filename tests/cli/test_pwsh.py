"""`pwsh-kernels pwsh` is the sessions' PowerShell: its arguments, its exit code, its modules, a
terminal.
"""

import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from pwsh_kernels.powershell.host.interactive import with_modules
from tests.fixtures.cli import COMMAND, LIMIT, child_command
from tests.fixtures.store import POISON, install, write_module

LISTED = '(Get-Module -ListAvailable Ours, Mine, Stray).ForEach({ "$($_.Name) $($_.Version)" })'


@pytest.fixture
def environment(tmp_path: Path, powershell_path: Path) -> Mapping[str, str]:
    """The environment of somebody with a module in the store, selected in its older version, one
    that nobody has installed, and two of his own.
    """
    for version, says in (("2.0", "newer"), ("1.0", "sessions")):  # the one installed last
        install(tmp_path / "data", "Ours", version, f"function Get-Ours {{ '{says}' }}")
    write_module(tmp_path / "data" / "modules", "Stray", "1.0", POISON)
    own = tmp_path / "home/.local/share/powershell/Modules"
    write_module(own, "Ours", "1.5", "function Get-Ours { 'own' }")
    write_module(own, "Mine", "1.0", "function Get-Mine { 'mine' }")
    ours = {"HOME": str(tmp_path / "home"), "PWSH_MANAGER_DATA_DIR": str(tmp_path / "data")}
    return {**os.environ, **ours, "PWSH_MANAGER_PWSH": str(powershell_path), "TERM": "xterm"}


def run_pwsh(environment: Mapping[str, str], *arguments: str) -> tuple[str, int]:
    """Return what it prints on stdout, and its exit code."""
    with child_command(environment, "pwsh", *arguments) as child:
        text, problem = child.communicate(timeout=LIMIT)
        assert problem == ""
        return text, child.returncode


def test_its_arguments_and_its_exit_code_are_powershells(environment: Mapping[str, str]) -> None:
    script = "Get-Ours; $env:POWERSHELL_TELEMETRY_OPTOUT; $args.Count; exit 7"
    assert run_pwsh(environment, "-NoProfile", "-c", script) == ("sessions\n1\n0\n", 7)


def test_even_help_and_version_are_powershells(environment: Mapping[str, str]) -> None:
    assert run_pwsh(environment, "--version")[0].startswith("PowerShell 7.")
    assert "-NoProfile" in run_pwsh(environment, "--help")[0]


def test_without_a_powershell_it_says_so(environment: Mapping[str, str]) -> None:
    with child_command(
        {**environment, "PWSH_MANAGER_PWSH": "/nowhere/pwsh"}, "pwsh", "-c", "1"
    ) as child:
        text, problem = child.communicate(timeout=LIMIT)
    assert (text, child.returncode) == ("", 1)
    assert problem.startswith("pwsh-kernels: ")
    assert "/nowhere/pwsh" in problem


def test_at_a_terminal_it_is_interactive(environment: Mapping[str, str]) -> None:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    child = subprocess.Popen(
        [COMMAND, "pwsh", "-NoProfile", "-NoLogo"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=dict(environment),
    )
    os.close(theirs)
    try:
        assert "PS " in read_until(ours, "PS ")
        os.write(ours, b"'a' + 'b' + $Host.Name; exit 5\r")
        assert "abConsoleHost" in read_until(ours, "abConsoleHost")
        assert child.wait(LIMIT) == 5
    finally:
        child.kill()
        child.wait(LIMIT)
        os.close(ours)


def read_until(terminal: int, wanted: str) -> str:
    """Return what a terminal shows until a text comes; PowerShell asks it where its cursor is, and
    is told.
    """
    shown, deadline = "", time.monotonic() + LIMIT
    while wanted not in shown:
        assert select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0], shown
        piece = os.read(terminal, 65_536).decode(errors="replace")
        if "\x1b[6n" in piece:
            os.write(terminal, b"\x1b[1;1R")
        shown += piece
    return shown


def test_it_finds_the_selected_versions_only_and_the_machines_behind_them(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    script = f"{LISTED}; $env:PSModulePath.Split(':')[0]; $PID"
    text, _ = run_pwsh(environment, "-NoProfile", "-c", script)
    *found, folder, process = text.splitlines()
    assert found == ["Ours 1.0", "Mine 1.0", "Ours 1.5"]
    assert folder == str(tmp_path / "data" / "shells" / process)
    run_pwsh(environment, "-NoProfile", "-c", "1")
    assert not Path(folder).exists()  # it went with the next one


def test_without_the_machines_modules_it_finds_what_sessions_find(
    environment: Mapping[str, str],
) -> None:
    without = {**environment, "PWSH_MANAGER_MACHINE_MODULES": "false"}
    for script in (LISTED, f"Start-Job {{ {LISTED} }} | Receive-Job -Wait"):
        assert run_pwsh(without, "-NoProfile", "-c", script) == ("Ours 1.0\n", 0)
    assert run_pwsh(without, "-NoProfile", "-c", "Get-Ours; Get-Date -Year 2026 -Format yyyy") == (
        "sessions\n2026\n",
        0,
    )


def test_the_sessions_folder_goes_before_every_other() -> None:
    ours = {"HOME": "/home/adele", "PSModulePath": "/mine:/usr/local/share/powershell/Modules"}
    path = with_modules(ours, Path("/data/modules"), machine=True)["PSModulePath"]
    assert (
        path
        == "/data/modules:/home/adele/.local/share/powershell/Modules:/usr/local/share/powershell/Modules:/mine"  # noqa: E501
    )
    path = with_modules({"XDG_DATA_HOME": "/x"}, Path("/m"), machine=True)["PSModulePath"]
    assert path.startswith("/m:/x/powershell/Modules:")
