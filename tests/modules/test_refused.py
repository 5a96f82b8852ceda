"""Installations that cannot be: each says what happened and what to do, and leaves
nothing behind.
"""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from pwsh_kernels.modules.changes import changing
from tests.fixtures.cli import COMMAND, LIMIT
from tests.modules.machine import Done, Machine, pack, repository, served

pytestmark = [pytest.mark.slow, pytest.mark.pwsh]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without any module."""
    return Machine(tmp_path)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one module."""
    folder = tmp_path_factory.mktemp("packages")
    pack(folder, "Contoso.Mail", "1.0.0")
    pack(folder, "Contoso.Mail", "1.1.0")
    return folder


def refused(machine: Machine, *arguments: str) -> str:
    """Return why an installation was refused; nothing is installed then."""
    done = machine.modules("install", *arguments)
    assert (done.code, done.out, machine.files()) == (1, "", []), done
    return last_line(done)


def last_line(done: Done) -> str:
    return done.err.splitlines()[-1].removeprefix("pwsh-kernels: ")


@pytest.mark.sweep
def test_half_a_package_is_refused(machine: Machine, packages: Path, tmp_path: Path) -> None:
    folder = tmp_path / "packages"
    shutil.copytree(packages, folder)
    package = folder / "Contoso.Mail.1.1.0.nupkg"
    package.write_bytes(package.read_bytes()[: package.stat().st_size // 2])
    reason = refused(machine, "Contoso.Mail", "--version", "1.1.0", "--from", str(folder))
    assert reason.startswith(f"The package of Contoso.Mail from {folder} is broken or incomplete (")
    assert reason.endswith(
        "Nothing was installed. Try again; if it is from a folder, copy the .nupkg file again."
    )


def test_half_a_download_is_refused(machine: Machine, packages: Path) -> None:
    with served(repository(packages / "Contoso.Mail.1.1.0.nupkg"), cut=True) as address:
        machine.register("Company", address)
        reason = refused(machine, "Contoso.Mail", "--from", "Company")
    assert reason.startswith("The package of Contoso.Mail from Company is broken or incomplete (")


def test_a_mistyped_name_is_told_the_nearest_ones(machine: Machine, packages: Path) -> None:
    assert (
        refused(machine, "Contoso.Mial", "--from", str(packages))  # codespell:ignore
        == f"{packages} has no PowerShell module Contoso.Mial. Did you mean"  # codespell:ignore
        " Contoso.Mail? Check the name, or name another source with --from."
    )


@pytest.mark.sweep
def test_a_version_that_does_not_exist_is_told_those_that_do(
    machine: Machine, packages: Path
) -> None:
    assert (
        refused(machine, "Contoso.Mail", "--version", "[7.0, )", "--from", str(packages))
        == f"{packages} has no version [7.0, ) of Contoso.Mail. It has 1.1.0, 1.0.0. Name one of"
        " them with --version."
    )


def test_without_a_network_the_host_and_the_proxy_settings_are_named(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"NO_PROXY": "127.0.0.1"})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and it does not listen
        machine.register("Company", f"http://127.0.0.1:{taken.getsockname()[1]}/v3/index.json")
        reason = refused(machine, "Contoso.Mail", "--from", "company")
    assert reason.startswith(
        "The repository company cannot be reached: 127.0.0.1 (Connection refused"
    )
    assert reason.endswith(
        "Behind a proxy set HTTPS_PROXY or HTTP_PROXY, with NO_PROXY for hosts of your own (set:"
        " NO_PROXY); without a network install from a folder of .nupkg files: --from FOLDER."
    )


@pytest.mark.sweep
def test_a_repository_that_wants_credentials_says_so(machine: Machine) -> None:
    with served({"": 401}) as address:
        machine.register("Company", address)
        reason = refused(machine, "Contoso.Mail", "--from", "Company")
    assert (
        reason
        == "The repository Company (127.0.0.1) requires credentials, or refuses those that it got."
        " Set them in PowerShell: `Set-PSResourceRepository -Name Company -CredentialInfo …`"
        " (a secret of a SecretManagement vault), or install from a folder of .nupkg files:"
        " --from FOLDER."
    )


@pytest.mark.sweep
def test_a_repository_that_nobody_has_registered_is_told_those_there_are(machine: Machine) -> None:
    assert refused(machine, "Contoso.Mail", "--from", "Company").startswith(
        "Company is neither a folder nor a repository that PowerShell knows (PSGallery). Register"
        " it in PowerShell: `Register-PSResourceRepository -Name Company -Uri ADDRESS`"
    )


def test_a_module_that_powershell_cannot_import_is_not_installed(
    machine: Machine, tmp_path: Path
) -> None:
    folder = tmp_path / "packages"
    pack(folder, "Contoso.Broken", "1.0.0", script="throw 'it needs another machine'\n")
    assert (
        refused(machine, "Contoso.Broken", "--from", str(folder))
        == "PowerShell cannot import Contoso.Broken 1.0.0 here: it needs another machine. Nothing"
        " was installed; another version may work (--version)."
    )


def test_a_full_disk_is_said_and_leaves_nothing(
    machine: Machine, packages: Path, tmp_path: Path
) -> None:
    """On a file system of 64 KB, in name spaces of the command's own."""
    big = tmp_path / "packages"
    pack(
        big,
        "Contoso.Big",
        "1.0.0",
        script="# " + "".join(chr(33 + one * 7 % 89) for one in range(200_000)),
    )
    machine.data.mkdir()
    install = '"$2" modules install Contoso.Big --from "$3"'
    script = f'mount -t tmpfs -o size=64k none "$1" && {install}; echo "left:"; find "$1" -type f'
    arguments = ["sh", "-c", script, "sh", str(machine.data), COMMAND, str(big)]
    can = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "true"],
        check=False,
        capture_output=True,
    )
    if can.returncode:
        pytest.skip(
            "this machine allows no name spaces of one's own, so that no small file system can be"
            " made"
        )
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", *arguments],
        env=machine.environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    reason = done.stderr.splitlines()[-1]
    assert reason.startswith(
        f"pwsh-kernels: There is no space left on the disk of {machine.data}/modules"
    ), done.stderr
    assert "Nothing was installed. Make room" in reason
    assert done.stdout.splitlines() == ["left:", f"{machine.data}/modules/.lock"]


