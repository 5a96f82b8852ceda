"""The MCP server as an ASGI application, for a web server that authenticates its callers itself."""

import asyncio
from collections.abc import Sequence
from typing import Any

from mcp.server import MCPServer
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware, get_access_token
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http import EventStore
from mcp.server.transport_security import TransportSecuritySettings

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class HttpApp:
    """Streamable HTTP in both protocol eras.

    `app` is the ASGI application; it works while `run` does.
    """

    def __init__(
        self,
        server: MCPServer[Any],
        allowed_hosts: Sequence[str],
        event_store: EventStore | None = None,
        retry_interval: int | None = None,
    ) -> None:
        """Make the application.

        `allowed_hosts`: `Host` names to accept, besides loopback. `event_store` keeps what a client
        of the legacy era missed while its stream was closed; `retry_interval` is the time in
        milliseconds after which the client should reconnect. Our tools need neither: a run can be
        followed by its id.
        """
        server.streamable_http_app(
            transport_security=security(allowed_hosts),
            event_store=event_store,
            retry_interval=retry_interval,
        )
        self._manager = server.session_manager
        self.app = AuthContextMiddleware(self._manager.handle_request)

    async def run(self, opened: asyncio.Event, stop: asyncio.Event) -> None:
        """Serve until `stop`; the SDK requires that its manager is entered and left in one task."""
        async with self._manager.run():
            opened.set()
            await stop.wait()

    def signed(self, principal: str) -> dict[str, Any]:
        """Return the principal as an addition to the request's ASGI scope: the SDK binds sessions
        to it.

        The token is not passed on.
        """
        token = AccessToken(token="-", client_id=principal, scopes=[], subject=principal)  # noqa: S106 - a placeholder
        return {"user": AuthenticatedUser(token)}


def security(allowed_hosts: Sequence[str]) -> TransportSecuritySettings:
    """Return which Host and Origin headers are served; a page of another site is refused even with
    the token.
    """
    names = [*LOOPBACK, *allowed_hosts]
    return TransportSecuritySettings(
        allowed_hosts=[*names, *(f"{name}:*" for name in names)],
        allowed_origins=[
            f"{scheme}://{name}{port}"
            for scheme in ("http", "https")
            for name in names
            for port in ("", ":*")
        ],
    )


def caller() -> str:
    """Return the principal whose request is being answered; empty outside one."""
    token = get_access_token()
    return (token.subject or "") if token else ""
