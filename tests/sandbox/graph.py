"""Signing in to the sandbox's Microsoft.Graph modules and out again, and the output of that."""

from tests.fixtures.sandbox import AUTOMATION, Answer, SandboxShell

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
