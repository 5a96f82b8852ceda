"""What `pip install` puts on a machine: the kernelspec, the command, the catalog, the sandbox, and no engine wheel."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
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
    name = next(one for one in wheel.namelist() if one.endswith("data/share/jupyter/kernels/pwsh/kernel.json"))
    spec = json.loads(wheel.read(name))
    assert spec["argv"][1:3] == ["-m", "pwsh_kernels.kernel"]
    assert spec["interrupt_mode"] == "message"


def test_the_wheel_has_everything_that_is_not_python(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    files = [path for path in (ROOT / "pwsh_kernels").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {str(path.relative_to(ROOT)) for path in files} <= names
    assert "mcp_server.py" in names


def test_the_wheel_carries_no_engine(wheel: zipfile.ZipFile) -> None:
    assert not [name for name in wheel.namelist() if "powershell_engine" in name]


def test_an_editable_install_shows_the_kernelspec() -> None:
    command = [sys.executable, "-m", "jupyter", "kernelspec", "list", "--json"]
    listed = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=BUILD_LIMIT).stdout)
    assert listed["kernelspecs"]["pwsh"]["spec"]["display_name"] == "PowerShell"
