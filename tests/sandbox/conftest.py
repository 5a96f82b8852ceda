"""PowerShells with the sandbox's modules: signed in to a service, or with nobody signed in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.sandbox import ADMIN, SandboxShell
from tests.sandbox.graph import SIGN_OUT, TENANT, sign_in


@pytest.fixture(scope="session")
def graph_process(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SandboxShell]:
    home = str(tmp_path_factory.mktemp("home"))
    opened = SandboxShell(tmp_path_factory.mktemp("sandbox"), {"HOME": home})
    opened.ask("Import-Module Microsoft.Graph.Users, Microsoft.Graph.Groups")
    yield opened
    opened.close()


@pytest.fixture
def graph(graph_process: SandboxShell) -> Iterator[SandboxShell]:
    """A session in which nobody is signed in to Graph."""
    yield graph_process
    graph_process.authority.clear_traps(TENANT)
    graph_process.authority.restore(ADMIN)
    graph_process.ask(SIGN_OUT)


@pytest.fixture
def directory(graph: SandboxShell) -> SandboxShell:
    """A session of the application that may do everything."""
    assert not sign_in(graph).errors
    return graph


@pytest.fixture(scope="session")
def contoso_shell(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SandboxShell]:
    shell = SandboxShell(tmp_path_factory.mktemp("sandbox"))
    shell.connect(ADMIN)
    yield shell
    shell.close()


@pytest.fixture(scope="session")
def fabrikam_shell(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SandboxShell]:
    shell = SandboxShell(tmp_path_factory.mktemp("sandbox"))
    shell.connect("admin@fabrikam.example")
    yield shell
    shell.close()


@pytest.fixture(scope="session")
def newcomer_shell(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SandboxShell]:
    """A session that is not connected whenever a test gets it."""
    shell = SandboxShell(
        tmp_path_factory.mktemp("sandbox"), {"PWSH_KERNELS_SANDBOX_EXPIRES_IN": "30"}
    )
    yield shell
    shell.close()


@pytest.fixture
def signed_out_shell(newcomer_shell: SandboxShell) -> Iterator[SandboxShell]:
    yield newcomer_shell
    newcomer_shell.authority.clear_traps("contoso.example")
    newcomer_shell.ask("Disconnect-ExchangeOnline -Confirm:$false; Clear-SandboxTrap")
