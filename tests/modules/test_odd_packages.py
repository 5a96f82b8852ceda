"""Packages as strangers build them: odd names, files, dependencies, and what they do when they are
imported.
"""

import zipfile
from pathlib import Path

import pytest

from pwsh_kernels.modules.checksums import list_text, read_list, unlistable
from pwsh_kernels.modules.lock import LockedModule, unwritable
from tests.modules.machine import Done, Machine, pack, store_module

pytestmark = [pytest.mark.slow, pytest.mark.pwsh]

NOISY = """[Console]::WriteLine('noise')
[Console]::Error.WriteLine('noise')
Start-Process /bin/echo -ArgumentList '{"answer": []}' -NoNewWindow -Wait
if ($null -ne [Console]::In.ReadLine()) { throw 'somebody answered' }
function Get-Noise { 'noise' }
"""
ENDS = "[Console]::WriteLine('last words')\n[Environment]::Exit(3)\n"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with odd packages, some of which the package manager takes for others."""
    folder = tmp_path_factory.mktemp("packages")
    pack(folder, "Tool", "1.0.0")
    pack(folder, "My.Tool", "2.0.0")
    pack(folder, "NativeTool", "3.0.0")
    pack(folder, "Contoso.Noise", "1.0.0", script=NOISY)
    pack(folder, "Contoso.Ends", "1.0.0", script=ENDS)
    pack(folder, "Contoso.Own", "1.0.0", needs={"Microsoft.PowerShell.Utility": "7.0.0.0"})
    pack(folder, "Microsoft.PowerShell.Utility", "9.0.0")
    pack(folder, "Contoso.Odd", "1.0.0", needs={"Ünï": "1.0.0"})
    pack(folder, "Ünï", "1.0.0")
    with zipfile.ZipFile(pack(folder, "Contoso.Lines", "1.0.0"), "a") as archive:
        archive.writestr("nl\nname.txt", "a file\n")
    return folder


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without any module."""
    return Machine(tmp_path)


def refused(done: Done, machine: Machine) -> str:
    """Return why an installation was refused; nothing is installed then, and all can be listed."""
    assert (done.out, machine.files(), machine.modules("list").code) == ("", [], 0), done
    assert done.code != 0
    return done.err.splitlines()[-1].removeprefix("pwsh-kernels: ")


def test_a_module_may_print_and_read_when_it_is_imported(machine: Machine, packages: Path) -> None:
    done = machine.modules("install", "Contoso.Noise", "--from", str(packages))
    assert done.code == 0, done.err
    assert machine.versions() == ["Contoso.Noise 1.0.0*"]


def test_a_module_that_ends_powershell_is_named_with_what_it_printed(
    machine: Machine, packages: Path
) -> None:
    done = machine.modules("install", "Contoso.Ends", "--from", str(packages))
    assert refused(done, machine) == (
        "PowerShell cannot import Contoso.Ends 1.0.0 here: PowerShell ended without an answer; it"
        " printed: last words. Nothing was installed; another version may work (--version)."
    )


def test_a_name_that_no_lock_file_can_hold_is_refused_also_as_a_dependency(
    machine: Machine, packages: Path
) -> None:
    done = machine.modules("install", "Contoso.Odd", "--from", str(packages))
    assert refused(done, machine).startswith(
        f"Ünï from {packages} was not installed: name = 'Ünï' cannot be written to a lock file."
    )
    assert unwritable(LockedModule("Ünï", "1.0.0")) == "name = 'Ünï'"
    assert unwritable(LockedModule("Contoso.Mail", "1.0.0", prerelease="beta1")) == ""


def test_a_file_whose_name_breaks_the_list_of_files_is_refused(
    machine: Machine, packages: Path
) -> None:
    done = machine.modules("install", "Contoso.Lines", "--from", str(packages))
    assert "a file's name contains a control character: 'nl\\nname.txt'" in refused(done, machine)


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\x0bb", "\ud800"])
def test_names_with_control_characters_cannot_be_listed(name: str) -> None:
    assert unlistable(["fine.txt", name]) == name


def test_every_other_name_is_read_as_it_was_listed() -> None:
    sums = {"a b.txt": "1", "two  blanks": "2", "line\u2028separator": "3", "ünï.txt": "4"}
    assert unlistable(sums) == ""
    assert read_list(list_text(sums)) == sums


@pytest.mark.sweep
def test_a_package_is_found_beside_others_whose_names_end_alike(
    machine: Machine, packages: Path
) -> None:
    done = machine.modules("install", "Tool", "My.Tool", "--from", str(packages))
    assert done.code == 0, done.err
    assert machine.versions() == ["My.Tool 2.0.0*", "Tool 1.0.0*"]


@pytest.mark.sweep
def test_what_powershell_itself_brings_meets_a_dependency(machine: Machine, packages: Path) -> None:
    done = machine.modules("install", "Contoso.Own", "--from", str(packages))
    assert done.code == 0, done.err
    assert machine.versions() == ["Contoso.Own 1.0.0*"]
    assert machine.modules("remove", "Contoso.Own").code == 0


@pytest.mark.sweep
def test_a_package_that_would_precede_a_module_of_powershell_itself_is_refused(
    machine: Machine, packages: Path
) -> None:
    done = machine.modules("install", "Microsoft.PowerShell.Utility", "--from", str(packages))
    assert "PowerShell itself includes a module of that name (7.0.0.0)" in refused(done, machine)


@pytest.mark.parametrize("name", ["Pl*", "*", "", "Contoso.?ail", "../Contoso", "Ünï"])
def test_what_is_no_module_s_name_is_refused_before_powershell_is_asked(
    tmp_path: Path, name: str
) -> None:
    machine = Machine(tmp_path, {"PWSH_MANAGER_PWSH": "/nowhere/pwsh"})
    done = machine.modules("install", name)
    assert done.err == f"pwsh-kernels: module {name!r} is not a module name: A-Z a-z 0-9 _ . -\n"
    assert (done.code, machine.files()) == (2, [])


def test_a_lock_file_with_another_spelling_keeps_the_installed_one(machine: Machine) -> None:
    store_module(machine.data, LockedModule("Contoso.Mail", "1.0.0", source="PSGallery"))
    copied = machine.root / "copied.toml"
    text = machine.store.lock_file.read_text(encoding="utf-8")
    copied.write_text(text.replace("Contoso.Mail", "contoso.mail"), encoding="utf-8")
    assert machine.modules("install", "--locked", "--lock", str(copied)).code == 0
    assert machine.versions() == ["Contoso.Mail 1.0.0*"]
    assert machine.modules("verify").out == "Contoso.Mail 1.0.0: as installed\n"
