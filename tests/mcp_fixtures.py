"""Both doors of the MCP server in both eras, for tests that want the same from each."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from mcp import Client
from server_fixtures import Server
from test_mcp_http import over_http
from test_mcp_tools import ERAS, Era, connected

Door = Callable[[Server, Era], AbstractAsyncContextManager[Client]]
DOORS: dict[str, Door] = {"rest": connected, "http": over_http}
EACH_WAY = pytest.mark.parametrize(("door", "era"), [(door, era) for door in DOORS for era in ERAS])
"""Runs a test over both doors in both eras; it takes `door` and `era`."""


@asynccontextmanager
async def through(door: str, server: Server, era: Era, **more: Any) -> AsyncIterator[Client]:
    """Give an MCP client of a door."""
    async with DOORS[door](server, era, **more) as client:
        yield client
