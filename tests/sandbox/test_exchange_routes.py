"""Sign-ins without a person, ended sign-ins and traps of the sandbox's ExchangeOnlineManagement, on
a real PowerShell.
"""

from pathlib import Path

import pytest

from tests.fixtures.sandbox import (
    ADMIN,
    AUTOMATION,
    CERTIFICATE_PASSWORD,
    Answer,
    SandboxShell,
    make_certificate,
    sign_in_as,
)

pytestmark = pytest.mark.xdist_group("exchange")

APP = AUTOMATION["contoso"]
LEGACY = "c0070500-a993-4c00-8a00-00000000a993"
MANAGED = "c0070500-1d00-4c00-8a00-0000000001d0"
CONTOSO_ID = "c0070500-0001-4a11-8c0d-5a9d0b0c0001"
AUDIENCE = "https://outlook.office365.com/.default"
BY_FILE = """
    param($File, $Word, $App, $Where)
    $secure = ConvertTo-SecureString -AsPlainText -Force $Word
    $route = @{ AppId = $App; Organization = $Where; CertificateFilePath = $File; CertificatePassword = $secure }
    Connect-ExchangeOnline -ShowBanner:$false @route
"""  # noqa: E501
BY_TOKEN = (
    "param($Token, $More) Connect-ExchangeOnline -ShowBanner:$false -AccessToken $Token @More"
)
CHECK = """
    Get-ConnectionInformation |
        Select-Object State, UserPrincipalName, AppId, Organization, TenantID, CertificateAuthentication, TokenStatus
"""  # noqa: E501


def connect_by_file(
    shell: SandboxShell,
    file: Path,
    app: str = APP,
    where: str = "contoso.example",
    word: str = CERTIFICATE_PASSWORD,
) -> Answer:
    return shell.ask(BY_FILE, File=str(file), Word=word, App=app, Where=where)


def connect_by_token(shell: SandboxShell, token: str, **more: str) -> Answer:
    return shell.ask(BY_TOKEN, Token=token, More=more)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def test_a_certificate_connects_as_its_application(
    signed_out_shell: SandboxShell, certificate: Path
) -> None:
    answer = connect_by_file(signed_out_shell, certificate, where="contoso.onmicrosoft.example")
    assert (answer.output, answer.errors, answer.console) == ([], [], [])
    assert signed_out_shell.ask(CHECK).value == {
        "State": "Connected",
        "UserPrincipalName": "",
        "AppId": APP,
        "Organization": "contoso.onmicrosoft.example",
        "TenantID": CONTOSO_ID,
        "CertificateAuthentication": True,
        "TokenStatus": "Active",
    }
    assert signed_out_shell.ask("(Get-AcceptedDomain)[0].DomainName").value == "contoso.example"


def test_a_certificate_object_connects_too(
    signed_out_shell: SandboxShell, certificate: Path
) -> None:
    script = """
        param($File, $Word, $App)
        $object = [Security.Cryptography.X509Certificates.X509Certificate2]::new($File, $Word)
        Connect-ExchangeOnline -ShowBanner:$false -AppId $App -Organization contoso.example -Certificate $object
        (Get-ConnectionInformation).AppId
    """  # noqa: E501
    answer = signed_out_shell.ask(script, File=str(certificate), Word=CERTIFICATE_PASSWORD, App=APP)
    assert answer.value == APP


def test_a_thumbprint_is_no_parameter_on_linux(signed_out_shell: SandboxShell) -> None:
    answer = signed_out_shell.ask(
        "Connect-ExchangeOnline -AppId x -Organization y -CertificateThumbprint z"
    )
    assert (
        answer.errors[0]["message"]
        == "A parameter cannot be found that matches parameter name 'CertificateThumbprint'."
    )


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (
            {"app": "11111111-1111-4111-8111-111111111111"},
            "AADSTS700016: Application with identifier '11111111-",
        ),
        ({"app": AUTOMATION["fabrikam"]}, "AADSTS700016: "),
        ({"where": "fabrikam.example"}, "AADSTS700016: "),
        ({"where": "elsewhere.example"}, "AADSTS90002: Tenant 'elsewhere.example' not found."),
        (
            {"app": LEGACY},
            (
                "AADSTS700027: The certificate with identifier used to sign the client assertion is"
                " not reg"
            ),
        ),
        ({"word": "wrong"}, "the password may be incorrect"),
    ],
)
def test_what_does_not_fit_a_certificate_is_refused(
    signed_out_shell: SandboxShell, certificate: Path, given: dict[str, str], error: str
) -> None:
    answer = connect_by_file(signed_out_shell, certificate, **given)
    assert answer.thrown
    assert error in answer.errors[0]["message"]
    assert CERTIFICATE_PASSWORD not in answer.errors[0]["message"]
    assert signed_out_shell.ask("Get-ConnectionInformation").output == []


