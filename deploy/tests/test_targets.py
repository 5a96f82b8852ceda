"""The target `full`, and the definition of both targets for both architectures."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from uuid import uuid4

import pytest

from deploy.tests.container import IMAGE, LIMIT, Container, docker
from tests.fixtures.repository import ROOT
from tests.modules.machine import pack

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
BUILD_LIMIT = 900.0
PACKAGES = "/tmp/packages"
INSTALL = (
    "cp -r /mounted /tmp/packages && export PWSH_MANAGER_DATA_DIR=/tmp/data"
    f" && pwsh-kernels modules install Contoso.Mail --from {PACKAGES} >&2"
    " && cat /tmp/data/modules.lock.toml"
)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """Return a folder with all that the build takes of this one, and packages of our own."""
    folder = tmp_path / "context"
    allowed = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    for name in [*allowed, "Dockerfile", ".dockerignore"]:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy2(source, target)
    pack(folder / "packages", "Contoso.Core", "1.0.0")
    pack(folder / "packages", "Contoso.Mail", "1.0.0", needs={"Contoso.Core": "1.0.0"})
    return folder


@pytest.fixture
def tag() -> Iterator[str]:
    """Return a name for an image, which is removed with the test."""
    name = f"{IMAGE.partition(':')[0]}:full-{uuid4().hex[:8]}"
    yield name
    docker()("image", "rm", name, limit=LIMIT)


def build(context: Path, tag: str) -> "CompletedProcess[str]":
    """Build the target `full`."""
    return docker()(
        *("build", "--network=host", "--target=full", f"--tag={tag}", "--progress=plain"),
        *([f"--secret=id=ca,src={AUTHORITIES}"] if AUTHORITIES.is_file() else []),
        str(context),
        limit=BUILD_LIMIT,
    )


def lock_of(packages: Path) -> str:
    """Return the lock that a container of `slim` writes when it installs from a folder."""
    return Container().say(
        *("run", "--rm", f"--volume={packages}:/mounted:ro", IMAGE, "sh", "-c", INSTALL)
    )


@pytest.mark.timeout(BUILD_LIMIT + LIMIT)
def test_full_has_the_modules_of_the_lock_and_its_powershell_finds_them(
    context: Path, tag: str
) -> None:
    (context / "modules.lock.toml").write_text(lock_of(context / "packages"), encoding="utf-8")
    built = build(context, tag)
    assert built.returncode == 0, built.stderr
    command = "Get-ContosoMail; Get-ContosoCore; (Get-Module Contoso.Mail).ModuleBase"
    said = Container().say(
        *("run", "--rm", "--read-only", "--tmpfs=/tmp", tag),
        *("pwsh-kernels", "pwsh", "-NoProfile", "-c", command),
    )
    where = "/usr/local/share/powershell/Modules/Contoso.Mail/1.0.0"
    assert said.split() == ["1.0.0", "1.0.0", where]


@pytest.mark.timeout(BUILD_LIMIT + LIMIT)
def test_full_refuses_a_package_that_is_not_the_one_of_the_lock(context: Path, tag: str) -> None:
    (context / "modules.lock.toml").write_text(lock_of(context / "packages"), encoding="utf-8")
    pack(context / "packages", "Contoso.Core", "1.0.0", script="function Get-ContosoCore { 'x' }")
    built = build(context, tag)
    assert built.returncode != 0
    assert "Contoso.Core 1.0.0 from /src/packages is not what the lock file" in built.stderr


def test_full_without_a_lock_says_what_it_needs(context: Path, tag: str) -> None:
    built = build(context, tag)
    assert built.returncode != 0
    assert (
        "pwsh-kernels: The target full installs the modules of modules.lock.toml, and this folder"
        ' has no such file: docs/containers.md, "The targets", says how to get one.'
    ) in built.stderr


def test_buildx_understands_the_definition_of_both_targets() -> None:
    said = docker()(
        "buildx", "bake", "--print", "--file", str(ROOT / "docker-bake.json"), limit=LIMIT
    )
    assert said.returncode == 0, said.stderr
    targets = json.loads(said.stdout)["target"]
    assert targets.keys() == {"slim", "full"}
    for one in targets.values():
        assert one["platforms"] == ["linux/amd64", "linux/arm64"]
