"""Dockerfile, bake and compose file, unit and proxy say the same as the code that they start."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.container.supervisor import STOP_LIMIT
from pwsh_kernels import __version__
from pwsh_kernels.settings import Settings, setting_rows
from tests.fixtures.repository import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = ROOT / "docker-compose.yml"
UNIT = ROOT / "deploy" / "systemd" / "pwsh-kernels.service"
PROXY = (ROOT / "deploy" / "proxy" / "nginx.conf").read_text(encoding="utf-8")
ANALYZE = shutil.which("systemd-analyze") or ""
ANALYZE_LIMIT = 30
WEAKEST = 30
"""Tenths of systemd's measure of exposure, from 0 to 100; the unit has 21."""
needs_systemd = pytest.mark.skipif(not ANALYZE, reason="systemd-analyze is not here")


def service() -> dict[str, Any]:
    """Return the service of the compose file."""
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return dict(found["pwsh-kernels"])


def test_the_image_has_the_version_of_the_package() -> None:
    assert f"ARG VERSION={__version__}\n" in DOCKERFILE


def test_all_that_the_image_copies_is_let_into_its_build() -> None:
    allowed = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    copied = {name for line in lines for name in line.split()[:-1]} | {"vendor"}
    assert len(copied) > 8
    assert [
        name
        for name in copied
        if not any(Path(re.sub(r"\[(.)\]", r"\1", name)).is_relative_to(one) for one in allowed)
    ] == []


def test_all_that_the_image_s_build_takes_is_there_but_what_users_add() -> None:
    allowed = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    own = {"modules.lock.toml", "packages"}
    assert {one for one in allowed if not (ROOT / one).exists()} <= own


def test_bake_builds_both_targets_for_both_architectures() -> None:
    bake = json.loads((ROOT / "docker-bake.json").read_text(encoding="utf-8"))
    targets = bake["group"]["default"]["targets"]
    assert targets == ["slim", "full"]
    assert [bake["target"][one]["target"] for one in targets] == targets
    assert {one.rpartition(" AS ")[2] for one in DOCKERFILE.splitlines()} >= set(targets)
    common = bake["target"]["_common"]
    assert common["platforms"] == ["linux/amd64", "linux/arm64"]
    assert common["args"].keys() <= set(re.findall(r"^ARG (\w+)=", DOCKERFILE, re.MULTILINE))


@pytest.mark.parametrize("text", [DOCKERFILE, COMPOSE.read_text(), UNIT.read_text()])
def test_every_setting_that_a_definition_names_is_one(text: str) -> None:
    named = set(re.findall(r"\bPWSH_(?:MANAGER_|IDLE_)[A-Z_]+\b", text))
    assert len(named) > 2
    assert named <= {row.env for row in setting_rows()}


def test_the_port_is_published_on_loopback_alone() -> None:
    port = f"${{PWSH_MANAGER_PORT:-{Settings.model_fields['port'].default}}}"
    assert service()["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert service()["environment"]["PWSH_MANAGER_PORT"] == port


def test_docker_waits_longer_than_the_supervisor_for_the_server_s_end() -> None:
    assert STOP_LIMIT < float(service()["stop_grace_period"].removesuffix("s")) <= 20


def test_nothing_in_the_container_has_a_right_that_it_does_not_need() -> None:
    one = service()
    assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"])
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert "USER 10001:10001\n" in DOCKERFILE


def test_the_proxy_waits_longer_than_the_longest_answer_takes() -> None:
    found = re.search(r"proxy_read_timeout (\d+)s;", PROXY)
    assert found
    assert int(found[1]) > Settings.model_fields["max_wait"].default


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Return the unit with a server that is on this machine."""
    text = UNIT.read_text(encoding="utf-8")
    server = "/opt/pwsh-kernels/bin/pwsh-kernels"
    assert server in text
    file = tmp_path / UNIT.name
    file.write_text(text.replace(server, sys.executable), encoding="utf-8")
    return file


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Ask systemd about a unit's file."""
    return subprocess.run(
        [ANALYZE, *arguments], capture_output=True, text=True, check=False, timeout=ANALYZE_LIMIT
    )


@needs_systemd
def test_systemd_understands_every_line_of_the_unit(unit: Path) -> None:
    done = analyze("verify", str(unit))
    assert [line for line in done.stderr.splitlines() if unit.name in line] == []
    assert done.returncode == 0


@needs_systemd
def test_the_unit_exposes_little_of_the_machine(unit: Path) -> None:
    done = analyze("security", "--offline=true", f"--threshold={WEAKEST}", str(unit))
    assert done.returncode == 0, done.stdout[-500:]


def test_a_stop_of_the_unit_s_server_leaves_its_kernels_alone() -> None:
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    assert {"KillMode=process", "SendSIGKILL=no", "RuntimeDirectoryPreserve=yes"} <= set(lines)
