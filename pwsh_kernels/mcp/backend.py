"""What the tools need from the product, and its implementation over the REST client."""

import asyncio
from abc import ABC, abstractmethod
from typing import Any, Literal, Protocol

from pwsh_kernels.client import Requests, RestClient, find_server
from pwsh_kernels.discovery import ServerAddress
from pwsh_kernels.mcp.autostart import find_or_start
from pwsh_kernels.settings import Settings

Json = dict[str, Any]

MOST_CLIENTS = 4
"""Clients that stay open: a call may still use the one of a server that has moved since."""
CLIENT_NAME = "pwsh-kernels-mcp"
"""What a run shows as its client."""


class Backend(Protocol):
    """Sessions and runs, in the JSON shapes of docs/rest.md.

    Every method raises ProductError for what was refused.
    """

    async def ready(self) -> str:
        """Make sure that the product answers; return what the caller must be told about it, or an
        empty text.
        """

    async def find(self) -> None:
        """Make sure that the product answers, and start nothing: for what nobody asked for just
        now.
        """

    async def login(
        self, tenant: str, module: str, wait_s: float, route: str | None = None
    ) -> Json:
        """Start or follow a sign-in."""

    async def status(self, tenant: str, module: str, wait_s: float) -> Json:
        """Return a session's state, after a pending sign-in ended or `wait_s` passed."""

    async def sessions(self) -> Json:
        """Return every session."""

    async def changed_sessions(self, seen: str, wait_s: float) -> Json:
        """Return every session once their version is not `seen`, or `wait_s` passed."""

    async def modules(self) -> Json:
        """Return the services of the catalog."""

    async def tenants(self) -> Json:
        """Return the known tenants."""

    async def start_run(self, tenant: str, module: str, command: str, options: Json) -> Json:
        """Start a command and return its Run at once; `options`: parameters, format."""

    async def start_everywhere(
        self, tenants: list[str] | Literal["*"], module: str, command: str, options: Json
    ) -> Json:
        """Start a command in several tenants; `results` has a Run, or a refusal, for each."""

    async def read_run(
        self, run_id: str, cursor: int, wait_s: float, limit: int, seen: str | None = None
    ) -> Json:
        """Return a Run and its output from a cursor, once there is some, or its state is not
        `seen`, or `wait_s` passed.
        """

    async def recent_runs(
        self, limit: int, tenant: str | None = None, module: str | None = None
    ) -> list[Json]:
        """Return the newest runs of commands, of one session or of all."""

    async def answer(self, run_id: str, value: Any) -> Json:
        """Answer the question of a run; the shape of `value` is the prompt's (records.Prompt)."""

    async def refuse(self, run_id: str) -> Json:
        """Refuse the question of a run: its command gets an error."""

    async def cancel(self, run_id: str, wait_s: float) -> Json:
        """Stop a run."""

    async def lines(self, run_id: str, **asked: Any) -> Json:
        """Return lines of a run's output; `asked`: from, count, search, context, ignore_case."""

    async def query(self, run_id: str, asked: Json) -> Json:
        """Filter, sort and project a run's kept objects; returns the run that does it."""

    async def find_commands(
        self, tenant: str, module: str, words: str, limit: int, wait_s: float
    ) -> Json:
        """Return commands of a session that fit the words."""

    async def disconnect(self, tenant: str, module: str, forget: bool = False) -> Json:
        """Sign out and close a session."""


class RequestsBackend(ABC):
    """The product behind the requests of docs/rest.md, whatever way they take."""

    @property
    @abstractmethod
    def _client(self) -> Requests:
        """What sends the requests of the present call."""

    @abstractmethod
    async def ready(self) -> str:
        """Make sure that the product answers; return what the caller must be told about it, or an
        empty text.
        """

    @abstractmethod
    async def find(self) -> None:
        """Make sure that the product answers, and start nothing."""

    async def login(
        self, tenant: str, module: str, wait_s: float, route: str | None = None
    ) -> Json:
        return await self._client.login(tenant, module, wait_s, route=route)

    async def status(self, tenant: str, module: str, wait_s: float) -> Json:
        return await self._client.status(tenant, module, wait_s)

    async def sessions(self) -> Json:
        return await self._client.sessions()

    async def changed_sessions(self, seen: str, wait_s: float) -> Json:
        return await self._client.sessions(seen, wait_s)

    async def modules(self) -> Json:
        return await self._client.modules(installed=False)

    async def tenants(self) -> Json:
        return await self._client.tenants()

    async def start_run(self, tenant: str, module: str, command: str, options: Json) -> Json:
        return await self._client.run(tenant, module, command, wait_s=0, **options)

    async def start_everywhere(
        self, tenants: list[str] | Literal["*"], module: str, command: str, options: Json
    ) -> Json:
        return await self._client.run_everywhere(tenants, module, command, wait_s=0, **options)

    async def read_run(
        self, run_id: str, cursor: int, wait_s: float, limit: int, seen: str | None = None
    ) -> Json:
        return await self._client.read_run(run_id, cursor, wait_s, limit, seen)

    async def recent_runs(
        self, limit: int, tenant: str | None = None, module: str | None = None
    ) -> list[Json]:
        found = await self._client.runs(
            tenant=tenant, module=module, purpose="command", limit=limit
        )
        return list(found["runs"])

    async def lines(self, run_id: str, **asked: Any) -> Json:
        return await self._client.lines(run_id, **asked)

    async def query(self, run_id: str, asked: Json) -> Json:
        return await self._client.query(run_id, asked)

    async def answer(self, run_id: str, value: Any) -> Json:
        return await self._client.answer(run_id, value)

    async def refuse(self, run_id: str) -> Json:
        return await self._client.refuse(run_id)

    async def cancel(self, run_id: str, wait_s: float) -> Json:
        return await self._client.cancel(run_id, wait_s)

    async def find_commands(
        self, tenant: str, module: str, words: str, limit: int, wait_s: float
    ) -> Json:
        return await self._client.find(tenant, module, words, limit, wait_s)

    async def disconnect(self, tenant: str, module: str, forget: bool = False) -> Json:
        return await self._client.disconnect(tenant, module, forget=forget)


class RestBackend(RequestsBackend):
    """The product behind its REST API.

    Finds the server anew for each tool call, so it may restart or move meanwhile.
    """

    def __init__(self, settings: Settings) -> None:
        """Nothing is connected or started before `ready`."""
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

    async def _use(self, address: ServerAddress) -> None:
        if self._clients and self._clients[-1].address == address:
            return
        self._clients.append(RestClient(address, self._settings.client_timeout, CLIENT_NAME))
        while len(self._clients) > MOST_CLIENTS:
            await self._clients.pop(0).close()

    @property
    def _client(self) -> RestClient:
        return self._clients[-1]
