"""What the tools need from the product, and its implementation over the REST client."""

import asyncio
import re
from abc import abstractmethod
from collections.abc import Collection, Mapping
from typing import Any

from pwsh_kernels.client import Requests, RestClient, find_server
from pwsh_kernels.discovery import MCP_CLIENT, ServerAddress
from pwsh_kernels.mcp.autostart import find_or_start
from pwsh_kernels.settings import Settings

MOST_CLIENTS = 4
"""Clients that stay open: a call may still use the previous server's after the server has moved."""
CLIENT_NAME = MCP_CLIENT
MAX_WORD = 40


class Backend(Requests):
    """The requests of docs/rest.md to a product that may have to be found or started first.

    Every method raises ProductError for a refusal.
    """

    @abstractmethod
    def for_client(self, name: str) -> "Backend":
        """Return the same product, used in the name of one MCP client.

        Whoever starts a run answers its questions.
        """

    @abstractmethod
    async def ready(self) -> str:
        """Make sure that the product answers; return a notice for the caller, or an empty text."""

    def held_verbs(self) -> Collection[str] | None:
        """Return what the caller may do anywhere; None: only the server knows."""
        return None

    @abstractmethod
    async def find(self) -> None:
        """Make sure that the product answers, without starting it: for requests that no person or
        model just made.
        """


def client_word(name: str) -> str:
    """Return an MCP client's name as one word that a User-Agent header can carry."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", name)[:MAX_WORD].strip("-")


class RestBackend(Backend):
    """The product behind its REST API, for the one MCP client of a process.

    Finds the server anew for each tool call, so it may restart or move meanwhile.
    """

    def __init__(self, settings: Settings) -> None:
        """Nothing is connected or started before `ready`."""
        self.timeout_s = settings.client_timeout
        self._settings = settings
        self._finding = asyncio.Lock()
        self._clients: list[RestClient] = []
        self._calls_for = ""

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients:
            await client.close()

    def for_client(self, name: str) -> Backend:
        """Give the client's name with every request from now on."""
        self._calls_for = client_word(name)
        return self

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
        last = self._clients[-1] if self._clients else None
        if last and (last.address, last.calls_for) == (address, self._calls_for):
            return
        timeout_s = self._settings.client_timeout
        self._clients.append(RestClient(address, timeout_s, CLIENT_NAME, self._calls_for))
        while len(self._clients) > MOST_CLIENTS:
            await self._clients.pop(0).close()
