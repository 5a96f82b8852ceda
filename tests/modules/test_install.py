"""`pwsh-kernels modules` with the engine: from a folder of packages to versions side by side, and
to another machine.
"""

import json
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from pwsh_kernels.modules.lock import LockedModule, lock_text, read_lock
from tests.modules.machine import Machine, pack, repository, served

pytestmark = [pytest.mark.slow, pytest.mark.pwsh]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module in two versions, each with its own version of what it needs."""
    folder = tmp_path_factory.mktemp("packages")
    for version in ("1.0.0", "2.0.0"):
        pack(folder, "Contoso.Core", version)
        pack(folder, "Contoso.Mail", version, needs={"Contoso.Core": version})
    return folder


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, packages: Path) -> Machine:
    """A machine on which the older version was installed; its tests follow one another."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    done = machine.modules("install", "Contoso.Mail", "--version", "1.0.0", "--from", str(packages))
    assert done.code == 0, done.err
    assert done.err.splitlines() == [
        f"Looking for Contoso.Mail in {packages}",
        f"Looking for Contoso.Core in {packages}",
        f"Fetching Contoso.Mail 1.0.0 (1 of 2) from {packages}",
        f"Fetching Contoso.Core 1.0.0 (2 of 2) from {packages}",
        "Checking that PowerShell can import Contoso.Mail 1.0.0",
        "Checking that PowerShell can import Contoso.Core 1.0.0",
    ]
    assert done.out.splitlines() == [
        f"{name} 1.0.0 is in {machine.data / 'modules' / name / '1.0.0'}"
        for name in ("Contoso.Mail", "Contoso.Core")
    ]
    return machine


def test_a_module_is_installed_with_what_it_needs_and_noted_with_its_hash(
    machine: Machine, packages: Path
) -> None:
    mail = machine.store.selected()["Contoso.Mail"]
    assert (mail.version, mail.source, mail.dependencies, mail.requested) == (
        "1.0.0",
        str(packages),
        ("Contoso.Core",),
        True,
    )
    assert not machine.store.selected()["Contoso.Core"].requested
    assert machine.files() == [
        *("modules.lock.toml",),
        *(
            f"modules/{name}/{file}"
            for name in ("Contoso.Core", "Contoso.Mail")
            for file in (
                "1.0.0.sha256",
                f"1.0.0/{name}.psd1",
                f"1.0.0/{name}.psm1",
                "1.0.0/en-US/about.txt",
            )
        ),
    ]
    assert stat.S_IMODE(machine.data.joinpath("modules").stat().st_mode) == 0o700


def test_the_hash_can_be_computed_with_the_tools_of_any_machine(machine: Machine) -> None:
    mail = machine.store.selected()["Contoso.Mail"]
    folder = machine.store.folder(mail.name, mail.version)
    assert (
        subprocess.run(
            ["sha256sum", "--quiet", "--check", "../1.0.0.sha256"], cwd=folder, check=True
        ).returncode
        == 0
    )
    script = "find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum"
    answer = subprocess.run(
        ["sh", "-c", script], cwd=folder, check=True, capture_output=True, text=True
    ).stdout
    assert answer.split()[0] == mail.sha256


def test_what_is_installed_is_read_only(machine: Machine) -> None:
    places = list(machine.store.folder("Contoso.Mail", "1.0.0").rglob("*"))
    assert {stat.S_IMODE(one.stat().st_mode) for one in places if one.is_file()} == {0o444}
    assert {stat.S_IMODE(one.stat().st_mode) for one in places if one.is_dir()} == {0o555}
    assert stat.S_IMODE(machine.store.folder("Contoso.Mail", "1.0.0").stat().st_mode) == 0o555


def test_nothing_of_the_user_s_own_powershell_is_touched(machine: Machine) -> None:
    assert not list(machine.home.rglob("PSResource*"))


def test_an_update_leaves_the_old_versions_and_one_can_go_back_to_them_without_a_source(
    machine: Machine, packages: Path, tmp_path: Path
) -> None:
    done = machine.modules("update")
    assert (done.code, done.err.splitlines()[-2:-1]) == (
        0,
        ["Checking that PowerShell can import Contoso.Mail 2.0.0"],
    )
    assert machine.versions() == [
        "Contoso.Core 1.0.0",
        "Contoso.Core 2.0.0*",
        "Contoso.Mail 1.0.0",
        "Contoso.Mail 2.0.0*",
    ]
    again = machine.modules("update", "Contoso.Mail")
    assert (again.out, again.err.splitlines()[-1]) == ("", "Everything is up to date.")
    pack(tmp_path, "Contoso.Mail", "1.5.0")
    older = machine.modules("update", "Contoso.Mail", "--from", str(tmp_path))
    assert older.err.endswith(
        f"{tmp_path} has no version [2.0.0, ) of Contoso.Mail. It has 1.5.0. Name one of them with"
        " --version.\n"
    )
    back = machine.modules("install", "Contoso.Mail", "--version", "1.0.0", "--from", "Nowhere")
    assert (back.code, back.err) == (0, "")
    assert machine.versions() == [
        "Contoso.Core 1.0.0*",
        "Contoso.Core 2.0.0",
        "Contoso.Mail 1.0.0*",
        "Contoso.Mail 2.0.0",
    ]


