"""deploy/proxy/nginx.conf, as it is, in a real nginx before the server of a container."""

import asyncio
import re
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import httpx2
import pytest
import yaml
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from deploy.tests.container import LIMIT, Container
from tests.fixtures.front_end import Notebook
from tests.fixtures.repository import ROOT

HOST = "pwsh.example.com"
URL = f"https://{HOST}/pwsh"
DOCUMENTED = re.compile(r"## Behind a reverse proxy.*?```yaml\n(.*?)```", re.DOTALL)
SELF_SIGNED = (
    *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
    *("-nodes", "-days", "2", "-subj", f"/CN={HOST}"),
    *("-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1"),
)


def documented_service() -> dict[str, object]:
    """Return what docs/containers.md adds to the compose file behind a proxy."""
    found = DOCUMENTED.search((ROOT / "docs/containers.md").read_text(encoding="utf-8"))
    assert found
    return dict(yaml.safe_load(found[1])["services"]["pwsh-kernels"])


@dataclass
class Proxied:
    """A server behind nginx, as a client far away sees it."""

    container: Container
    address: str
    trusted: ssl.SSLContext

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries: this machine has no name server that knows the host."""
        return {
            "Host": HOST,
            "Origin": f"https://{HOST}",
            "Authorization": f"Bearer {self.container.token}",
        }

    @contextmanager
    def http(self) -> Iterator[httpx.Client]:
        """Give a client that trusts nginx's certificate."""
        with httpx.Client(
            verify=self.trusted, headers=self.headers, timeout=LIMIT, trust_env=False
        ) as client:
            yield client


class FarNotebook(Notebook):
    """A notebook whose WebSocket goes through the proxy."""

    def __init__(self, proxied: Proxied, kernel_id: str) -> None:
        super().__init__(proxied.address, proxied.container.token, kernel_id)
        self._proxied = proxied

    async def __aenter__(self) -> "FarNotebook":
        request = HTTPRequest(
            self._address,
            headers=self._proxied.headers,
            ssl_options=self._proxied.trusted,
            connect_timeout=LIMIT,
        )
        self.socket = await websocket_connect(request)
        return self


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    """A signed-in session behind nginx."""
    tls = make_certificate(tmp_path_factory.mktemp("tls"))
    service = documented_service()
    one = Container(command=service["command"], path="/pwsh")  # type: ignore[arg-type]
    nginx = f"{one.name}-nginx"
    try:
        one.start(
            *(f"--env={key}={value}" for key, value in service["environment"].items()),  # type: ignore[attr-defined]
            *("--publish=127.0.0.1::443", f"--add-host={HOST}:127.0.0.1"),
            f"--volume={tls / 'certificate.pem'}:/certificate.pem:ro",
        )
        one.say(
            *("run", "--detach", f"--name={nginx}", f"--network=container:{one.name}"),
            *(f"--volume={tls}:/etc/nginx/tls:ro", one.build("nginx.Dockerfile", "deploy/proxy")),
        )
        one.sign_in()
        trusted = ssl.create_default_context(cafile=tls / "certificate.pem")
        yield Proxied(one, f"https://{one.published(443)}/pwsh", trusted)
    finally:
        one.docker("rm", "--force", "--volumes", nginx, limit=LIMIT)
        one.remove()


def make_certificate(folder: Path) -> Path:
    """Write nginx's key and certificate into a folder, where every user may read the latter."""
    files = ("-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem"))
    subprocess.run([*SELF_SIGNED, *files], check=True, capture_output=True, timeout=LIMIT)
    folder.chmod(0o755)
    return folder


def test_a_path_behind_tls_leads_to_the_server_which_asks_for_the_token(proxied: Proxied) -> None:
    with proxied.http() as http:
        assert http.get(f"{proxied.address}/health/ready").json() == {"status": "ready"}
        (session,) = http.get(f"{proxied.address}/sessions").json()["sessions"]
        assert session["state"] == "signed_in"
        without = http.get(f"{proxied.address}/sessions", headers={"Authorization": ""})
        assert without.status_code == 401


def test_the_command_line_uses_the_proxy_s_address(proxied: Proxied) -> None:
    said = proxied.container.say(
        *("exec", f"--env=PWSH_MANAGER_URL={URL}", "--env=SSL_CERT_FILE=/certificate.pem"),
        *(f"--env=PWSH_MANAGER_TOKEN={proxied.container.token}", proxied.container.name),
        *("pwsh-kernels", "run", "contoso.example", "exo", "6 * 7"),
    )
    assert said.strip() == "42"


async def test_a_notebook_runs_cells_through_the_proxy_s_websocket(proxied: Proxied) -> None:
    with proxied.http() as http:
        kernel = http.post(f"{proxied.address}/api/kernels", json={"name": "contoso.example.exo"})
    async with FarNotebook(proxied, kernel.json()["id"]) as notebook:
        assert (await notebook.run("6 * 7")).text.strip() == "42"


async def test_what_an_mcp_client_is_told_does_not_wait_for_the_end_of_the_answer(
    proxied: Proxied,
) -> None:
    sign = proxied.container.run("$HOME") + "/heard"
    told = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))
        await asyncio.to_thread(proxied.container.inside, "touch", sign)

    command = "while (-not (Test-Path ~/heard)) { Start-Sleep -Milliseconds 50 }; 'heard'"
    async with (
        asyncio.timeout(LIMIT),
        httpx2.AsyncClient(headers=proxied.headers, timeout=LIMIT, verify=proxied.trusted) as http,
        Client(streamable_http_client(f"{proxied.address}/mcp", http_client=http)) as client,
    ):
        answer = await client.call_tool(
            "pwsh_run", {"tenant": "contoso.example", "command": command}, progress_callback=heard
        )
    assert told
    assert answer.structured_content
    assert answer.structured_content["state"] == "succeeded"
