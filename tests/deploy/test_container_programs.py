"""The image's programs besides the supervisor: its health check, and the download of PowerShell."""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from deploy.container.fetch_powershell import unpack
from deploy.container.health_check import ready_url
from tests.fixtures.repository import ROOT
from tests.fixtures.server import Server

pytestmark = pytest.mark.xdist_group("server")
HEALTH_CHECK = ROOT / "deploy" / "container" / "health_check.py"
FETCH = ROOT / "deploy" / "container" / "fetch_powershell.py"
LIMIT = 30


def check(runtime: Path) -> subprocess.CompletedProcess[str]:
    """Run the health check as the container does."""
    return subprocess.run(
        [sys.executable, "-I", str(HEALTH_CHECK)],
        env={**os.environ, "JUPYTER_RUNTIME_DIR": str(runtime)},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )


def test_a_ready_server_is_healthy(server: Server) -> None:
    done = check(server.folder / "runtime")
    assert (done.returncode, done.stdout) == (0, '{"status": "ready"}')


def test_a_container_whose_server_has_not_started_is_not_healthy(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert (done.returncode, done.stderr) == (1, "No server has started yet.\n")


def test_a_container_whose_server_died_is_not_healthy(tmp_path: Path) -> None:
    facts = '{"port": 1, "secure": false, "base_url": "/"}'
    (tmp_path / "jpserver-1.json").write_text(facts, encoding="utf-8")
    done = check(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("No answer from http://127.0.0.1:1/health/ready: ")


@pytest.mark.parametrize(
    ("facts", "url"),
    [
        ('{"port": 5100, "secure": false, "base_url": "/"}', "http://127.0.0.1:5100/health/ready"),
        (
            '{"port": 443, "secure": true, "base_url": "/pwsh/"}',
            "https://127.0.0.1:443/pwsh/health/ready",
        ),
    ],
)
def test_the_health_check_asks_where_the_server_says_that_it_is(facts: str, url: str) -> None:
    assert ready_url(facts) == url


@pytest.fixture
def archive() -> bytes:
    """Return an archive as PowerShell's releases are."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        member = tarfile.TarInfo("./pwsh")
        member.size, member.mode = 2, 0o644
        tar.addfile(member, io.BytesIO(b"#!"))
    return written.getvalue()


def test_the_archive_that_was_asked_for_is_unpacked_and_can_be_run(
    tmp_path: Path, archive: bytes
) -> None:
    unpack(archive, hashlib.sha256(archive).hexdigest(), tmp_path)
    assert os.access(tmp_path / "pwsh", os.X_OK)


def test_another_archive_is_refused_and_nothing_of_it_is_unpacked(
    tmp_path: Path, archive: bytes
) -> None:
    with pytest.raises(ValueError, match=hashlib.sha256(archive).hexdigest()):
        unpack(archive, "0" * 64, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_architecture_without_any_powershell_is_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", str(FETCH), str(tmp_path)],
        env={
            "TARGETARCH": "arm64",
            "POWERSHELL_VERSION": "7.5.4",
            "POWERSHELL_SHA256_ARM64": "0" * 64,
            "https_proxy": "http://127.0.0.1:1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert said.startswith(
        "pwsh-kernels: No PowerShell for linux/arm64: vendor/ has no wheel for it"
        " (`make engine RUNTIME=linux-arm64` builds one), and https://github.com/PowerShell/"
    )
    assert said.endswith("[Errno 111] Connection refused>")