def test_another_machine_gets_exactly_that_from_the_lock_file_without_a_network(
    machine: Machine, packages: Path, tmp_path: Path
) -> None:
    other = Machine(tmp_path)
    copied = shutil.copy(machine.data / "modules.lock.toml", tmp_path / "copied.toml")
    done = other.modules("install", "--locked", "--lock", str(copied), "--from", str(packages))
    assert done.code == 0, done.err
    assert f"Fetching Contoso.Core 1.0.0 (1 of {len(machine.versions())})" in done.err
    assert (other.data / "modules.lock.toml").read_bytes() == (
        machine.data / "modules.lock.toml"
    ).read_bytes()
    assert other.files() == machine.files()
    again = other.modules("install", "--locked")
    assert (again.code, again.err) == (0, "")


def test_a_package_with_another_hash_than_the_lock_file_s_is_refused_and_nothing_installed(
    machine: Machine, packages: Path, tmp_path: Path
) -> None:
    tampered = tmp_path / "tampered"
    shutil.copytree(packages, tampered)
    pack(
        tampered,
        "Contoso.Mail",
        "1.0.0",
        needs={"Contoso.Core": "1.0.0"},
        script="'something else'\n",
    )
    other = Machine(tmp_path / "other")
    other.data.mkdir(parents=True)
    shutil.copy(machine.data / "modules.lock.toml", other.data)
    done = other.modules("install", "--locked", "--from", str(tampered))
    expected = next(
        one.sha256
        for one in read_lock(machine.data / "modules.lock.toml")
        if one.name == "Contoso.Mail"
    )
    assert done.err.splitlines()[-1].startswith(
        f"pwsh-kernels: Contoso.Mail 1.0.0 from {tampered} is not what the lock file names: its"
        " SHA-256 is "
    )
    assert f"not {expected}. Nothing was installed." in done.err
    assert (done.code, done.out, other.files()) == (1, "", ["modules.lock.toml"])


def test_a_service_s_key_brings_a_version_that_the_catalog_does_not_call_bad(
    tmp_path: Path,
) -> None:
    machine, folder = Machine(tmp_path), tmp_path / "packages"
    pack(folder, "PnP.PowerShell", "3.1.0")
    refused = machine.modules("install", "pnp", "--from", str(folder))
    assert (refused.code, machine.files()) == (1, [])
    assert (
        refused.err.splitlines()[-1]
        == "pwsh-kernels: PnP.PowerShell 3.1.0 is not installed: its sign-in by device code wants a"
        " browser and a clipboard on the server. Name another version with --version (the oldest"
        " that works is 3.1.0), or use --force."
    )
    pack(folder, "PnP.PowerShell", "3.1.379", label="nightly")
    assert machine.modules("install", "pnp", "--from", str(folder)).code == 0
    assert machine.versions() == ["PnP.PowerShell 3.1.379-nightly*"]
    listed = json.loads(machine.modules("list", "--json").out)[0]
    assert (listed["serves"], listed["version"], listed["problem"]) == (
        ["pnp"],
        "3.1.379-nightly",
        "",
    )


def test_a_repository_of_the_user_s_settings_is_used_and_the_settings_stay(
    packages: Path, tmp_path: Path
) -> None:
    machine = Machine(tmp_path)
    with served(repository(packages / "Contoso.Core.2.0.0.nupkg")) as address:
        machine.register("Company", address.replace("//", "//somebody:canary@"))
        before = machine.repositories.read_bytes()
        done = machine.modules("install", "Contoso.Core", "--from", "Company")
    assert done.code == 0, done.err
    core = machine.store.selected()["Contoso.Core"]
    assert (core.source, core.address, core.requested) == ("Company", address, True)
    assert machine.repositories.read_bytes() == before
    assert "canary" not in done.out + done.err


def test_a_lock_file_s_repository_that_is_not_known_here_is_told_with_its_address(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path)
    known = LockedModule(
        "Contoso.Core",
        "2.0.0",
        source="Company",
        sha256="0" * 64,
        address="https://packages.example/v3",
    )
    machine.data.mkdir(parents=True)
    (machine.data / "modules.lock.toml").write_text(lock_text([known]), encoding="utf-8")
    done = machine.modules("install", "--locked")
    assert (done.code, machine.files()) == (1, ["modules.lock.toml"])
    assert (
        "`Register-PSResourceRepository -Name Company -Uri https://packages.example/v3`" in done.err
    )
    (machine.data / "modules.lock.toml").write_text("", encoding="utf-8")
    assert (
        "names no module. Copy the modules.lock.toml of another server there"
        in machine.modules("install", "--locked").err
    )
