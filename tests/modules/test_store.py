"""The store of modules and its lock file: what is read, listed, verified and removed, and that a
change is whole or none.
"""

import json
import shutil
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from pwsh_kernels.catalog import Catalog
from pwsh_kernels.catalog.catalog import CATALOG_FOLDER
from pwsh_kernels.errors import BrokenFile, PackageUnfit
from pwsh_kernels.modules.changes import Staged, changing, put
from pwsh_kernels.modules.lock import LockedModule, lock_text, read_lock
from pwsh_kernels.modules.source import Source, noted_source, source_of
from pwsh_kernels.modules.store import ModuleStore
from pwsh_kernels.modules.wanted import Rules
from tests.modules.machine import Machine, pin, store_module

CORE = LockedModule("Contoso.Core", "1.0.0", source="PSGallery", requested=False)
OLD = LockedModule("Contoso.Mail", "1.0.0", source="PSGallery", selected=False)
NEW = LockedModule(
    "Contoso.Mail",
    "2.0.0",
    source="PSGallery",
    dependencies=("Contoso.Core",),
    prerelease="beta1",
    address="https://www.powershellgallery.com/api/v2",
    ranges=("[1.0.0, )",),
)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with two versions of a module and what the newer one needs."""
    machine = Machine(tmp_path)
    for one in (CORE, OLD, NEW):
        store_module(machine.data, one)
    return machine


def test_a_lock_file_says_the_same_after_it_was_read(machine: Machine) -> None:
    text = machine.store.lock_file.read_text(encoding="utf-8")
    assert lock_text(reversed(machine.store.installed())) == text
    assert [replace(one, sha256="") for one in machine.store.installed()] == [CORE, OLD, NEW]
    assert list(machine.store.selected()) == ["Contoso.Core", "Contoso.Mail"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("module = 1", "`module` must be a list of tables"),
        ("module = [1]", "module 1 must be a table"),
        (
            '[[module]]\nname = "../.."\nversion = "1.0"',
            "module 1: name = '../..' is not as `modules install` writes it",
        ),
        ('[[module]]\nname = "A"\nversion = "1.0/.."', "module 1: version = '1.0/..' is not as"),
        (
            '[[module]]\nname = "A"\nversion = "1.0"\nsha256 = "x"',
            "module 1: sha256 = 'x' is not as",
        ),
        (
            '[[module]]\nname = "A"\nversion = "1.0"\nranges = [1]',
            "module 1: ranges must be a list of strings",
        ),
        (
            '[[module]]\nname = "A"\nversion = "1.0"\n[[module]]\nname = "A"\nversion = "2.0"\n',
            "two versions of a are selected; only one can be",
        ),
        (
            '[[module]]\nname="A"\nversion="1.0"\n[[module]]\nname="a"\nversion="1.0"\nselected=false',
            "a 1.0 is listed twice; it may be listed once",
        ),
        ("[[module", "Expected"),
    ],
)
def test_a_lock_file_that_no_installation_wrote_is_refused(
    tmp_path: Path, text: str, problem: str
) -> None:
    file = tmp_path / "modules.lock.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BrokenFile) as refused:
        read_lock(file)
    assert problem in refused.value.problem


def test_a_list_says_which_version_new_sessions_get_and_who_has_which(machine: Machine) -> None:
    pin(machine.data, "contoso.com.exo", "Contoso.Mail", "1.0.0")
    lines = [line.split() for line in machine.modules("list").out.splitlines()]
    assert lines[1:] == [
        ["Contoso.Core", "1.0.0", "yes", "PSGallery", "-", "-"],
        ["Contoso.Mail", "1.0.0", "-", "PSGallery", "-", "contoso.com:exo"],
        ["Contoso.Mail", "2.0.0-beta1", "yes", "PSGallery", "-", "-"],
    ]
    listed = json.loads(machine.modules("list", "--json").out)[1]
    assert listed == {
        "name": "Contoso.Mail",
        "version": "1.0.0",
        "selected": False,
        "requested": True,
        "source": "PSGallery",
        "sha256": machine.store.versions("contoso.mail")[0].sha256,
        "serves": [],
        "pinned_by": ["contoso.com:exo"],
        "problem": "",
        "folder": str(machine.data / "modules" / "Contoso.Mail" / "1.0.0"),
    }


def test_without_modules_a_list_says_how_to_install_one(tmp_path: Path) -> None:
    done = Machine(tmp_path).modules("list")
    assert (done.out, done.code) == ("", 0)
    assert "`pwsh-kernels modules install exo`" in done.err


def test_every_file_that_differs_is_named(machine: Machine) -> None:
    assert machine.modules("verify").out.splitlines() == [
        "Contoso.Core 1.0.0: as installed",
        "Contoso.Mail 1.0.0: as installed",
        "Contoso.Mail 2.0.0-beta1: as installed",
    ]
    folder = machine.store.folder("Contoso.Mail", "2.0.0")
    for one in (folder, folder / "en-US"):
        one.chmod(0o755)
    (folder / "Contoso.Mail.psm1").chmod(0o644)
    (folder / "Contoso.Mail.psm1").write_text("'changed'\n", encoding="utf-8")
    (folder / "en-US" / "about.txt").unlink()
    (folder / "more.psm1").write_text("", encoding="utf-8")
    (machine.data / "modules" / "Stranger" / "1.0").mkdir(parents=True)
    done = machine.modules("verify")
    assert (done.code, done.out.splitlines()) == (
        1,
        [
            "Contoso.Core 1.0.0: as installed",
            "Contoso.Mail 1.0.0: as installed",
            "Contoso.Mail 2.0.0-beta1: Contoso.Mail.psm1 is changed",
            "Contoso.Mail 2.0.0-beta1: en-US/about.txt is missing",
            "Contoso.Mail 2.0.0-beta1: more.psm1 is extra",
            "Stranger/1.0: is not in the lock file",
        ],
    )
    answer = json.loads(machine.modules("verify", "Contoso.Mail", "--json").out)["modules"]
    assert [one["intact"] for one in answer] == [True, False]
    assert answer[1]["differences"][0] == {"file": "Contoso.Mail.psm1", "kind": "changed"}


def test_whoever_changes_the_list_of_files_as_well_is_found_by_the_lock_file(
    machine: Machine,
) -> None:
    file = machine.store.list_file(CORE)
    file.chmod(0o644)
    file.write_text(file.read_text(encoding="utf-8").replace("a", "b"), encoding="utf-8")
    assert (
        "Contoso.Core 1.0.0: ../1.0.0.sha256 is changed"
        in machine.modules("verify", "Contoso.Core").out
    )
    file.unlink()
    assert (
        "Contoso.Core 1.0.0: ../1.0.0.sha256 is missing"
        in machine.modules("verify", "Contoso.Core").out
    )


def test_what_a_session_has_is_not_removed_unless_forced(machine: Machine) -> None:
    pin(machine.data, "contoso.com.exo", "Contoso.Mail", "1.0.0")
    before = machine.files()
    done = machine.modules("remove", "Contoso.Mail", "--version", "1.0.0")
    assert (done.code, machine.files()) == (1, before)
    assert done.err.startswith(
        "pwsh-kernels: Contoso.Mail 1.0.0 is in use by contoso.com:exo. Close them first"
    )
    assert machine.modules("remove", "--unused").out == ""
    assert machine.modules("remove", "Contoso.Mail", "--version", "1.0.0", "--force").code == 0
    assert machine.versions() == ["Contoso.Core 1.0.0*", "Contoso.Mail 2.0.0-beta1*"]


def test_what_another_module_needs_is_not_removed_and_with_it_all_goes(machine: Machine) -> None:
    done = machine.modules("remove", "Contoso.Core")
    assert done.err.startswith(
        "pwsh-kernels: Contoso.Mail needs Contoso.Core [1.0.0, ), and there would be none."
    )
    assert machine.modules("remove", "contoso.mail", "Contoso.Core").out.splitlines() == [
        "Contoso.Mail 1.0.0 is removed.",
        "Contoso.Mail 2.0.0-beta1 is removed.",
        "Contoso.Core 1.0.0 is removed.",
    ]
    assert machine.files() == ["modules.lock.toml"]


def test_where_the_selected_version_is_removed_the_newest_of_the_others_is_selected(
    machine: Machine,
) -> None:
    machine.modules("remove", "Contoso.Mail", "--version", "2.0.0-beta1")
    assert machine.versions() == ["Contoso.Core 1.0.0*", "Contoso.Mail 1.0.0*"]


def test_versions_that_nobody_uses_are_removed_at_once(machine: Machine) -> None:
    assert machine.modules("remove", "--unused").out == "Contoso.Mail 1.0.0 is removed.\n"


def test_a_module_that_is_not_installed_is_told_what_is(machine: Machine) -> None:
    done = machine.modules("remove", "exo")
    assert (
        done.err
        == "pwsh-kernels: exo is not installed. Installed: Contoso.Core 1.0.0, Contoso.Mail 1.0.0,"
        " Contoso.Mail 2.0.0-beta1. `pwsh-kernels modules install exo` installs it.\n"
    )


def test_a_change_that_breaks_leaves_everything_as_it_was(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, lock = machine.files(), machine.store.lock_file.read_bytes()
    machine.store.lock_file.unlink()
    machine.store.lock_file.mkdir()  # so that the last step, writing the lock file, fails
    with pytest.raises(OSError, match="directory"):
        store_module_again(machine)
    machine.store.lock_file.rmdir()
    machine.store.lock_file.write_bytes(lock)
    assert machine.files() == before
    assert [machine.store.differences(one) for one in machine.store.installed()] == [[], [], []]


def store_module_again(machine: Machine) -> None:
    """Replace a version by another build of it."""
    with changing(machine.store) as part:
        folder = part / "new" / "Contoso.Core" / "1.0.0"
        folder.mkdir(parents=True)
        (folder / "Contoso.Core.psm1").write_text("'another build'\n", encoding="utf-8")
        put(machine.store, part, [Staged(folder, CORE, "")], [CORE])


def test_a_data_folder_that_no_server_has_made_yet_is_for_its_owner_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with changing(ModuleStore(data)):
        assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_what_a_killed_installation_has_left_goes_with_the_next_change(machine: Machine) -> None:
    left = machine.data / "modules" / ".part-killed" / "new"
    left.mkdir(parents=True)
    left.chmod(0o555)
    with changing(machine.store):
        assert not left.parent.exists()


def test_an_own_catalog_file_has_a_say_in_what_is_installed(tmp_path: Path) -> None:
    extra = tmp_path / "catalog"
    shutil.copytree(CATALOG_FOLDER, extra)
    text = (extra / "exo.toml").read_text(encoding="utf-8")
    (extra / "exo.toml").write_text(
        f'bad_versions = {{ "3.9.2" = "it was withdrawn" }}\n{text}', encoding="utf-8"
    )
    rules = Rules(Catalog.load(extra=extra))
    assert rules.problem("exchangeonlinemanagement", "3.9.2") == "it was withdrawn"
    assert (
        rules.problem("ExchangeOnlineManagement", "3.4.0")
        == "it is older than 3.5.0, the oldest version that works"
    )
    assert [one.range.text for one in rules.wanted("exo")] == ["[3.5.0, )"]
    with pytest.raises(PackageUnfit):
        rules.check("ExchangeOnlineManagement", "3.9.2-beta")


def test_a_folder_where_we_are_does_not_take_the_place_of_a_repository_that_was_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Company").mkdir()
    monkeypatch.chdir(tmp_path)
    assert source_of("Company") == Source(str(tmp_path / "Company"), tmp_path / "Company")
    assert noted_source("Company", "https://a.example/v3") == Source(
        "Company", None, "https://a.example/v3"
    )
    assert noted_source(str(tmp_path)).folder == tmp_path


def test_a_key_brings_its_service_s_other_modules_in_step_where_they_must_be() -> None:
    rules = Rules(Catalog.load())
    assert rules.names("Azure") == ["Az.Accounts", "Az.Resources"]
    graph = [(one.name, one.range.text) for one in rules.wanted("graph", "2.41.1")]
    assert graph == [
        (f"Microsoft.Graph.{name}", "2.41.1") for name in ("Authentication", "Users", "Groups")
    ]
    assert [one.range.text for one in rules.wanted("azure", "5.5.2")] == ["5.5.2", ""]
    assert [(one.name, one.prerelease) for one in rules.wanted("pnp")] == [("PnP.PowerShell", True)]
    assert rules.keys("az.accounts") == ["azure", "powerplatform"]
    assert [(one.name, one.asked) for one in rules.wanted("Contoso.Mail")] == [
        ("Contoso.Mail", True)
    ]
