"""Where clients look for the server, and which token goes to which address."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pwsh_kernels.client import RestClient, find_server
from pwsh_kernels.discovery import (
    FROM_SETTINGS,
    ServerAddress,
    candidates,
    host_and_port,
    is_loopback,
    read_settings,
    running_servers,
    runtime_address,
)
from pwsh_kernels.errors import InvalidSetting, NotOurServer, RequestRefused, ServerUnreachable
from pwsh_kernels.settings import Settings
from tests.fixtures.server import Server

SECRET = "a secret of the settings, long enough"
FACTS: dict[str, Any] = {
    "service": "pwsh-kernels",
    "hostname": "127.0.0.1",
    "port": 5100,
    "base_url": "/",
    "secure": False,
    "token": "from-the-file",
    "pid": os.getpid(),
}
HERE = ServerAddress("http://127.0.0.1:5100", "here", "file")
ELSEWHERE = ServerAddress("http://127.0.0.1:5200", "elsewhere", "file")


def settings(**given: str) -> Settings:
    """Return settings as the environment would give them."""
    return Settings(**{f"PWSH_MANAGER_{name.upper()}": value for name, value in given.items()})  # type: ignore[arg-type]


def write_runtime_file(folder: Path, pid: int, **facts: Any) -> None:
    """Write what a server with that process id leaves in the runtime folder."""
    (folder / f"jpserver-{pid}.json").write_text(
        json.dumps({**FACTS, "pid": pid, **facts}), encoding="utf-8"
    )


def ended_process() -> int:
    """Return the id of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait(30)
    return child.pid


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1"])
def test_these_hosts_can_only_be_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "localhost.contoso.com", "127.0.0.1.nip.io", "10.0.0.1", "0.0.0.0", "::"]
)
def test_these_hosts_may_be_another_machine(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "url", ["", "localhost:5100", "ftp://127.0.0.1", "http://", "http://127.0.0.1:port"]
)
def test_what_is_no_address_is_refused_by_the_name_of_the_setting(url: str) -> None:
    with pytest.raises(InvalidSetting, match="PWSH_MANAGER_URL"):
        host_and_port(url)


@pytest.mark.parametrize(
    ("facts", "url"),
    [
        ({}, "http://127.0.0.1:5100"),
        ({"hostname": "localhost"}, "http://127.0.0.1:5100"),
        ({"hostname": "0.0.0.0"}, "http://127.0.0.1:5100"),
        ({"hostname": ""}, "http://127.0.0.1:5100"),
        ({"hostname": "::"}, "http://[::1]:5100"),
        ({"secure": True, "base_url": "/tools/"}, "https://127.0.0.1:5100/tools"),
    ],
)
def test_a_token_from_a_runtime_file_goes_to_the_loopback_address_of_its_server(
    facts: dict[str, Any], url: str
) -> None:
    address = runtime_address({**FACTS, **facts}, "file")
    assert address == ServerAddress(url, "from-the-file", "file")


@pytest.mark.parametrize(
    "facts", [{"hostname": "10.0.0.7"}, {"hostname": "contoso.com"}, {"port": 0}, {"port": None}]
)
def test_a_server_that_is_not_on_loopback_is_left_out(facts: dict[str, Any]) -> None:
    assert runtime_address({**FACTS, **facts}, "file") is None


def test_only_living_servers_of_ours_are_found_and_the_newest_comes_first(tmp_path: Path) -> None:
    write_runtime_file(tmp_path, os.getpid(), port=5100)
    write_runtime_file(tmp_path, os.getppid(), port=5200)
    os.utime(tmp_path / f"jpserver-{os.getppid()}.json", (1, 1))
    write_runtime_file(tmp_path, ended_process(), port=5300)
    (tmp_path / "jpserver-half.json").write_text('{"half', encoding="utf-8")
    (tmp_path / "jpserver-list.json").write_text("[]", encoding="utf-8")
    (tmp_path / "jpserver-jupyter.json").write_text(
        json.dumps({**FACTS, "service": "jupyter"}), encoding="utf-8"
    )
    assert [host_and_port(one.url)[1] for one in running_servers(tmp_path)] == [5100, 5200]


def test_a_runtime_folder_that_is_not_there_holds_no_servers(tmp_path: Path) -> None:
    assert running_servers(tmp_path / "none") == []


def test_the_default_address_takes_a_local_server_on_another_port() -> None:
    assert [one.token for one in candidates(settings(), [ELSEWHERE, HERE])] == [
        "here",
        "elsewhere",
        "",
    ]


def test_a_named_address_takes_only_the_server_on_its_port() -> None:
    named = settings(url="http://127.0.0.1:5200/")
    assert candidates(named, [HERE, ELSEWHERE]) == [
        ELSEWHERE,
        ServerAddress("http://127.0.0.1:5200", "", FROM_SETTINGS),
    ]


def test_a_token_that_was_set_goes_to_the_named_address_and_nowhere_else() -> None:
    tried = candidates(settings(token=SECRET), [HERE, ELSEWHERE])
    assert [(one.url, one.token) for one in tried if one.token == SECRET] == [
        ("http://localhost:5100", SECRET)
    ]


def test_no_token_of_this_machine_goes_to_another() -> None:
    tried = candidates(settings(url="http://manager.contoso.com:5100"), [HERE, ELSEWHERE])
    assert tried == [ServerAddress("http://manager.contoso.com:5100", "", FROM_SETTINGS)]


def test_an_address_shows_no_token() -> None:
    assert "here" not in repr(HERE)


def test_a_wrong_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PWSH_MANAGER_PORT", "hunter2")
    with pytest.raises(InvalidSetting) as caught:
        read_settings()
    assert "PWSH_MANAGER_PORT" in caught.value.text()
    assert "hunter2" not in caught.value.text()


@pytest.fixture
def at_home(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The test process looks where the server's user looks."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", server.environment["JUPYTER_RUNTIME_DIR"])
    return server


async def test_the_running_server_and_its_token_are_found(at_home: Server) -> None:
    address = await find_server(settings(url=at_home.url))
    assert (address.url, address.token) == (at_home.url, at_home.token)
    async with RestClient(address, 10, "test") as client:
        assert (await client.sessions())["success"]


async def test_without_its_runtime_file_the_server_is_found_and_refuses(
    at_home: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    async with RestClient(await find_server(settings(url=at_home.url)), 10, "test") as client:
        assert (await client.health())["service"] == "pwsh-kernels"
        with pytest.raises(RequestRefused) as caught:
            await client.sessions()
    assert (caught.value.http_status, caught.value.error_code) == (401, "unauthorized")


async def test_a_port_where_nothing_listens_is_said_with_the_next_step(free_tcp_port: int) -> None:
    with pytest.raises(ServerUnreachable, match="pwsh-kernels serve"):
        await find_server(settings(url=f"http://127.0.0.1:{free_tcp_port}"))


@pytest.fixture
def other_program() -> Iterator[tuple[str, list[str]]]:
    """Another web server: its address, and all that it has heard."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(f"{self.requestline}\n{self.headers}")
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "healthy"}')

        def log_message(self, *args: object) -> None:
            """Keep the tests' output clean."""

    program = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=program.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{program.server_address[1]}", heard
    program.shutdown()
    program.server_close()
    thread.join(10)


async def test_another_program_on_the_port_gets_no_token(
    other_program: tuple[str, list[str]],
) -> None:
    url, heard = other_program
    with pytest.raises(NotOurServer, match=url):
        await find_server(settings(url=url, token=SECRET))
    assert heard
    assert SECRET not in "".join(heard)
