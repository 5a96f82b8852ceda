"""Signing in to the sandbox's Microsoft.Graph.Authentication, and how sign-ins end, on a real
PowerShell.
"""

import json
from pathlib import Path

import pytest

from tests.fixtures.sandbox import (
    ADMIN,
    AUTOMATION,
    CERTIFICATE_PASSWORD,
    PROMPT,
    Answer,
    ProcessEnded,
    SandboxShell,
    make_certificate,
    say_no,
    sign_in_as,
)
from tests.sandbox.graph import DEVICE, READER, SIGN_OUT, TENANT, TENANT_ID, message, sign_in

pytestmark = pytest.mark.xdist_group("graph")

GRAPH = "https://graph.microsoft.com"
CONTEXT = (
    "Get-MgContext | Select-Object Account, ClientId, AppName, TenantId, AuthType,"
    " TokenCredentialType, ContextScope"
)
CERTIFICATE = """
    param($File, $Password, $Id, $Tenant = 'contoso.example')
    $certificate = [System.Security.Cryptography.X509Certificates.X509Certificate2]::new($File, $Password)
"""  # noqa: E501


def test_the_code_is_output_of_connect_and_on_no_other_channel(graph: SandboxShell) -> None:
    answer = graph.ask(f"{DEVICE} -TenantId {TENANT}", sign_in_as(ADMIN))
    assert [bool(PROMPT.fullmatch(line)) for line in answer.output] == [True]
    assert (answer.console, answer.warnings, answer.information, answer.errors) == ([], [], [], [])


def test_whoever_assigns_connects_output_does_not_see_the_code(graph: SandboxShell) -> None:
    answer = graph.ask(f"$kept = {DEVICE}; $kept.Count", sign_in_as(ADMIN))
    assert (answer.output, answer.console) == ([1], [])


def test_the_context_of_a_person_has_the_real_properties(graph: SandboxShell) -> None:
    graph.ask(f"{DEVICE} -Scopes 'Group.Read.All,User.Read.All'", sign_in_as(ADMIN))
    names = graph.ask("(Get-MgContext).PSObject.Properties.Name -join ' '").value.split()
    documented = (
        "ClientId TenantId Scopes AuthType TokenCredentialType CertificateThumbprint"
        " CertificateSubjectName SendCertificateChain Account AppName ContextScope Certificate"
        " PSHostVersion ManagedIdentityId ClientSecret Environment"
    )
    assert names == documented.split()
    assert graph.ask(CONTEXT).value == {
        "Account": ADMIN,
        "ClientId": "14d82eec-204b-4c2f-b7e8-296a70dab67e",
        "AppName": "Microsoft Graph Command Line Tools",
        "TenantId": TENANT_ID,
        "AuthType": "Delegated",
        "TokenCredentialType": "DeviceCode",
        "ContextScope": "Process",
    }


def test_consent_to_a_permission_stays_with_the_application(graph: SandboxShell) -> None:
    graph.ask(f"{DEVICE} -Scopes Group.Read.All", sign_in_as(READER))
    graph.ask(DEVICE, sign_in_as(READER))
    assert "Group.Read.All" in graph.ask("(Get-MgContext).Scopes -join ' '").value.split()


def test_nobody_signed_in_means_no_context(graph: SandboxShell) -> None:
    assert graph.ask("$null -eq (Get-MgContext)").value is True


def test_a_code_that_nobody_enters_ends_with_the_modules_own_limit(graph: SandboxShell) -> None:
    graph.authority.set_traps(TENANT, {"patience": 0.2})
    answer = graph.ask(f"{DEVICE}; 'went on'")
    assert (
        message(answer)
        == "Authentication timed out after 120 seconds due to inactivity. Please try again."
    )
    assert answer.errors[0]["types"] == [
        "System.Exception",
        "System.Threading.Tasks.TaskCanceledException",
    ]
    assert (answer.output[-1], answer.thrown) == ("went on", False)


