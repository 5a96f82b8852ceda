"""The Node packages of package.json, installed once under .make/node, and commands that
run them.
"""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
PACKAGES = HERE / "package.json"
FOLDER = HERE.parent / ".make" / "node"
"""Kept between runs and ignored by git."""

STAMP = FOLDER / ".installed"
INSTALL_WAIT = 600
"""Seconds for npm: 40 s were measured with nothing in npm's own cache."""

NODE = FOLDER / "node_modules" / ".bin" / "node"
"""Node 22, itself one of the packages: the Inspector and the conformance suites ask for it."""


def install() -> None:
    """Install the packages, unless exactly these are there."""
    wanted = hashlib.sha256(PACKAGES.read_bytes()).hexdigest()
    if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == wanted:
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    shutil.copy(PACKAGES, FOLDER)
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
    subprocess.run(command, cwd=FOLDER, check=True, timeout=INSTALL_WAIT)
    STAMP.write_text(wanted, encoding="utf-8")


def package_folder(name: str) -> Path:
    """Return where a package is installed."""
    install()
    return FOLDER / "node_modules" / name


def pinned_version(name: str) -> str:
    """Return the version of a package that package.json names; an alias is `npm:NAME@VERSION`."""
    wanted: str = json.loads(PACKAGES.read_text(encoding="utf-8"))["dependencies"][name]
    return wanted.rpartition("@")[2]


def node_command(package: str, program: str) -> list[str]:
    """Return the command that runs a program of a package; `program` is a path inside it."""
    return [str(NODE), str(package_folder(package) / program)]
