"""The MCP tools over the server's own routes: loaded with the MCP SDK, at the first request to
/mcp.
"""

from collections.abc import Mapping
from typing import Any

from pwsh_kernels.mcp import backend as tools
from pwsh_kernels.mcp.http import HttpApp, caller
from pwsh_kernels.mcp.server import build_server
from pwsh_kernels.web.access import Principal
from pwsh_kernels.web.mcp.in_process_client import ask
from pwsh_kernels.web.product import Backend


class DirectBackend(tools.Backend):
    """The tools' product is the server that they run in; each call is its caller's."""

    def __init__(self, backend: Backend, calls_for: str = "") -> None:
        self.timeout_s = backend.settings.client_timeout
        self._backend = backend
        self._client = ":".join(filter(None, (tools.CLIENT_NAME, calls_for)))

    def for_client(self, name: str) -> tools.Backend:
        """Return one whose calls are this client's: many share the server."""
        return DirectBackend(self._backend, tools.client_word(name))

    async def send(self, route: str, values: Mapping[str, Any], of: str) -> Any:
        """Let a route of the server answer."""
        return await ask(self._backend, Principal(caller(), self._client), route, values, of)

    async def ready(self) -> str:
        """Nothing is to be found or started: the server answers itself."""
        return ""

    async def find(self) -> None:
        """Nothing is to be found."""


def make_app(backend: Backend) -> HttpApp:
    """Return the MCP application of a server."""
    return HttpApp(build_server(DirectBackend(backend)), backend.settings.allowed_hosts)