def test_a_code_that_expires_at_the_service_says_so(graph: SandboxShell) -> None:
    graph.authority.set_traps(TENANT, {"code_expiry": 0.2})
    answer = graph.ask(DEVICE)
    assert message(answer).startswith("DeviceCodeCredential authentication failed: AADSTS70020: ")
    assert (
        answer.errors[0]["types"][1]
        == "Microsoft.Identity.Client.MsalServiceException expired_token"
    )


def test_a_failed_connect_stops_a_script_that_stops_on_errors(graph: SandboxShell) -> None:
    answer = graph.ask(
        f"& {{ $ErrorActionPreference = 'Stop'; {DEVICE} -TenantId nobody.example; 'went on' }}"
    )
    assert (answer.output, answer.thrown) == ([], True)
    assert "AADSTS90002" in message(answer)


def test_a_declined_sign_in_says_so_in_the_librarys_words(graph: SandboxShell) -> None:
    answer = graph.ask(DEVICE, say_no)
    assert message(answer).startswith("DeviceCodeCredential authentication failed: AADSTS65004: ")
    assert graph.ask("Get-MgContext").output == [None]


def test_conditional_access_refuses_a_blocked_account(graph: SandboxShell) -> None:
    answer = graph.ask(DEVICE, sign_in_as("blocked@contoso.example"))
    assert message(answer).startswith("DeviceCodeCredential authentication failed: AADSTS53003: ")


def test_an_account_of_another_tenant_is_refused_by_the_tenant_that_was_asked_for(
    graph: SandboxShell,
) -> None:
    answer = graph.ask(f"{DEVICE} -TenantId {TENANT}", sign_in_as("admin@fabrikam.example"))
    assert "AADSTS50020: User account 'admin@fabrikam.example'" in message(answer)


def test_an_unknown_tenant_is_refused_before_a_code_is_shown(graph: SandboxShell) -> None:
    answer = graph.ask(f"{DEVICE} -TenantId nobody.example")
    assert answer.output == []
    assert "AADSTS90002: Tenant 'nobody.example' not found." in message(answer)


def test_a_partner_signs_in_to_its_customer(graph: SandboxShell) -> None:
    graph.ask(f"{DEVICE} -TenantId fabrikam.example", sign_in_as(ADMIN))
    script = "(Invoke-MgGraphRequest GET /v1.0/organization).value.verifiedDomains.name"
    assert graph.ask(script).output == ["fabrikam.example", "fabrikam.onmicrosoft.example"]


@pytest.mark.parametrize(
    "way",
    [
        "-Certificate $certificate",
        "-CertificateThumbprint $certificate.Thumbprint",
        "-CertificateSubjectName $certificate.Subject",
    ],
)
def test_an_application_signs_in_with_a_certificate(
    graph: SandboxShell, tmp_path: Path, way: str
) -> None:
    store = """
        $store = [System.Security.Cryptography.X509Certificates.X509Store]::new('My', 'CurrentUser', 'ReadWrite')
        $store.Add($certificate); $store.Dispose()
    """  # noqa: E501
    answer = graph.ask(
        f"{CERTIFICATE} {store} Connect-MgGraph -ClientId $Id -TenantId $Tenant {way} -NoWelcome;"
        f" {CONTEXT}",
        File=str(make_certificate(tmp_path)),
        Password=CERTIFICATE_PASSWORD,
        Id=AUTOMATION["contoso"],
    )
    assert answer.value["AppName"] == "Automation"
    assert (answer.value["AuthType"], answer.value["TokenCredentialType"]) == (
        "AppOnly",
        "ClientCertificate",
    )
    assert (answer.value["Account"], answer.value["TenantId"]) == (None, TENANT_ID)


