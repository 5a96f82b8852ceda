"""Both doors of the MCP server in both eras, for tests that want the same from each; and what
subscribers are told.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ResourceUpdated, Subscription
from mcp_types import ResourceUpdatedNotification

from pwsh_kernels.mcp.backend import RestBackend
from pwsh_kernels.mcp.server import build_server
from tests.fixtures.server import Server
from tests.mcp.client import ERAS, LIMIT, Era, settings_for

EACH_WAY = pytest.mark.parametrize(
    ("door", "era"), [(door, era) for door in ("rest", "http") for era in ERAS]
)
"""Runs a test over both doors in both eras; it takes `door` and `era`."""


@asynccontextmanager
async def through(door: str, server: Server, era: Era, **options: Any) -> AsyncIterator[Client]:
    """Give an MCP client of a door; `options` are the SDK's for it."""
    way = over_http if door == "http" else over_rest
    async with asyncio.timeout(LIMIT), way(server, era, **options) as client:
        yield client


@asynccontextmanager
async def over_rest(server: Server, era: Era, **options: Any) -> AsyncIterator[Client]:
    """Give a client of what mcp_server.py serves."""
    backend = RestBackend(settings_for(server.url, server.token))
    try:
        async with Client(build_server(backend), mode=era, **options) as client:
            yield client
    finally:
        await backend.close()


@asynccontextmanager
async def over_http(server: Server, era: Era, **options: Any) -> AsyncIterator[Client]:
    """Give a client of the server's own door."""
    async with (
        httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {server.token}"}, timeout=LIMIT, verify=False
        ) as http,
        Client(
            streamable_http_client(f"{server.url}/mcp", http_client=http), mode=era, **options
        ) as client,
    ):
        yield client


class News:
    """What a client was told: addresses, in the order of arrival."""

    def __init__(self) -> None:
        self._arrived: asyncio.Queue[str] = asyncio.Queue()
        self.seen: set[str] = set()

    async def hear(self, message: Any) -> None:
        """Take a notification (eras before 2026-07-28)."""
        if isinstance(message, ResourceUpdatedNotification):
            self._arrived.put_nowait(str(message.params.uri))

    async def follow(self, subscription: Subscription) -> None:
        """Take the events of a stream (2026-07-28)."""
        async for event in subscription:
            assert isinstance(event, ResourceUpdated)
            self._arrived.put_nowait(event.uri)

    async def until(self, *uris: str) -> None:
        """Wait until all these addresses have been told."""
        async with asyncio.timeout(LIMIT):
            while not set(uris) <= self.seen:
                self.seen.add(await self._arrived.get())


@asynccontextmanager
async def subscribed(client: Client, news: News, *uris: str) -> AsyncIterator[None]:
    """Subscribe in the way of the client's era; `news` must be its message handler in the older
    ones.
    """
    if client.protocol_version < "2026-07-28":
        for uri in uris:
            await client.session.subscribe_resource(uri)
        yield
        for uri in uris:
            await client.session.unsubscribe_resource(uri)
        return
    async with client.listen(resource_subscriptions=uris) as subscription:
        assert subscription.honored.resource_subscriptions == list(uris)
        following = asyncio.create_task(news.follow(subscription))
        try:
            yield
        finally:
            following.cancel()
