"""pytest plugin: jupyter_server's own tests, with our server in the place of jupyter_server's."""

import secrets
from typing import Any

import pytest
import pytest_jupyter.jupyter_server as fixtures
from differences import DIFFERENCES, REPEATED, UNDECIDED
from jupyter_server.serverapp import ServerApp

from pwsh_kernels.sessions.jupyter.kernel_manager import SessionKernelManager
from pwsh_kernels.settings import SHORTEST_TOKEN
from pwsh_kernels.web.app import PwshKernelsApp, PwshKernelsServer

fixtures_of_upstream: Any = fixtures


class ConformingServer(PwshKernelsServer):
    """Our server, started as upstream's fixtures start theirs."""

    def initialize(
        self,
        argv: list[str] | None = None,
        find_extensions: bool = True,
        new_httpserver: bool = True,
        starter_extension: Any = PwshKernelsApp.name,
    ) -> None:
        """Load our extension too, with our kernel manager: some tests configure one of theirs.

        Their fixtures ask us for the token; the one that they choose is too short for us.
        """
        self.config.IdentityProvider.token = secrets.token_hex(SHORTEST_TOKEN)
        self.config.ServerApp.kernel_manager_class = SessionKernelManager
        chosen = self.config.ServerApp.get("jpserver_extensions", {})
        self.config.ServerApp.jpserver_extensions = {
            **chosen,
            PwshKernelsApp.get_extension_package(): True,
        }
        super().initialize(argv, find_extensions, new_httpserver, starter_extension)


def pytest_configure() -> None:
    """Let upstream's fixtures make our server."""
    assert fixtures_of_upstream.ServerApp is ServerApp
    fixtures_of_upstream.ServerApp = ConformingServer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect the differences that are listed to fail, each for its reason, and no other test."""
    for item in items:
        name = item.nodeid.removeprefix("tests/services/")
        for listed, strict in ((DIFFERENCES, True), (UNDECIDED, False)):
            if reason := reason_of(name, listed):
                item.add_marker(pytest.mark.xfail(reason=reason, strict=strict))
        if reason_of(name, REPEATED):
            item.add_marker(pytest.mark.flaky(max_runs=4))


def reason_of(name: str, listed: dict[str, str]) -> str:
    """Return why a test is listed, or "" ."""
    return next((why for prefix, why in listed.items() if name.startswith(prefix)), "")