def test_a_certificate_that_is_not_in_the_store_is_named(graph: SandboxShell) -> None:
    answer = graph.ask(
        f"Connect-MgGraph -ClientId x -TenantId {TENANT} -CertificateThumbprint {'A' * 40}"
    )
    assert message(answer) == f"{'A' * 40} certificate was not found or has expired."


@pytest.mark.parametrize(
    ("days", "app", "tenant", "code"),
    [
        (-1, "contoso", TENANT, "AADSTS700027"),
        (1, "fabrikam", TENANT, "AADSTS700016"),
        (1, "contoso", "nobody.example", "AADSTS90002"),
        (1, "fabrikam", "fabrikam.example", "AADSTS700027"),
    ],
)
def test_a_certificate_is_refused_with_entras_reason(
    graph: SandboxShell, tmp_path: Path, days: int, app: str, tenant: str, code: str
) -> None:
    answer = graph.ask(
        f"{CERTIFICATE} Connect-MgGraph -ClientId $Id -TenantId $Tenant -Certificate $certificate",
        File=str(make_certificate(tmp_path, days=days)),
        Password=CERTIFICATE_PASSWORD,
        Id=AUTOMATION[app],
        Tenant=tenant,
    )
    assert message(answer).startswith(
        f"ClientCertificateCredential authentication failed: {code}: "
    )


def test_an_application_signs_in_with_a_secret_and_a_wrong_one_is_not_shown(
    graph: SandboxShell,
) -> None:
    assert sign_in(graph).errors == []
    assert graph.ask(CONTEXT).value["TokenCredentialType"] == "ClientSecret"
    graph.ask(SIGN_OUT)
    answer = sign_in(graph, "canary-secret")
    assert message(answer).startswith(
        "ClientSecretCredential authentication failed: AADSTS7000215: "
    )
    assert "canary-secret" not in json.dumps(answer.errors)


def test_an_application_that_conditional_access_blocks_is_refused(graph: SandboxShell) -> None:
    answer = sign_in(graph, "contoso-legacy-sandbox-secret", "c0070500-a993-4c00-8a00-00000000a993")
    assert "AADSTS53003" in message(answer)


def test_the_machine_signs_in_with_its_managed_identity(graph: SandboxShell) -> None:
    context = graph.ask(f"Connect-MgGraph -Identity -NoWelcome; {CONTEXT}").value
    assert (context["AuthType"], context["TenantId"]) == ("ManagedIdentity", TENANT_ID)
    assert context["ClientId"] == "c0070500-1d00-4c00-8a00-0000000001d0"


def test_an_application_signs_in_from_the_environment(graph: SandboxShell) -> None:
    script = f"""
        param($Id)
        $env:AZURE_TENANT_ID = '{TENANT}'; $env:AZURE_CLIENT_ID = $Id
        Connect-MgGraph -EnvironmentVariable
        $env:AZURE_CLIENT_SECRET = 'contoso-automation-sandbox-secret'
        Connect-MgGraph -EnvironmentVariable -NoWelcome
        Remove-Item Env:AZURE_TENANT_ID, Env:AZURE_CLIENT_ID, Env:AZURE_CLIENT_SECRET
        (Get-MgContext).TokenCredentialType
    """
    answer = graph.ask(script, Id=AUTOMATION["contoso"])
    assert answer.output == ["EnvironmentVariable"]
    assert message(answer).startswith("EnvironmentCredential authentication unavailable.")


def connect_with(shell: SandboxShell, token: str, more: str = "") -> Answer:
    script = (
        "param($Token) Connect-MgGraph -NoWelcome -AccessToken (ConvertTo-SecureString -AsPlainText"
        " -Force $Token) "
    )
    return shell.ask(script + more, Token=token)


def test_a_token_of_a_person_signs_in(graph: SandboxShell) -> None:
    connect_with(graph, graph.authority.issue_token(READER, GRAPH))
    context = graph.ask(CONTEXT).value
    assert (context["Account"], context["AuthType"]) == (READER, "UserProvidedAccessToken")
    assert graph.ask("(Invoke-MgGraphRequest GET /v1.0/me).displayName").value == "Robin Reader"


