"""A PowerShell process with the sandbox's Microsoft.Graph modules, and ways to sign in to them."""

from collections.abc import Iterator

import pytest

from tests.fixtures.sandbox import ADMIN, AUTOMATION, Answer, SandboxShell

TENANT = "contoso.example"
TENANT_ID = "c0070500-0001-4a11-8c0d-5a9d0b0c0001"
READER = "reader@contoso.example"
DEVICE = "Connect-MgGraph -UseDeviceCode -ContextScope Process -NoWelcome"
SIGN_OUT = """
    Clear-SandboxTrap
    if (-not (Get-MgContext)) { Connect-MgGraph -AccessToken (ConvertTo-SecureString x -AsPlainText -Force) -NoWelcome }
    [void] (Disconnect-MgGraph)
"""  # noqa: E501
"""Nobody is connected, and the module keeps nothing: what the catalog does before a sign-in."""
SECRET = """
    param($Id, $Secret)
    $held = ConvertTo-SecureString -AsPlainText -Force $Secret
    Connect-MgGraph -TenantId contoso.example -ClientSecretCredential ([pscredential]::new($Id, $held)) -NoWelcome
"""  # noqa: E501


def sign_in(
    shell: SandboxShell,
    secret: str = "contoso-automation-sandbox-secret",
    app: str = AUTOMATION["contoso"],
) -> Answer:
    """Sign in to Graph as an application of contoso."""
    return shell.ask(SECRET, Id=app, Secret=secret)


def message(answer: Answer) -> str:
    """Return the text of the first error."""
    return str(answer.errors[0]["message"])


@pytest.fixture(scope="session")
def graph_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxShell]:
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