def test_a_blocked_application_learns_why(signed_out_shell: SandboxShell, tmp_path: Path) -> None:
    answer = connect_by_file(signed_out_shell, make_certificate(tmp_path, "contoso-legacy"), LEGACY)
    assert answer.errors[0]["message"].startswith(
        "AADSTS53003: Access has been blocked by Conditional Access policies."
    )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("-AppId x -Organization contoso.example", "An application needs a certificate"),
        (
            "-AppId x -Organization contoso.example -CertificateFilePath /nowhere.pfx",
            "Could not find file '/nowhere.pfx'.",
        ),
        (
            "-CertificateFilePath /nowhere.pfx -Organization contoso.example",
            "A certificate needs the AppId parameter.",
        ),
        ("-AppId x -CertificateFilePath /nowhere.pfx", "The Organization parameter is required"),
        ("-ManagedIdentity", "The Organization parameter is required"),
        (
            "-AccessToken x",
            (
                "An access token needs the Organization, DelegatedOrganization or UserPrincipalName"
                " parameter."
            ),
        ),
    ],
)
def test_a_route_says_which_parameter_it_lacks(
    signed_out_shell: SandboxShell, arguments: str, problem: str
) -> None:
    answer = signed_out_shell.ask(f"Connect-ExchangeOnline -ShowBanner:$false {arguments}")
    assert answer.thrown
    assert answer.errors[0]["message"].startswith(problem)


def test_an_application_with_a_reading_role_has_no_cmdlets_that_change(
    signed_out_shell: SandboxShell, tmp_path: Path
) -> None:
    file = make_certificate(tmp_path, "contoso-reporting")
    connect_by_file(signed_out_shell, file, "c0070500-a992-4c00-8a00-00000000a992")
    answer = signed_out_shell.ask("Set-Mailbox adele.gupta -Office Rome")
    assert answer.errors[0]["id"] == "CommandNotFoundException,Set-Mailbox"


@pytest.mark.parametrize("more", ["", f"-ManagedIdentityAccountId {MANAGED}"])
def test_a_managed_identity_connects(signed_out_shell: SandboxShell, more: str) -> None:
    signed_out_shell.ask(
        "Connect-ExchangeOnline -ShowBanner:$false -ManagedIdentity -Organization contoso.example"
        f" {more}"
    )
    connection = signed_out_shell.ask(CHECK).value
    assert (connection["AppId"], connection["UserPrincipalName"], connection["TenantID"]) == (
        MANAGED,
        "",
        CONTOSO_ID,
    )
    assert connection["CertificateAuthentication"] is False


@pytest.mark.parametrize(
    ("account", "more", "shown"),
    [
        (ADMIN, {"UserPrincipalName": ADMIN}, (ADMIN, "")),
        (APP, {"Organization": "contoso.onmicrosoft.example"}, ("", APP)),
    ],
)
def test_an_access_token_connects_as_whom_it_names(
    signed_out_shell: SandboxShell, account: str, more: dict[str, str], shown: tuple[str, str]
) -> None:
    token = signed_out_shell.authority.issue_token(account, AUDIENCE)
    assert connect_by_token(signed_out_shell, token, **more).errors == []
    connection = signed_out_shell.ask(CHECK).value
    assert (connection["UserPrincipalName"], connection["AppId"]) == shown
    assert connection["TenantID"] == CONTOSO_ID


@pytest.mark.parametrize(
    ("audience", "lifetime_s", "organization", "error"),
    [
        (
            AUDIENCE,
            -1,
            "contoso.example",
            "IDX10223: Lifetime validation failed, the token is expired.",
        ),
        (
            "https://graph.microsoft.com",
            60,
            "contoso.example",
            "IDX10214: Audience validation failed.",
        ),
        (AUDIENCE, 60, "fabrikam.example", "UnAuthorized"),
    ],
)
def test_an_access_token_that_does_not_fit_is_refused_and_never_shown(
    signed_out_shell: SandboxShell, audience: str, lifetime_s: int, organization: str, error: str
) -> None:
    token = signed_out_shell.authority.issue_token(APP, audience, lifetime_s)
    answer = connect_by_token(signed_out_shell, token, Organization=organization)
    assert answer.errors[0]["message"].startswith(error)
    assert token not in str(answer)
    assert signed_out_shell.ask("Get-ConnectionInformation").output == []


