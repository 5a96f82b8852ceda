"""How much of a server callers without a token can take up: so many connections, for so long."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from pwsh_kernels.web.connections import bound_connections
from tests.fixtures.server import Server

WAIT_S = 20.0
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
BODY_DUE = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc"


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    """A server that holds two connections, and gives a request half a second to arrive."""
    server = HTTPServer(Application())
    bound_connections(server, 2, 0.5)
    (listening,) = bind_sockets(0, "127.0.0.1")
    server.add_socket(listening)
    yield listening.getsockname()[1]
    server.stop()
    await server.close_all_connections()


async def answer(port: int, data: bytes) -> bytes:
    """Send bytes and return what comes until the server closes."""
    async with asyncio.timeout(WAIT_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        said = await reader.read()
        writer.close()
        return said


async def test_a_connection_too_many_is_told_so_and_a_closed_one_makes_room(port: int) -> None:
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
    refused = await answer(port, b"")
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b'"code": "too_many_connections"' in refused
    for _, writer in held:
        writer.close()
        await writer.wait_closed()
    served = await answer(port, HEAD + b"Connection: close\r\n\r\n")
    assert served.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize("data", [b"", HEAD, BODY_DUE])
async def test_a_request_that_does_not_arrive_in_time_is_dropped(port: int, data: bytes) -> None:
    assert not (await answer(port, data)).startswith(b"HTTP/1.1 2")


@pytest.mark.slow
def test_the_server_has_these_bounds_from_its_settings(tmp_path: Path) -> None:
    bounds = {"PWSH_MANAGER_CONNECTIONS": "1", "PWSH_MANAGER_REQUEST_TIME": "1"}
    server = Server(tmp_path, bounds).start()
    try:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), WAIT_S) as held:
            held.settimeout(WAIT_S)
            held.sendall(HEAD)
            with socket.create_connection((host, int(port)), WAIT_S) as second:
                second.settimeout(WAIT_S)
                assert second.recv(1000).startswith(b"HTTP/1.1 503 ")
            assert held.recv(1000) == b""
    finally:
        server.close()
