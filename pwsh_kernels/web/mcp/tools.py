"""The MCP tools over the server's own routes: loaded with the MCP SDK, at the first request to
/mcp.
"""

from pwsh_kernels.mcp.backend import CLIENT_NAME, RequestsBackend
from pwsh_kernels.mcp.http import HttpApp, caller
from pwsh_kernels.mcp.server import build_server
from pwsh_kernels.web.access import Principal
from pwsh_kernels.web.mcp.in_process_client import DirectClient
from pwsh_kernels.web.product import Backend


class DirectBackend(RequestsBackend):
    """The tools' product is the server that they run in; each call is its caller's."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def _client(self) -> DirectClient:
        return DirectClient(self._backend, Principal(caller(), CLIENT_NAME))

    async def ready(self) -> str:
        """Nothing is to be found or started: the server answers itself."""
        return ""

    async def find(self) -> None:
        """Nothing is to be found."""


def make_app(backend: Backend) -> HttpApp:
    """Return the MCP application of a server."""
    return HttpApp(build_server(DirectBackend(backend)), backend.settings.allowed_hosts)
