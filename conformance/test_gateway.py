"""A Jupyter server of its own, in another process, that attaches to sessions with
`--gateway-url`.
"""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pwsh_kernels.sessions.places.ports import free_ports
from tests.fixtures.front_end import Notebook
from tests.fixtures.server import ADMIN, CONTOSO, Server

START_WAIT_S = 40.0
TITLE = f"{CONTOSO} · exo · signed in as {ADMIN}"
SPEC = f"{CONTOSO}.exo"
TOKEN = secrets.token_hex(8)


def wait_until_it_answers(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Ask until a server answers; fail when it has ended or takes too long."""
    deadline = time.monotonic() + START_WAIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{url}/api", trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the Jupyter server behind the gateway did not start")


@pytest.fixture
def gateway(server: Server, tmp_path: Path) -> Iterator[str]:
    """A plain Jupyter server whose kernels are those of our server; its address."""
    assert server.sign_in(CONTOSO)["state"] == "signed_in"
    url = f"http://127.0.0.1:{free_ports('127.0.0.1', 1, ())[0]}"
    options = [
        "--port",
        url.rpartition(":")[2],
        "--no-browser",
        f"--IdentityProvider.token={TOKEN}",
        "--allow-root",
    ]
    command = [sys.executable, "-m", "jupyter_server", *options, "--gateway-url", server.url]
    places = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("RUNTIME", "CONFIG", "DATA")}
    environment = {**os.environ, **places, "JUPYTER_GATEWAY_AUTH_TOKEN": server.token}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
    try:
        wait_until_it_answers(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(START_WAIT_S)


async def test_a_lab_behind_a_gateway_attaches_by_name_and_its_end_ends_nothing(
    server: Server, gateway: str
) -> None:
    server.run("$seenThroughGateway = 'seen'")
    async with httpx.AsyncClient(
        base_url=gateway, headers={"Authorization": f"token {TOKEN}"}, trust_env=False, timeout=30
    ) as http:
        assert (await http.get("/api/kernelspecs")).json()["kernelspecs"][SPEC]["spec"][
            "display_name"
        ] == TITLE
        notebook = {"path": "g.ipynb", "name": "g", "type": "notebook", "kernel": {"name": SPEC}}
        row = (await http.post("/api/sessions", json=notebook)).json()
        assert row["kernel"]["id"] == server.post("/status", tenant=CONTOSO)["kernel_id"]
        async with Notebook(gateway, TOKEN, row["kernel"]["id"]) as attached:
            assert (await attached.run("$seenThroughGateway")).text == "seen\n"
        assert (await http.post(f"/api/kernels/{row['kernel']['id']}/restart")).status_code >= 400
        assert (await http.delete(f"/api/kernels/{row['kernel']['id']}")).status_code == 204
    assert server.post("/status", tenant=CONTOSO)["state"] == "signed_in"
    assert server.run("$seenThroughGateway", format="text")["result"].strip() == "seen"