def test_a_token_of_a_partner_goes_to_the_customer_only_when_asked(
    signed_out_shell: SandboxShell,
) -> None:
    token = signed_out_shell.authority.issue_token(ADMIN, AUDIENCE)
    connect_by_token(signed_out_shell, token, DelegatedOrganization="fabrikam.onmicrosoft.example")
    assert signed_out_shell.ask("(Get-AcceptedDomain)[0].DomainName").value == "fabrikam.example"


@pytest.mark.parametrize(
    "command", ["Get-Mailbox", "Get-EXOMailbox", "Get-AcceptedDomain", "Set-Mailbox x"]
)
def test_a_revoked_sign_in_ends_in_the_next_cmdlet_and_a_new_one_works(
    signed_out_shell: SandboxShell, command: str
) -> None:
    signed_out_shell.connect(ADMIN)
    signed_out_shell.authority.revoke(ADMIN)
    answer = signed_out_shell.ask(command)
    signed_out_shell.connect(ADMIN)
    again = signed_out_shell.ask("(Get-AcceptedDomain).Count")
    signed_out_shell.authority.restore(ADMIN)
    assert answer.thrown
    assert answer.errors[0]["message"].startswith(
        "AADSTS50173: The provided grant has expired due to it being revoked"
    )
    assert again.value == 2


def test_a_token_that_was_handed_in_is_not_renewed(signed_out_shell: SandboxShell) -> None:
    token = signed_out_shell.authority.issue_token(APP, AUDIENCE, lifetime_s=2)
    connect_by_token(signed_out_shell, token, Organization="contoso.example")
    until_refused = """
        for ($try = 0; $try -lt 500; $try++) {
            try { $null = Get-AcceptedDomain } catch { $_.Exception.Message; break }
            Start-Sleep -Milliseconds 20
        }
        (Get-ConnectionInformation).TokenStatus
    """
    assert signed_out_shell.ask(until_refused).output == [
        "IDX10223: Lifetime validation failed, the token is expired.",
        "Expired",
    ]


def test_conditional_access_can_end_a_connection(signed_out_shell: SandboxShell) -> None:
    signed_out_shell.connect(ADMIN)
    signed_out_shell.authority.set_traps("contoso.example", {"ca_revoked": True})
    assert signed_out_shell.ask("Get-Mailbox").errors[0]["message"].startswith("AADSTS53003: ")


def test_throttling_is_a_warning_that_obeys_the_callers_wish(
    signed_out_shell: SandboxShell,
) -> None:
    signed_out_shell.connect(ADMIN)
    signed_out_shell.authority.set_traps("contoso.example", {"throttling": True})
    warned = signed_out_shell.ask("(Get-AcceptedDomain).Count")
    silent = signed_out_shell.ask("(Get-AcceptedDomain -WarningAction SilentlyContinue).Count")
    assert warned.warnings[0].startswith("Micro delay applied. Actual delayed: ")
    assert (warned.value, silent.value, silent.warnings) == (2, 2, [])


def test_a_tenant_can_have_very_many_mailboxes(signed_out_shell: SandboxShell) -> None:
    signed_out_shell.connect(ADMIN)
    signed_out_shell.authority.set_traps("contoso.example", {"many_rows": 1500})
    cut = signed_out_shell.ask("(Get-Mailbox).Count; (Get-EXOMailbox -ResultSize 20).Count")
    whole = signed_out_shell.ask(
        "(Get-Mailbox -ResultSize Unlimited).PrimarySmtpAddress | Sort-Object -Unique |"
        " Measure-Object"
    )
    assert cut.output == [1000, 20]
    assert len(cut.warnings) == 2
    assert whole.value["Count"] == 1500


def test_the_code_can_be_wrapped_on_the_console(signed_out_shell: SandboxShell) -> None:
    signed_out_shell.authority.set_traps("contoso.example", {"wrapped": True})
    answer = signed_out_shell.ask(
        "Connect-ExchangeOnline -Device -ShowBanner:$false", sign_in_as(ADMIN)
    )
    assert answer.errors == []
    assert len(answer.console) == 4
    assert "\x1b[" in answer.console[2]


def test_importing_takes_as_long_as_the_trap_says(signed_out_shell: SandboxShell) -> None:
    signed_out_shell.authority.set_traps("contoso.example", {"slow_import": 0.4})
    script = (
        "(Measure-Command { Import-Module ExchangeOnlineManagement -Force }).TotalSeconds -ge 0.4"
    )
    assert signed_out_shell.ask(script).value is True
