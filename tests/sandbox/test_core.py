"""What the simulated modules share: company, people, applications, tokens, revocations; on a real
PowerShell.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pwsh_kernels.sandbox import Token
from tests.fixtures.sandbox import (
    ADMIN,
    AUTOMATION,
    CERTIFICATE_PASSWORD,
    SandboxShell,
    make_certificate,
)

pytestmark = pytest.mark.xdist_group("exchange")

APP = AUTOMATION["contoso"]
SIGN_IN = """
    param($How)
    $given = @{}
    foreach ($one in $How.GetEnumerator()) { $given[$one.Key] = $one.Value }
    $found = Invoke-SandboxAppSignIn -Tenant contoso.example @given
    $found.Account ?? $found.Exception.Message
"""
IDENTITY = (
    f"(Invoke-SandboxAppSignIn -Tenant contoso.example -ClientId {APP} -Secret"
    " contoso-automation-sandbox-secret)"
)


@pytest.fixture
def core(signed_out_shell: SandboxShell) -> SandboxShell:
    signed_out_shell.ask("Import-Module SandboxCore")
    return signed_out_shell


@pytest.mark.parametrize(
    "name",
    ["contoso.example", "CONTOSO.onmicrosoft.example", "c0070500-0001-4a11-8c0d-5a9d0b0c0001"],
)
def test_a_tenant_is_found_by_each_of_its_names(core: SandboxShell, name: str) -> None:
    assert (
        core.ask("param($Name) (Get-SandboxTenant $Name).sharepoint_host", Name=name).value
        == "contoso"
    )


def test_an_unknown_tenant_is_nothing_and_no_name_means_all(core: SandboxShell) -> None:
    assert core.ask("Get-SandboxTenant elsewhere.example; (Get-SandboxTenant).name").output == [
        "contoso.example",
        "fabrikam.example",
    ]


def test_people_and_mailboxes_are_the_same_persons_in_the_same_order(
    contoso_shell: SandboxShell,
) -> None:
    people = contoso_shell.ask(
        "Get-SandboxPerson contoso.example | ForEach-Object { $_.Id + ' ' + $_.UserPrincipalName }"
    )
    users = contoso_shell.ask(
        "Get-Mailbox -RecipientTypeDetails UserMailbox | "
        "ForEach-Object { $_.ExternalDirectoryObjectId + ' ' + $_.PrimarySmtpAddress }"
    )
    assert people.output == users.output
    assert len(people.output) == 207


def test_everybody_in_the_company_file_is_a_person_of_the_tenant(core: SandboxShell) -> None:
    strangers = """
        foreach ($tenant in Get-SandboxTenant) {
            $known = (Get-SandboxPerson $tenant).UserPrincipalName
            @($tenant.sites.owner; $tenant.accounts.upn) | Where-Object { $known -notcontains $_ }
        }
    """
    assert core.ask(strangers).output == []


def test_an_application_signs_in_with_its_secret(core: SandboxShell) -> None:
    identity = core.ask(f"{IDENTITY} | Select-Object Account, AccountType, AppId, Role").value
    assert identity == {
        "Account": APP,
        "AccountType": "ServicePrincipal",
        "AppId": APP,
        "Role": "Global Administrator",
    }


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"ClientId": "11111111-1111-4111-8111-111111111111", "Secret": "x"}, "AADSTS700016: "),
        ({"ClientId": APP, "Secret": "CONTOSO-automation-sandbox-secret"}, "AADSTS7000215: "),
        ({"ClientId": APP}, "AADSTS7000218: "),
        (
            {
                "ClientId": "c0070500-a993-4c00-8a00-00000000a993",
                "Secret": "contoso-legacy-sandbox-secret",
            },
            "AADSTS53003: ",
        ),
        ({"ManagedIdentity": True, "ClientId": APP}, "invalid_request: Identity not found"),
        ({"ClientId": APP, "FederatedToken": "a.b.c"}, "AADSTS50027: "),
    ],
)
def test_an_application_is_refused_with_entras_number(
    core: SandboxShell, how: dict[str, object], error: str
) -> None:
    text = core.ask(SIGN_IN, How=how)
    assert text.value.startswith(error)
    assert "sandbox-secret" not in text.value


def test_an_unknown_tenant_is_refused_with_entras_number(core: SandboxShell) -> None:
    answer = core.ask(
        "(Invoke-SandboxAppSignIn -Tenant elsewhere.example -ClientId x -Secret"
        " y).Exception.Message"
    )
    assert answer.value.startswith("AADSTS90002: Tenant 'elsewhere.example' not found.")


def test_a_managed_identity_belongs_to_the_tenant_of_the_session(core: SandboxShell) -> None:
    answer = core.ask(
        "$i = Invoke-SandboxAppSignIn -ManagedIdentity; $i.Tenant.name; $i.AccountType"
    )
    assert answer.output == ["contoso.example", "ManagedService"]


@pytest.mark.parametrize(
    ("audience", "account", "tenant", "lifetime_s", "error"),
    [
        ("api://AzureADTokenExchange", APP, None, 60, None),
        ("https://graph.microsoft.com", APP, None, 60, "AADSTS700212: "),
        ("api://AzureADTokenExchange", APP, "fabrikam.example", 60, "AADSTS700211: "),
        ("api://AzureADTokenExchange", ADMIN, None, 60, "AADSTS700213: "),
        ("api://AzureADTokenExchange", APP, None, -60, "AADSTS700024: "),
    ],
)
def test_a_federated_token_must_name_exchange_tenant_application_and_time(
    core: SandboxShell,
    audience: str,
    account: str,
    tenant: str | None,
    lifetime_s: int,
    error: str | None,
) -> None:
    token = core.authority.issue_token(account, audience, lifetime_s, tenant)
    script = (
        f"param($Token) $a = Invoke-SandboxAppSignIn -Tenant contoso.example -ClientId {APP}"
        " -FederatedToken $Token"
    )
    text = core.ask(f"{script}; $a.Account ?? $a.Exception.Message", Token=token).value
    assert text.startswith(error or APP)


@pytest.mark.parametrize(
    ("subject", "days", "error"),
    [
        ("contoso-automation", 1, None),
        (
            "contoso-automation",
            -1,
            "[Reason - The key used is expired., Thumbprint of key used by client: '",
        ),
        (
            "somebody-else",
            1,
            "[Reason - The key was not found., Thumbprint of key used by client: '",
        ),
    ],
)
def test_a_certificate_must_be_registered_and_valid(
    core: SandboxShell, tmp_path: Path, subject: str, days: int, error: str | None
) -> None:
    script = f"""
        param($File, $Word)
        $certificate = [Security.Cryptography.X509Certificates.X509Certificate2]::new($File, $Word)
        $answer = Invoke-SandboxAppSignIn -Tenant contoso.example -ClientId {APP} -Certificate $certificate
        $answer.Account ?? $answer.Exception.Message
    """  # noqa: E501
    file = make_certificate(tmp_path, subject, days)
    text = core.ask(script, File=str(file), Word=CERTIFICATE_PASSWORD).value
    assert (error or APP) in text
    assert text.startswith("AADSTS700027: ") == bool(error)


def test_a_token_of_powershell_is_read_by_python(core: SandboxShell) -> None:
    text = core.ask(
        f"New-SandboxToken -Identity {IDENTITY} -Audience https://graph.microsoft.com"
        " -LifetimeSeconds 60"
    ).value
    token, now = Token.decode(text), datetime.now(UTC)
    assert token.account == APP
    assert token.is_for("https://graph.microsoft.com/.default")
    assert not token.expired(now)
    assert token.expired(now + timedelta(seconds=61))


READ = (
    "param($Token) $i = Read-SandboxToken $Token -Audience https://graph.microsoft.com; $i.Account"
    " ?? $i.Exception.Message"
)


@pytest.mark.parametrize(
    ("account", "audience", "lifetime_s", "found"),
    [
        (ADMIN, "https://graph.microsoft.com/.default", 60, ADMIN),
        (APP, "https://graph.microsoft.com/", 60, APP),
        (
            "c0070500-1d00-4c00-8a00-0000000001d0",
            "https://graph.microsoft.com",
            60,
            "c0070500-1d00-4c00-8a00-0000000001d0",
        ),
        (ADMIN, "https://outlook.office365.com", 60, "IDX10214: Audience validation failed."),
        (
            ADMIN,
            "https://graph.microsoft.com",
            -1,
            "IDX10223: Lifetime validation failed, the token is expired.",
        ),
    ],
)
def test_a_token_of_python_is_read_by_powershell(
    core: SandboxShell, account: str, audience: str, lifetime_s: int, found: str
) -> None:
    token = core.authority.issue_token(account, audience, lifetime_s)
    assert core.ask(READ, Token=token).value.startswith(found)


@pytest.mark.parametrize(
    "text", ["", "abc", "a.b.c", "a.b.sandbox", "a.e30.sandbox", "a.W10.sandbox"]
)
def test_what_is_no_token_is_refused_without_showing_it(core: SandboxShell, text: str) -> None:
    assert core.ask(READ, Token=text).value.startswith("IDX12741: JWT must have three segments")


def test_a_sign_in_ends_when_it_is_revoked_and_a_new_one_holds(core: SandboxShell) -> None:
    core.ask(f"$global:before = {IDENTITY}")
    core.authority.revoke(APP)
    answer = core.ask(
        f"$after = {IDENTITY}; (Test-SandboxSignIn $before).Exception.Message; $null -eq"
        " (Test-SandboxSignIn $after)"
    )
    core.authority.restore(APP)
    assert answer.output[0].startswith(
        "AADSTS50173: The provided grant has expired due to it being revoked, a fresh auth token is"
        " needed. "
    )
    assert answer.output[1:] == [True]
    assert core.ask("$null -eq (Test-SandboxSignIn $before)").value is True


def test_a_handed_in_token_ends_and_an_application_gets_a_new_one(core: SandboxShell) -> None:
    script = f"""
        param($Token)
        $old = [datetime]::UtcNow.AddSeconds(-1)
        $given, $own = (Read-SandboxToken $Token), {IDENTITY}
        $given.ExpiresAt = $own.ExpiresAt = $old
        (Test-SandboxSignIn $given).Exception.Message
        $null -eq (Test-SandboxSignIn $own)
        $own.ExpiresAt -gt $old.AddMinutes(70)
    """
    answer = core.ask(script, Token=core.authority.issue_token(APP, "x"))
    assert answer.output == [
        "IDX10223: Lifetime validation failed, the token is expired.",
        True,
        True,
    ]
