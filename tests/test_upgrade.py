"""A server is replaced by one of a newer version while sessions live: their kernels stay what they
were.
"""

import shutil
from pathlib import Path

import psutil
import pytest

from tests.fixtures.figures import Measure
from tests.fixtures.repository import ROOT
from tests.fixtures.server import CONTOSO, Server

pytestmark = [pytest.mark.slow, pytest.mark.pwsh]
OLDER = {
    "__init__.py": {'__version__ = "0.1.0"': '__version__ = "0.0.9"'},
    # Knows none of what later versions send with a command, and does not say what it knows.
    "messages.py": {
        'BESIDE = ("packed", "own", "guards", "state")': "BESIDE = ()",
        'return {KEY: {"understands": list(BESIDE)}}': "return {}",
    },
}
"""What the older version has in its files instead."""


def older_version(folder: Path) -> str:
    """Make a package of an older version, and return the folder that it is imported from."""
    package = folder / "older" / "pwsh_kernels"
    shutil.copytree(ROOT / "pwsh_kernels", package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, changes in OLDER.items():
        text = (package / name).read_text(encoding="utf-8")
        for ours, theirs in changes.items():
            assert text.count(ours) == 1, f"{name} has changed: {ours}"
            text = text.replace(ours, theirs)
        (package / name).write_text(text, encoding="utf-8")
    return str(package.parent)


def kernels(server: Server) -> list[psutil.Process]:
    """Return the processes of the server's kernels."""
    return [one for one in server.family() if "pwsh_kernels.kernel" in one.cmdline()]


def test_a_newer_server_takes_over_the_sessions_of_an_older_one(
    powershell_path: Path,
    tmp_path: Path,
    measure: Measure,
) -> None:
    older = older_version(tmp_path)
    server = Server(
        tmp_path / "server", {"PYTHONPATH": older, "PWSH_MANAGER_PASS_ENV": "PYTHONPATH"}
    ).start()
    try:
        assert server.get("/health")["version"] == "0.0.9"
        assert server.sign_in()["state"] == "signed_in"
        server.run("$kept = 'still here'")
        (kernel,) = kernels(server)
        server.stop()
        server.settings.clear()
        with measure("local, a newer server: from its start until the session is found again"):
            server.start()
            status = server.post("/status", tenant=CONTOSO, wait_s=30)
        assert server.get("/health")["version"] != "0.0.9"
        assert (status["state"], status["account"]) == ("signed_in", f"admin@{CONTOSO}")
        assert "still here" in server.run("$kept")["result"]
        assert server.run("1..3 | ForEach-Object { Write-Warning $_ }")["success"]
        assert kernels(server) == [kernel]
        assert older in kernel.environ()["PYTHONPATH"]
    finally:
        server.close()
