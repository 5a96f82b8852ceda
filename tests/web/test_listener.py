"""A server that has no descriptor left for another connection says so once, and serves on."""

import asyncio
import logging
import os
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
import pytest_asyncio
from tornado.httpserver import HTTPServer
from tornado.netutil import add_accept_handler, bind_sockets
from tornado.web import Application

from pwsh_kernels.web.listener import Listener, rest_in_shortage

WAIT_S = 20.0
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
SENTENCE = "New connections wait: Too many open files."


class Told(logging.Handler):
    """What was logged, and whether anything was."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.any = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self.any.set()


@pytest_asyncio.fixture
async def told() -> AsyncIterator[Told]:
    """Everything that is logged meanwhile, Tornado's and asyncio's tracebacks too."""
    handler = Told()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    """A server that rests when it is short of descriptors."""
    server = HTTPServer(Application())
    rest_in_shortage(server)
    (listening,) = bind_sockets(0, "127.0.0.1")
    number = int(listening.getsockname()[1])
    server.add_socket(listening)
    yield number
    server.stop()
    await server.close_all_connections()


@pytest.fixture
def clients() -> Iterator[list[socket.socket]]:
    """Two sockets that are not connected yet: in a shortage they could not be made."""
    ours = [socket.socket() for _ in range(2)]
    for one in ours:
        one.settimeout(0)
    yield ours
    for one in ours:
        one.close()


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Let this process open no further file, as if every descriptor were in use."""
    old = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, old)


async def answer(client: socket.socket) -> bytes:
    """Return what a client gets for a request."""
    loop, said = asyncio.get_running_loop(), b""
    async with asyncio.timeout(WAIT_S):
        await loop.sock_sendall(client, REQUEST)
        while not said.endswith(b"</html>"):
            said += await loop.sock_recv(client, 10_000)
    return said


async def test_without_descriptors_open_connections_are_served_and_new_ones_wait(
    port: int, clients: list[socket.socket], told: Told
) -> None:
    loop, (old, new) = asyncio.get_running_loop(), clients
    await loop.sock_connect(old, ("127.0.0.1", port))
    assert b" 404 " in await answer(old)
    with no_descriptor_left():
        told.lines.clear()
        told.any.clear()
        await loop.sock_connect(new, ("127.0.0.1", port))
        await asyncio.wait_for(told.any.wait(), WAIT_S)
        assert told.lines[0].startswith(SENTENCE)
        assert b" 404 " in await answer(old)
    assert b" 404 " in await answer(new)
    assert not [line for line in told.lines if "Exception" in line]


async def test_a_shortage_is_told_once_until_a_connection_is_accepted_again(
    clients: list[socket.socket], told: Told
) -> None:
    loop, (first, second) = asyncio.get_running_loop(), clients
    accepted: asyncio.Queue[socket.socket] = asyncio.Queue()
    (bound,) = bind_sockets(0, "127.0.0.1")
    with Listener(fileno=bound.detach()) as listener:
        remove = add_accept_handler(listener, lambda one, _: accepted.put_nowait(one))
        for client in (first, second):
            told.any.clear()
            with no_descriptor_left():
                await loop.sock_connect(client, listener.getsockname())
                await asyncio.wait_for(told.any.wait(), WAIT_S)
                with pytest.raises(BlockingIOError):
                    listener.accept()
            (await asyncio.wait_for(accepted.get(), WAIT_S)).close()
        remove()
    assert [line[: len(SENTENCE)] for line in told.lines] == [SENTENCE, SENTENCE]


async def test_another_failure_of_accept_is_not_hidden() -> None:
    with Listener() as listener, pytest.raises(OSError, match="Invalid argument"):
        listener.accept()
