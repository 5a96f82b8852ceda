"""Updates: notifies clients that subscribed to the sessions, or to one session's status, when these
change, in both eras; in the newest, also that the tools which a client is shown are others.

Each subscriber has a watch of its own: one request that waits for a change, made in its
subscriber's name, and ended with the subscription or the connection. Without subscribers nothing is
requested.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import anyio
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    ResourceUpdated,
    ToolsListChanged,
)
from mcp.shared.uri_template import UriTemplate
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    EmptyResult,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)

from pwsh_kernels.errors import ProductError
from pwsh_kernels.mcp.backend import Backend
from pwsh_kernels.mcp.offers.protocol_errors import names_nothing, protocol_refusals
from pwsh_kernels.mcp.offers.resources import SESSIONS, STATUS
from pwsh_kernels.mcp.offers.tool_list import watch_tools
from pwsh_kernels.mcp.sdk_compat import connection_of, low_level_server
from pwsh_kernels.shapes import Sessions

WATCH_WAIT = 60.0
"""Seconds of one request for a change; then it is made again."""
QUIET_PAUSE = 0.5
"""Seconds between two requests without a change, for a server that allows no waiting
(PWSH_MANAGER_MAX_WAIT).
"""
RETRY_PAUSE = 5.0
"""Seconds until a watch whose server has gone looks for it again."""
CLOSE_WAIT = 5.0
"""Seconds that an ending watch may take."""
MAX_WATCHES = 256
"""Subscribers at the same time; each holds one waiting request."""

LOG = logging.getLogger(__name__)
Tell = Callable[[str], Awaitable[None]]
_STATE = "pwsh-watch"
_STATUS = UriTemplate.parse(STATUS)


class Watch:
    """Notifies one subscriber which of its addresses have changed; its task exists while it has
    addresses.
    """

    def __init__(self, backend: Backend, tell: Tell) -> None:
        """`tell` sends the update of one address."""
        self._backend = backend
        self._tell = tell
        self._sessions: dict[str, str] = {}
        self._task: asyncio.Task[None] | None = None

    async def add(self, uri: str) -> None:
        """Watch an address from now on.

        Raises ProductError for one that names nothing, MCPError for one without updates.
        """
        session = await session_of(self._backend, uri)
        before = await self._backend.sessions()
        self._sessions[uri] = session
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch(before), name="watch of a subscriber")

    def remove(self, uri: str) -> None:
        """Stop watching an address."""
        self._sessions.pop(uri, None)
        if not self._sessions and self._task is not None:
            self._task.cancel()
            self._task = None

    async def close(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task], timeout=CLOSE_WAIT)

    async def _watch(self, before: Sessions) -> None:
        try:
            while True:
                after = await self._next(before)
                for uri in changed(self._sessions, before, after):
                    await self._tell(uri)
                if after["version"] == before["version"]:
                    await asyncio.sleep(QUIET_PAUSE)
                before = after
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            LOG.debug("A subscriber has gone")
        except Exception:  # the outermost loop of a subscriber's task, which nobody waits for
            LOG.exception("Watching the sessions for a subscriber failed")

    async def _next(self, before: Sessions) -> Sessions:
        """Return the sessions after a change, or as they were after a time without one; a server
        that is gone may return.
        """
        try:
            await self._backend.find()
            return await self._backend.sessions(before["version"], WATCH_WAIT)
        except ProductError as error:
            LOG.info("The sessions cannot be watched now: %s", error)
            await asyncio.sleep(RETRY_PAUSE)
            return before


async def session_of(backend: Backend, uri: str) -> str:
    """Return the session (`contoso.com:exo`) that an address is about, empty for all.

    Raises as `Watch.add` does.
    """
    await backend.ready()
    if uri == SESSIONS:
        return ""
    names = _STATUS.match(uri)
    if names is None:
        raise MCPError(
            INVALID_PARAMS,
            f"There are no updates for {uri}. There are some for {SESSIONS} and {STATUS}.",
        )
    status = await backend.status(str(names["tenant"]), str(names["module"]), 0)
    return status["session"]


def changed(watched: Mapping[str, str], before: Sessions, after: Sessions) -> list[str]:
    """Return which of the watched addresses (→ session, empty: all) are about something whose
    version has changed.

    Pure.
    """
    if before["version"] == after["version"]:
        return []
    old, new = (
        {one["session"]: one["version"] for one in each["sessions"]} for each in (before, after)
    )
    return [
        uri
        for uri, session in watched.items()
        if not session or old.get(session) != new.get(session)
    ]


class Updates:
    """The requests by which clients subscribe, in both eras."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._watches: set[Watch] = set()

    async def subscribe(
        self, ctx: ServerRequestContext[Any, Any], params: SubscribeRequestParams
    ) -> EmptyResult:
        """Take resources/subscribe (eras before 2026-07-28)."""
        with protocol_refusals():
            await self._watch_of(ctx).add(str(params.uri))
        return EmptyResult()

    async def unsubscribe(
        self, ctx: ServerRequestContext[Any, Any], params: UnsubscribeRequestParams
    ) -> EmptyResult:
        """Take resources/unsubscribe (eras before 2026-07-28)."""
        watch: Watch | None = connection_of(ctx).state.get(_STATE)
        if watch is not None:
            watch.remove(str(params.uri))
        return EmptyResult()

    async def listen(
        self, ctx: ServerRequestContext[Any, Any], params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """Serve subscriptions/listen (2026-07-28) until the client closes it; the acknowledgement
        names what is watched.
        """
        bus = InMemorySubscriptionBus()
        telling: asyncio.Task[None] | None = None
        watch = self._open(lambda uri: bus.publish(ResourceUpdated(uri=uri)))
        try:
            with protocol_refusals():
                watched = await self._watched(
                    watch, params.notifications.resource_subscriptions or []
                )
            honored = params.notifications.model_copy(
                update={"resource_subscriptions": watched or None}
            )
            if honored.tools_list_changed:
                telling = asyncio.create_task(
                    watch_tools(self._backend, lambda: bus.publish(ToolsListChanged())),
                    name="tools of a subscriber",
                )
            return await ListenHandler(bus)(
                ctx, params.model_copy(update={"notifications": honored})
            )
        finally:
            if telling is not None:
                telling.cancel()
            with anyio.CancelScope(shield=True):
                await self._close(watch)

    async def _watched(self, watch: Watch, uris: list[str]) -> list[str]:
        """Watch the addresses that can be watched; return them."""
        watched = []
        for uri in uris:
            try:
                await watch.add(uri)
            except MCPError:
                continue
            except ProductError as error:
                if not names_nothing(error):
                    raise
                continue
            watched.append(uri)
        return watched

    def _watch_of(self, ctx: ServerRequestContext[Any, Any]) -> Watch:
        """Return the watch of a connection; it ends with the connection."""
        connection, session = connection_of(ctx), ctx.session
        watch: Watch | None = connection.state.get(_STATE)
        if watch is None:
            watch = connection.state[_STATE] = self._open(session.send_resource_updated)
            connection.exit_stack.push_async_callback(self._close, watch)
        return watch

    def _open(self, tell: Tell) -> Watch:
        if len(self._watches) >= MAX_WATCHES:
            raise MCPError(
                INTERNAL_ERROR, f"{MAX_WATCHES} clients are subscribed already. Try again later."
            )
        watch = Watch(self._backend, tell)
        self._watches.add(watch)
        return watch

    async def _close(self, watch: Watch) -> None:
        self._watches.discard(watch)
        await watch.close()


def add_updates(server: MCPServer[Any], backend: Backend) -> None:
    """Serve the subscriptions of both eras."""
    updates = Updates(backend)
    requests = low_level_server(server)
    requests.add_request_handler("resources/subscribe", SubscribeRequestParams, updates.subscribe)
    requests.add_request_handler(
        "resources/unsubscribe", UnsubscribeRequestParams, updates.unsubscribe
    )
    requests.add_request_handler(
        "subscriptions/listen", SubscriptionsListenRequestParams, updates.listen
    )