def test_without_an_engine_the_ways_to_one_are_named(tmp_path: Path, packages: Path) -> None:
    machine = Machine(tmp_path, {"PWSH_MANAGER_PWSH": "/nowhere/pwsh"})
    assert refused(machine, "Contoso.Mail", "--from", str(packages)).startswith(
        "No PowerShell was found (looked in: PWSH_MANAGER_PWSH=/nowhere/pwsh; pwsh on PATH;"
    )


def test_two_commands_do_not_change_the_modules_at_the_same_time(machine: Machine) -> None:
    with changing(machine.store):
        reason = refused(machine, "Contoso.Mail", "--from", "Nowhere")
    assert reason.startswith(
        f"Another `pwsh-kernels modules` command is changing {machine.data / 'modules'}."
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), "modules install needs the modules to install, or --locked (with --lock FILE) alone"),
        (
            ("exo", "--locked"),
            "modules install needs the modules to install, or --locked (with --lock FILE) alone",
        ),
        (
            ("exo", "--version", "three"),
            "version 'three' is not a version such as 3.2.0 or 3.2.0-beta1",
        ),
        (
            ("exo", "--from", "https://a.example/v3"),
            "--from must be a folder or a name: Register-PSResourceRepository gives",
        ),
        (("exo", "--from", "./no/folder"), "--from: there is no folder ./no/folder"),
        (("spo",), "spo is not supported:"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_runs(
    machine: Machine, arguments: tuple[str, ...], error: str
) -> None:
    done = machine.modules("install", *arguments)
    assert done.err.startswith(f"pwsh-kernels: {error}")
    assert (done.code, done.out, machine.files()) == (2, "", [])
