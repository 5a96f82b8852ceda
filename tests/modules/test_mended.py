"""Installed modules that were damaged, lost their lock file or their source, or exclude one
another: what mends them.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from pwsh_kernels.catalog.versions import Range, Version
from pwsh_kernels.cli.doctor_modules import damaged_modules
from pwsh_kernels.errors import PackageConflict
from pwsh_kernels.modules.lock import LockedModule
from pwsh_kernels.modules.packages import Package, Wanted, narrowed, reached
from tests.modules.machine import Machine, pack, pin, store_module

pytestmark = [pytest.mark.slow, pytest.mark.pwsh]


BASE_FIRST = pytest.param(("Base", "NeedOne"), marks=pytest.mark.sweep)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module in two versions, and two others that need one of these each."""
    folder = tmp_path_factory.mktemp("packages")
    for version in ("1.0.0", "2.0.0"):
        pack(folder, "Base", version)
    pack(folder, "NeedOne", "1.0.0", needs={"Base": "1.0.0"})
    pack(folder, "NeedTwo", "1.0.0", needs={"Base": "2.0.0"})
    return folder


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine without any module."""
    return Machine(tmp_path)


def of_version_one(packages: Path, name: str, *needs: str) -> LockedModule:
    """Return what the lock file says of a module of that folder that was installed in 1.0.0."""
    ranges = tuple("[1.0.0, 1.0.0]" for _ in needs)
    return LockedModule(name, "1.0.0", source=str(packages), dependencies=needs, ranges=ranges)


def damage(machine: Machine, name: str, version: str) -> None:
    """Change a file of an installed module."""
    file = machine.store.folder(name, version) / f"{name}.psm1"
    file.chmod(0o644)
    file.write_text("'damaged'\n", encoding="utf-8")


@pytest.mark.parametrize("order", [("NeedOne", "Base"), BASE_FIRST])
def test_of_modules_that_are_installed_together_the_newest_that_fits_is_taken(
    machine: Machine, packages: Path, order: tuple[str, str]
) -> None:
    done = machine.modules("install", *order, "--from", str(packages))
    assert done.code == 0, done.err
    assert machine.versions() == ["Base 1.0.0*", "NeedOne 1.0.0*"]


def test_what_the_refusal_of_an_update_advises_works(machine: Machine, packages: Path) -> None:
    folder = ("--from", str(packages))
    store_module(machine.data, of_version_one(packages, "Base"))
    store_module(machine.data, of_version_one(packages, "NeedOne", "Base"))
    done = machine.modules("update", "Base")
    assert done.code == 1
    assert done.err.endswith("`pwsh-kernels modules install NeedOne Base`.\n")
    done = machine.modules("install", "NeedOne", "Base", *folder)
    assert done.code == 0, done.err
    assert machine.versions() == ["Base 1.0.0*", "NeedOne 1.0.0*"]
    assert machine.modules("update").err.endswith("Everything is up to date.\n")


def test_where_no_version_fits_all_it_is_said(machine: Machine, packages: Path) -> None:
    done = machine.modules("install", "NeedOne", "NeedTwo", "--from", str(packages))
    assert done.err.splitlines()[-1] == (
        "pwsh-kernels: NeedTwo needs Base [2.0.0, 2.0.0], and NeedOne needs Base [1.0.0, 1.0.0]: no"
        " version of Base fits both. Nothing was changed; one can be installed without the other."
    )
    assert (done.code, machine.files()) == (1, [])


def test_what_was_asked_for_in_one_version_is_not_taken_in_another() -> None:
    needing = Package("NeedOne", "1.0.0", dependencies={"base": "[1.0.0]"})
    with pytest.raises(PackageConflict) as refused:
        narrowed(Wanted("Base", Range.parse("2.0.0")), [needing])
    assert refused.value.other == "2.0.0 was requested"
    assert narrowed(Wanted("Base", Range()), [needing]).range.exact == Version.parse("1.0.0")


def test_what_only_a_replaced_version_needed_is_not_installed() -> None:
    needs: Mapping[str, Mapping[str, str]] = {"a": {"B": ""}, "b": {}, "c": {"D": ""}, "d": {}}
    chosen = {
        name: Package(name, "1.0.0", dependencies=others, asked=name == "a")
        for name, others in needs.items()
    }
    assert [one.name for one in reached(chosen)] == ["a", "b"]


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("", "", ""),
        ("[1.0, )", "", "[1.0.0, )"),
        ("[1.0, 3.0]", "(2.0, )", "(2.0.0, 3.0.0]"),
        ("[1.0, 3.0)", "[0.5, 3.0]", "[1.0.0, 3.0.0)"),
        ("1.5", "[1.0, 2.0)", "[1.5.0, 1.5.0]"),
        ("[1.0]", "[2.0]", None),
        ("[1.0, 2.0)", "[2.0, )", None),
    ],
)
def test_two_ranges_have_in_common_what_both_take(one: str, other: str, both: str | None) -> None:
    for left, right in ((one, other), (other, one)):
        found = Range.parse(left).within(Range.parse(right))
        assert (found.text if found else None) == both


def test_a_damaged_module_is_fetched_again_by_an_install_and_by_an_update(
    machine: Machine, packages: Path
) -> None:
    install = ("install", "Base", "--version", "2.0.0", "--from", str(packages))
    store_module(machine.data, LockedModule("Base", "2.0.0", source=str(packages)))
    for command in (install, ("update",)):
        damage(machine, "Base", "2.0.0")
        assert machine.modules("verify").code == 1
        done = machine.modules(*command)
        assert done.out.startswith("Base 2.0.0 is in "), done
        assert machine.modules("verify").out == "Base 2.0.0: as installed\n"


def test_the_doctor_names_a_damaged_module_and_what_mends_it(machine: Machine) -> None:
    for version in ("1.0.0", "2.0.0"):
        store_module(machine.data, LockedModule("Base", version, selected=version == "2.0.0"))
    damage(machine, "Base", "1.0.0")
    assert list(damaged_modules(machine.store)) == []
    damage(machine, "Base", "2.0.0")
    (found,) = damaged_modules(machine.store)
    assert found.text.startswith("Base 2.0.0 is not as it was installed:")
    assert "`pwsh-kernels modules install Base --version 2.0.0` fetches it again" in found.text


def test_a_source_that_is_gone_keeps_no_other_module_from_its_update(
    machine: Machine, packages: Path
) -> None:
    for name, source in (("Lost", machine.root / "gone"), ("Base", packages)):
        store_module(machine.data, LockedModule(name, "1.0.0", source=str(source)))
    done = machine.modules("update")
    assert done.code == 1
    assert (
        f"pwsh-kernels: Lost: The folder {machine.root / 'gone'}, from which it was installed, no"
        " longer exists. Name another source with --from."
    ) in done.err.splitlines()
    assert machine.versions() == ["Base 1.0.0", "Base 2.0.0*", "Lost 1.0.0*"]


def test_what_is_in_no_lock_file_is_said_and_can_be_removed_but_for_what_a_session_has(
    machine: Machine,
) -> None:
    for name in ("Used", "Forgotten"):
        store_module(machine.data, LockedModule(name, "1.0.0", source="PSGallery"))
    pin(machine.data, "contoso.com.exo", "Used", "1.0.0")
    machine.store.lock_file.unlink()
    listed = machine.modules("list")
    assert "Forgotten/1.0.0, Used/1.0.0: not in the lock file" in listed.err
    for said in (listed.err, machine.modules("verify").err):
        assert "`pwsh-kernels modules remove --unused` removes it" in said
        assert "--locked" not in said
    assert machine.modules("remove", "--unused").out == "Forgotten 1.0.0 is removed.\n"
    assert machine.store.strangers() == ["Used/1.0.0"]


def test_what_is_in_no_lock_file_is_taken_in_again_by_an_installation(
    machine: Machine, packages: Path
) -> None:
    install = ("install", "Base", "--version", "1.0.0", "--from", str(packages))
    store_module(machine.data, of_version_one(packages, "Base"))
    machine.store.lock_file.unlink()
    assert machine.modules(*install).code == 0
    assert machine.versions() == ["Base 1.0.0*"]
    assert machine.modules("verify").code == 0


def test_removing_a_stranger_of_another_spelling_keeps_the_module(machine: Machine) -> None:
    store_module(machine.data, LockedModule("Base", "1.0.0", source="PSGallery"))
    shutil.copytree(machine.data / "modules" / "Base", machine.data / "modules" / "base")
    assert machine.modules("remove", "--unused").out == "base 1.0.0 is removed.\n"
    assert machine.versions() == ["Base 1.0.0*"]
