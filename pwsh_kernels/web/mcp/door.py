"""`/mcp`: the MCP tools over Streamable HTTP, for whoever holds a token, as an agent."""

import asyncio
import importlib
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.utils import url_path_join
from tornado.routing import PathMatches, Rule
from tornado.web import RequestHandler

from pwsh_kernels.audit.event import Door
from pwsh_kernels.errors import ServerStarting
from pwsh_kernels.principals.principal import Principal
from pwsh_kernels.tracing.context import read_trace, within
from pwsh_kernels.web.access import read_token
from pwsh_kernels.web.guard import Guard
from pwsh_kernels.web.mcp.asgi import serve
from pwsh_kernels.web.product import Backend
from pwsh_kernels.web.spans import within_call

if TYPE_CHECKING:
    from pwsh_kernels.mcp.http import HttpApp
    from pwsh_kernels.tracing.otlp import Exporter

MCP_PATH = "/mcp"
OPEN_WAIT = 30.0
"""Seconds for the MCP SDK to load, at the first request: most servers never get one."""
CLOSE_WAIT = 5.0
_log = logging.getLogger(__name__)


async def load_tools(backend: Backend) -> "HttpApp":
    """Return the application of the product's tools."""
    # The SDK takes a second of computing to load: not at every start, and not in the loop's own
    # thread.
    tools = await asyncio.to_thread(importlib.import_module, "pwsh_kernels.web.mcp.tools")
    app: HttpApp = tools.make_app(backend)
    return app


class McpDoor:
    """Owns an MCP application: opened by the first request, or by the next one after it has died,
    closed with the server.
    """

    def __init__(
        self,
        guard: Guard,
        load: "Callable[[], Awaitable[HttpApp]]",
        traces: "Exporter | None" = None,
    ) -> None:
        """`guard` knows who holds a token; `load` makes the application; `traces` exports spans."""
        self.guard = guard
        self.traces = traces
        self._load = load
        self._stop = asyncio.Event()
        self._opened = asyncio.Event()
        self._opening = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._http: HttpApp | None = None

    async def open(self) -> "HttpApp":
        """Return the application; if the earlier one has ended unexpectedly, a new one.

        Raises ServerStarting if the SDK does not load in time.
        """
        async with self._opening:
            if self._http is None or self._task is None or self._task.done():
                self._http, self._opened = await self._load(), asyncio.Event()
                self._task = asyncio.create_task(
                    self._http.run(self._opened, self._stop), name="mcp"
                )
                self._task.add_done_callback(self._ended)
            http, opened, task = self._http, self._opened, self._task
        waiting = asyncio.ensure_future(opened.wait())
        await asyncio.wait({waiting, task}, timeout=OPEN_WAIT, return_when="FIRST_COMPLETED")
        waiting.cancel()
        if not opened.is_set() or task.done():
            raise ServerStarting
        return http

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Note that the application has ended unexpectedly; the next request opens another one."""
        if not task.cancelled() and not self._stop.is_set():
            _log.error(
                "The MCP application has ended; it is opened again", exc_info=task.exception()
            )

    async def close(self) -> None:
        """End every MCP session; runs that they started continue."""
        self._stop.set()
        if self._task is not None:
            done, _ = await asyncio.wait([self._task], timeout=CLOSE_WAIT)
            if not done:
                self._task.cancel()


class McpHandler(RequestHandler):
    """Admits holders of a token; everything else is up to the SDK: protocol, sessions, Host and
    Origin.
    """

    def initialize(self, door: McpDoor) -> None:
        self.door = door
        self.gone = asyncio.Event()
        self.holder: Principal | None = None

    def prepare(self) -> None:
        """Check the token before a byte of the message is read."""
        given = read_token(self.request.headers.get("Authorization", ""))
        self.holder = self.door.guard.holder(given)
        if self.holder is None:
            refused = self.door.guard.stranger(self.request, Door.MCP)
            self.set_status(refused.status)
            self.set_header("WWW-Authenticate", 'Bearer realm="pwsh-kernels"')
            self.set_header("Content-Type", "application/json")
            self.finish(json.dumps(refused.to_json()))

    # `prepare` has checked the token; the mark tells Jupyter that this is on purpose.
    @allow_unauthenticated
    async def post(self) -> None:
        await self._serve()

    @allow_unauthenticated
    async def get(self) -> None:
        """Open the stream of messages that the server sends unasked (legacy era)."""
        await self._serve()

    @allow_unauthenticated
    async def delete(self) -> None:
        """End an MCP session (legacy era)."""
        await self._serve()

    async def _serve(self) -> None:
        http = await self.door.open()
        extra = http.signed(self.holder.id) if self.holder else {}
        given = read_trace(self.request.headers)
        with within(given), within_call(self.door.traces, given):
            await serve(http.app, self, self.gone, extra)

    def on_connection_close(self) -> None:
        """Notify the application that its client has gone."""
        self.gone.set()

    def check_xsrf_cookie(self) -> None:
        """No cookie is read here, so that no cookie can be forged."""

    def compute_etag(self) -> None:
        """Answers are never cached."""


def mcp_rules(door: McpDoor, base_url: str) -> Sequence[Rule]:
    """Return Tornado's rule for the door."""
    return [
        Rule(PathMatches(url_path_join(base_url, MCP_PATH) + "/?$"), McpHandler, {"door": door})
    ]
