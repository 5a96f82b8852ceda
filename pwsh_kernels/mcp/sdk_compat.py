"""The private names of the MCP SDK (mcp 2.3) that our server needs, under names of ours.

`tests/test_compat.py` fails when one of them goes.
"""

from typing import Any

from mcp.server import MCPServer
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.session import ServerSession


def connection_of(ctx: ServerRequestContext[Any, Any]) -> Connection:
    """Return the connection of a request, which knows when it ends.

    The SDK hands handlers a context without it.
    """
    return ctx.session._connection  # noqa: SLF001


def low_level_server(server: MCPServer[Any]) -> Server[Any]:
    """Return the server below: only there can resources/subscribe be served."""
    return server._lowlevel_server  # noqa: SLF001


def has_cancelled(session: ServerSession) -> bool:
    """Return whether the client said that it cancels the call of this session, rather than only
    went away.

    A tool's context does not show it.
    """
    return session._request_outbound.cancel_requested.is_set()  # noqa: SLF001
