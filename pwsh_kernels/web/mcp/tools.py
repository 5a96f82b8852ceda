"""The MCP tools over the server's own routes: loaded with the MCP SDK, at the first request to
/mcp.
"""

from collections.abc import Collection, Mapping
from typing import Any

from pwsh_kernels.client import refusal
from pwsh_kernels.errors import Unauthorized
from pwsh_kernels.mcp import backend as tools
from pwsh_kernels.mcp.http import HttpApp, caller
from pwsh_kernels.mcp.server import build_server
from pwsh_kernels.principals.principal import SOMEWHERE, derived_agent
from pwsh_kernels.principals.verbs import Verb
from pwsh_kernels.web.access import Caller
from pwsh_kernels.web.mcp.in_process_client import ask
from pwsh_kernels.web.product import Backend


class DirectBackend(tools.Backend):
    """The tools' product is the server that they run in; each call is its caller's."""

    def __init__(self, backend: Backend, calls_for: str = "") -> None:
        """`calls_for` is the MCP client's name for itself."""
        self._calls_for = calls_for
        self.timeout_s = backend.settings.client_timeout
        self._backend = backend
        self._client = ":".join(filter(None, (tools.CLIENT_NAME, calls_for)))

    def for_client(self, name: str) -> tools.Backend:
        """Return one whose calls are this client's: many share the server."""
        return DirectBackend(self._backend, tools.client_word(name))

    async def send(self, route: str, values: Mapping[str, Any], of: str) -> Any:
        """Let a route of the server answer the agent that acts for the request's principal.

        Raises RequestRefused.
        """
        agent = self._agent()
        if agent is None:  # its token was valid when the request arrived
            gone = Unauthorized()
            raise refusal(gone.status, gone.to_json())
        return await ask(self._backend, agent, route, values, of)

    def held_verbs(self) -> Collection[str]:
        """Ask the guard, for the request's principal; a freeze, which ends, hides no tool."""
        agent, guard = self._agent(), self._backend.guard
        if agent is None:
            return ()
        return guard.decide(agent, Verb.SEE, SOMEWHERE).held

    def _agent(self) -> Caller | None:
        """Return the agent that acts for the request's principal."""
        holder = self._backend.guard.principal(caller())
        return Caller(derived_agent(holder, self._calls_for), self._client) if holder else None

    async def ready(self) -> str:
        """Nothing is to be found or started: the server answers itself."""
        return ""

    async def find(self) -> None:
        """Nothing is to be found."""


def make_app(backend: Backend) -> HttpApp:
    """Return the MCP application of a server."""
    return HttpApp(build_server(DirectBackend(backend)), backend.settings.allowed_hosts)