def test_a_token_takes_no_context_scope(graph: SandboxShell) -> None:
    answer = connect_with(graph, "x", "-ContextScope Process")
    assert message(answer).startswith("Parameter set cannot be resolved")


def test_a_token_that_has_expired_is_refused(graph: SandboxShell) -> None:
    answer = connect_with(graph, graph.authority.issue_token(ADMIN, GRAPH, lifetime_s=-1))
    assert message(answer).startswith("The provided access token has expired.")


@pytest.mark.parametrize("token", ["canary", "canary.a.b"])
def test_what_is_no_token_is_taken_and_fails_with_the_first_request(
    graph: SandboxShell, token: str
) -> None:
    assert connect_with(graph, token).errors == []
    assert graph.ask("(Get-MgContext).AuthType").value == "UserProvidedAccessToken"
    answer = graph.ask("Get-MgUser")
    assert message(answer).startswith(
        "[InvalidAuthenticationToken] : IDX14100: JWT is not well formed"
    )
    assert "canary" not in json.dumps(answer.errors)


def test_a_token_for_another_service_fails_with_the_first_request(graph: SandboxShell) -> None:
    assert (
        connect_with(
            graph, graph.authority.issue_token(ADMIN, "https://outlook.office365.com")
        ).errors
        == []
    )
    assert (
        message(graph.ask("Get-MgUser"))
        == "[InvalidAuthenticationToken] : Access token validation failure. Invalid audience."
    )


def test_connect_greets_unless_told_not_to(graph: SandboxShell) -> None:
    text = graph.ask("Connect-MgGraph -Identity").value
    assert text.startswith(
        "Welcome to Microsoft Graph!\n\nConnected via managedidentity access using "
    )


def test_signing_out_gives_the_context_back_and_a_second_time_is_an_error(
    graph: SandboxShell,
) -> None:
    sign_in(graph)
    assert graph.ask("(Disconnect-MgGraph).AppName").value == "Automation"
    assert message(graph.ask("Disconnect-MgGraph")) == "No application to sign out from."


@pytest.mark.parametrize(
    ("trap", "text"),
    [
        ("token_revoked", "ClientSecretCredential authentication failed: AADSTS50173: "),
        ("ca_revoked", "ClientSecretCredential authentication failed: AADSTS53003: "),
    ],
)
def test_a_sign_in_that_ended_fails_in_an_ordinary_cmdlet(
    directory: SandboxShell, trap: str, text: str
) -> None:
    directory.authority.set_traps(TENANT, {trap: True})
    assert message(directory.ask("Get-MgUser")).startswith(text)
    assert message(directory.ask("Invoke-MgGraphRequest GET /v1.0/organization")).startswith(text)


def test_a_token_whose_account_was_revoked_is_refused_by_the_service(graph: SandboxShell) -> None:
    connect_with(graph, graph.authority.issue_token(ADMIN, GRAPH))
    graph.authority.revoke(ADMIN)
    assert message(graph.ask("Get-MgUser")).startswith(
        "[InvalidAuthenticationToken] : AADSTS50173: "
    )


def test_stopping_a_sign_in_takes_the_code_away(graph: SandboxShell) -> None:
    tell = '"$shown $([IO.Directory]::GetFiles($codes).Count) $($shell.InvocationStateInfo.State)"'
    assert graph.stop_sign_in("Connect-MgGraph -UseDeviceCode", tell) == "1 0 Stopped"


@pytest.mark.pwsh
def test_the_process_can_die_while_it_signs_in(tmp_path: Path) -> None:
    shell = SandboxShell(tmp_path)
    shell.authority.set_traps(TENANT, {"dies": "connect"})
    with pytest.raises(ProcessEnded):
        shell.ask("Connect-MgGraph -Identity")
    shell.close()
