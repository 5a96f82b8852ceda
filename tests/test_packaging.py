"""What `pip install` puts on a machine: kernelspec, command, catalog, sandbox; and the engine by
path and hash alone.
"""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.fixtures.repository import ROOT

VENDOR = ROOT / "vendor"
BUILD_LIMIT = 60
"""Seconds that building the wheel may take."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Return the wheel that the repository builds."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=BUILD_LIMIT)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_installs_the_kernelspec_where_jupyter_looks(wheel: zipfile.ZipFile) -> None:
    name = next(
        one
        for one in wheel.namelist()
        if one.endswith("data/share/jupyter/kernels/pwsh/kernel.json")
    )
    spec = json.loads(wheel.read(name))
    assert spec["argv"][1:3] == ["-m", "pwsh_kernels.kernel"]
    assert spec["interrupt_mode"] == "message"


def test_the_wheel_has_everything_that_is_not_python(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    files = [
        path
        for path in (ROOT / "pwsh_kernels").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert {str(path.relative_to(ROOT)) for path in files} <= names
    assert "mcp_server.py" in names


def test_the_wheel_tells_type_checkers_that_it_has_types(wheel: zipfile.ZipFile) -> None:
    assert "pwsh_kernels/py.typed" in wheel.namelist()


def test_the_wheel_carries_no_engine(wheel: zipfile.ZipFile) -> None:
    assert not [name for name in wheel.namelist() if "powershell_engine" in name]


def test_an_editable_install_shows_the_kernelspec() -> None:
    command = [sys.executable, "-m", "jupyter", "kernelspec", "list", "--json"]
    listed = json.loads(
        subprocess.run(command, check=True, capture_output=True, timeout=BUILD_LIMIT).stdout
    )
    assert listed["kernelspecs"]["pwsh"]["spec"]["display_name"] == "PowerShell"


def choose_engine(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run what chooses the engine's wheel for this machine."""
    command = [sys.executable, str(VENDOR / "choose_engine.py"), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=BUILD_LIMIT)


def test_the_lock_and_the_page_name_the_one_vendored_wheel_by_its_hash() -> None:
    (wheel,) = VENDOR.glob("*.whl")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert f"./vendor/{wheel.name} --hash=sha256:{digest}\n" in (VENDOR / "engine.lock").read_text()
    page = (VENDOR / "README.md").read_text()
    assert wheel.name in page
    assert re.findall(r"\b[0-9a-f]{64}\b", page) == [digest]


def test_a_wheel_that_was_changed_is_not_installed(tmp_path: Path) -> None:
    (wheel,) = VENDOR.glob("*.whl")
    (tmp_path / wheel.name).write_bytes(wheel.read_bytes() + b"\0")
    (tmp_path / "lock").write_text(
        (VENDOR / "engine.lock").read_text().replace("./vendor", str(tmp_path))
    )
    command = [
        "uv",
        "pip",
        "install",
        "--target",
        "here",
        "--no-deps",
        "--require-hashes",
        "-r",
        "lock",
    ]
    refused = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=BUILD_LIMIT,
    )
    assert refused.returncode
    assert "Hash mismatch" in refused.stderr


def test_a_machine_without_a_wheel_is_told_the_ways_to_a_powershell(tmp_path: Path) -> None:
    lock = tmp_path / "engine.lock"
    lock.write_text(
        "./vendor/powershell_engine-7.6.9.post1-py3-none-win_amd64.whl --hash=sha256:00\n"
    )
    chosen = choose_engine(str(lock))
    assert chosen.stdout == ""
    assert re.fullmatch(
        r"No embedded PowerShell is here for .*https://aka\.ms/powershell.*PWSH_MANAGER_PWSH.*make"
        r" engine.*\n",
        chosen.stderr,
    )


def test_nobody_can_get_an_engine_of_the_same_name_from_an_index() -> None:
    assert "powershell-engine" not in (ROOT / "pyproject.toml").read_text()


def test_make_stops_at_once_with_one_sentence_where_python_is_too_old(tmp_path: Path) -> None:
    old = tmp_path / "old-python"
    old.write_text(
        f"""#!/bin/sh
exec {sys.executable} -c "import sys; sys.version_info = (3, 10, 12); $2"
"""
    )
    old.chmod(0o755)
    command = [
        "make",
        "--no-print-directory",
        f"VENV={tmp_path / 'venv'}",
        f"PYTHON={old}",
        "check",
    ]
    stopped = subprocess.run(
        command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=BUILD_LIMIT
    )
    said = [line for line in stopped.stderr.splitlines() if not line.startswith("make")]
    sentence = "This needs Python 3.11 or newer, and {} is 3.10: name another one, as in make {}"
    assert said == [sentence.format(old, "PYTHON=python3.12")]
    assert (stopped.returncode, stopped.stdout, (tmp_path / "venv").exists()) == (2, "", False)


LOCKS = {
    "requirements.lock": ("test", "dev", "kubernetes", "oidc", "otel"),
    "requirements-conformance.lock": ("test", "lab", "conformance"),
    "requirements-lab.lock": ("lab",),
    "requirements-server.lock": ("kubernetes", "oidc", "otel"),
}
"""Which extras each lock has, as the Makefile makes them."""


def asked(extras: tuple[str, ...]) -> Iterator[Requirement]:
    """Yield what the package needs itself and what these extras add."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    yield from map(Requirement, project["dependencies"])
    for extra in extras:
        yield from map(Requirement, project["optional-dependencies"][extra])


def pins(lock: str) -> dict[str, list[str]]:
    """Return the versions of each package that a lock names."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^ ;]+)", lock, re.MULTILINE):
        found.setdefault(name, []).append(version)
    return found


def normal(name: str) -> str:
    """Return a package's name as locks spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(("file", "extras"), LOCKS.items())
def test_a_lock_has_all_that_the_package_asks_for_in_a_version_that_fits(
    file: str, extras: tuple[str, ...]
) -> None:
    pinned = pins((ROOT / file).read_text(encoding="utf-8"))
    unfit = [
        str(one)
        for one in asked(extras)
        for versions in [pinned.get(normal(one.name), [])]
        if not versions or not all(map(one.specifier.contains, versions))
    ]
    assert unfit == []


@pytest.mark.parametrize("file", LOCKS)
def test_a_lock_has_names_versions_and_hashes_and_no_address_or_folder(file: str) -> None:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    allowed = r"[\w.-]+==\S+( ; [^/]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?|\s*#[^/]*"
    assert [line for line in lines if not re.fullmatch(allowed, line)] == []


@pytest.mark.parametrize("file", LOCKS)
def test_every_pin_of_a_lock_is_followed_by_its_hashes(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    counted = sum(len(versions) for versions in pins(text).values())
    assert counted == len(re.findall(r"==.* \\\n    --hash=sha256:", text)) > 100


def test_the_locks_agree_on_what_two_of_them_have() -> None:
    for one, other in combinations(LOCKS, 2):
        ours, more = (pins((ROOT / file).read_text(encoding="utf-8")) for file in (one, other))
        assert {name: ours[name] for name in ours.keys() & more} == {
            name: more[name] for name in ours.keys() & more
        }


def test_the_makefile_makes_each_lock_of_the_extras_that_it_has() -> None:
    made = re.findall(r"call lock,([^,)]+),([^,)]*)", (ROOT / "Makefile").read_text())
    assert {file: tuple(extras.split()) for file, extras in made} == LOCKS
