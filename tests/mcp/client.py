"""An MCP client of the tools, over the REST API of a server, and what its answers hold."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from mcp import Client
from mcp.client.session import ElicitationFnT
from mcp_types import CallToolResult, TextContent

from pwsh_kernels.mcp.backend import RestBackend
from pwsh_kernels.mcp.server import build_server
from pwsh_kernels.settings import Settings
from tests.fixtures.server import Server

LIMIT = 60.0
"""Seconds that anything may take."""
Era = Literal["legacy", "auto"]
ERAS: tuple[Era, ...] = ("legacy", "auto")
Json = dict[str, Any]


def settings_for(url: str, token: str = "") -> Settings:
    """Return settings as the environment of an MCP client's configuration gives them."""
    return Settings(PWSH_MANAGER_URL=url, PWSH_MANAGER_TOKEN=token, PWSH_MANAGER_AUTOSTART="false")  # type: ignore[call-arg]


@asynccontextmanager
async def connected(
    server: Server, era: Era = "auto", ask: ElicitationFnT | None = None
) -> AsyncIterator[Client]:
    """Give an MCP client of the tools, over the REST API of a server; `ask`: the person at a client
    that asks them.
    """
    backend = RestBackend(settings_for(server.url, server.token))
    try:
        async with (
            asyncio.timeout(LIMIT),
            Client(build_server(backend), mode=era, elicitation_callback=ask) as client,
        ):
            yield client
    finally:
        await backend.close()


async def call(client: Client, tool: str, **arguments: Any) -> CallToolResult:
    """Call a tool."""
    return await client.call_tool(tool, arguments)


def text_of(result: CallToolResult) -> str:
    """Return the one text of a result."""
    [content] = result.content
    assert isinstance(content, TextContent)
    return content.text


def facts_of(result: CallToolResult) -> Json:
    """Return the structured content of a result."""
    assert isinstance(result.structured_content, dict)
    return result.structured_content
