"""What the tools need from the product, and its implementation over the REST client."""

import asyncio
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from pwsh_kernels.client import Requests, RestClient, find_server
from pwsh_kernels.discovery import ServerAddress
from pwsh_kernels.mcp.autostart import find_or_start
from pwsh_kernels.settings import Settings

MOST_CLIENTS = 4
"""Clients that stay open: a call may still use the one of a server that has moved since."""
CLIENT_NAME = "pwsh-kernels-mcp"
"""What a run shows as its client."""


class Backend(Requests):
    """The requests of docs/rest.md to a product that may have to be found or started first.

    Every method raises ProductError for what was refused.
    """

    @abstractmethod
    async def ready(self) -> str:
        """Make sure that the product answers; return what the caller must be told about it, or an
        empty text.
        """

    @abstractmethod
    async def find(self) -> None:
        """Make sure that the product answers, and start nothing: for what nobody asked for just
        now.
        """


class RestBackend(Backend):
    """The product behind its REST API.

    Finds the server anew for each tool call, so it may restart or move meanwhile.
    """

    def __init__(self, settings: Settings) -> None:
        """Nothing is connected or started before `ready`."""
        self.timeout_s = settings.client_timeout
        self._settings = settings
        self._finding = asyncio.Lock()
        self._clients: list[RestClient] = []

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            await client.close()

    async def ready(self) -> str:
        """Find the server, or start one on this machine when the settings allow it; see
        autostart.py.
        """
        async with self._finding:
            address, notice = await find_or_start(self._settings)
            await self._use(address)
        return notice

    async def find(self) -> None:
        """Find the server. Raises ServerUnreachable, NotOurServer."""
        async with self._finding:
            await self._use(await find_server(self._settings))

    async def send(self, route: str, values: Mapping[str, Any], of: str) -> Any:
        """Send a request to the server that was found last."""
        return await self._clients[-1].send(route, values, of)

    async def _use(self, address: ServerAddress) -> None:
        if self._clients and self._clients[-1].address == address:
            return
        self._clients.append(RestClient(address, self._settings.client_timeout, CLIENT_NAME))
        while len(self._clients) > MOST_CLIENTS:
            await self._clients.pop(0).close()
