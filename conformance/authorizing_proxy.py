"""A forwarding proxy that adds the Authorization header to each request and nothing else: the
suites cannot send one.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

LOOPBACK = "127.0.0.1"
PIECE = 65_536
HEAD_END = b"\r\n\r\n"
BROKEN = (asyncio.IncompleteReadError, ConnectionError)
"""How a connection ends when one side goes in the middle of something."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)


def authorized(head: bytes, token: str) -> bytes:
    """Return the head of a request with the token in it; one that has an Authorization header keeps
    that.

    Pure.
    """
    if b"\r\nauthorization:" in head.lower():
        return head
    return head.removesuffix(b"\r\n") + f"Authorization: Bearer {token}\r\n\r\n".encode()


def body_length(head: bytes) -> int:
    """Return how many bytes follow the head of a request.

    Raises ValueError for a body without a length. Pure.
    """
    if _CHUNKED.search(head):
        raise ValueError("the proxy forwards only bodies with a Content-Length")
    found = _LENGTH.search(head)
    return int(found[1]) if found else 0


async def _forward_requests(
    client: asyncio.StreamReader, server: asyncio.StreamWriter, token: str
) -> None:
    with suppress(*BROKEN):
        while True:
            head = await client.readuntil(HEAD_END)
            server.write(authorized(head, token) + await client.readexactly(body_length(head)))
            await server.drain()


async def _forward_answers(
    server: asyncio.StreamReader, client: asyncio.StreamWriter, heard: bytearray | None
) -> None:
    with suppress(*BROKEN):
        while piece := await server.read(PIECE):
            if heard is not None:
                heard += piece
            client.write(piece)
            await client.drain()


@asynccontextmanager
async def authorizing_proxy(
    port: int, token: str, heard: bytearray | None = None
) -> AsyncIterator[int]:
    """Give the port of a proxy on loopback in front of another port; its connections end with it.

    `heard` takes answers.
    """

    async def connected(from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(LOOPBACK, port)
        ways = [
            asyncio.create_task(_forward_requests(from_client, to_server, token)),
            asyncio.create_task(_forward_answers(from_server, to_client, heard)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            to_server.close()
            to_client.close()

    proxy = await asyncio.start_server(connected, LOOPBACK, 0)
    try:
        yield proxy.sockets[0].getsockname()[1]
    finally:
        proxy.close()
