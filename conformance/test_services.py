"""@jupyterlab/services on Node, by which VS Code attaches to a Jupyter server: VS Code itself was
not at hand.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.server import ADMIN, CONTOSO, Server

PACKAGES = ("@jupyterlab/services@7", "ws@8")
NPM_WAIT = 120
TITLE = f"{CONTOSO} · exo · signed in as {ADMIN}"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Server]:
    """A server with a session that an agent has used."""
    server = Server(tmp_path).start()
    assert server.sign_in(CONTOSO)["state"] == "signed_in"
    server.run("$shared = 'set by an agent'")
    yield server
    server.close()


def test_vs_codes_library_attaches_to_a_session_and_its_shutdown_ends_nothing(
    session: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "node"
    folder.mkdir()
    subprocess.run(
        ["npm", "install", "--no-save", "--silent", *PACKAGES],
        cwd=folder,
        check=True,
        timeout=NPM_WAIT,
    )
    program = Path(__file__).with_name("attach.mjs")
    command = ["node", str(program), str(folder), f"{session.url}/"]
    environment = {**os.environ, "PWSH_MANAGER_TOKEN": session.token}
    said = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=NPM_WAIT, check=True
    ).stdout
    seen = json.loads(said.splitlines()[-1])
    assert TITLE in seen["specs"]
    assert seen["running"] == TITLE
    assert seen["variable"] == ["ok", "set by an agent"]
    assert seen["answered"] == ["ok", "Hello Ada"]
    assert seen["interrupted"] == ["error", "PipelineStopped"]
    assert seen["afterShutdown"] == [TITLE]
    assert session.post("/status", tenant=CONTOSO)["state"] == "signed_in"
