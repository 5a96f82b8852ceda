"""The sandbox's MicrosoftTeams, on a real PowerShell."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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

pytestmark = pytest.mark.pwsh

TENANT = "contoso.example"
TENANT_ID = "c0070500-0001-4a11-8c0d-5a9d0b0c0001"
READER = "reader@contoso.example"
GRAPH = "https://graph.microsoft.com"
TEAMS = "48ac35b8-9aa8-4d74-927d-1f4a14a0b239/.default"
DEVICE = f"Connect-MicrosoftTeams -UseDeviceAuthentication -TenantId {TENANT}"
NOT_CONNECTED = "You must call the Connect-MicrosoftTeams cmdlet before calling any other cmdlets."
CERTIFICATE = """
    param($File, $Password, $Id, $Tenant = 'contoso.example')
    $certificate = [System.Security.Cryptography.X509Certificates.X509Certificate2]::new($File, $Password)
    $route = @{ ApplicationId = $Id; TenantId = $Tenant }
"""  # noqa: E501


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxShell]:
    opened = SandboxShell(
        tmp_path_factory.mktemp("sandbox"), {"HOME": str(tmp_path_factory.mktemp("home"))}
    )
    opened.ask("Import-Module MicrosoftTeams")
    yield opened
    opened.close()


@pytest.fixture
def teams(process: SandboxShell) -> Iterator[SandboxShell]:
    """A session in which nobody is signed in to Teams."""
    yield process
    process.authority.clear_traps(TENANT)
    process.ask("Disconnect-MicrosoftTeams; Clear-SandboxTrap")


@pytest.fixture
def connected(teams: SandboxShell) -> SandboxShell:
    """A session of contoso's administrator."""
    assert not with_tokens(teams, ADMIN).errors
    return teams


def with_tokens(
    shell: SandboxShell, account: str, lifetime_s: float = 4500, *audiences: str
) -> Answer:
    tokens = [
        shell.authority.issue_token(account, one, lifetime_s) for one in audiences or (GRAPH, TEAMS)
    ]
    return shell.ask("param($Tokens) Connect-MicrosoftTeams -AccessTokens $Tokens", Tokens=tokens)


def messages(answer: Answer) -> list[str]:
    return [error["message"] for error in answer.errors]


def test_connect_gives_the_account_and_the_tenant(teams: SandboxShell) -> None:
    answer = teams.ask(DEVICE, sign_in_as(ADMIN))
    assert answer.value == {
        "Account": ADMIN,
        "Environment": "AzureCloud",
        "Tenant": TENANT_ID,
        "TenantId": TENANT_ID,
    }


@pytest.mark.parametrize(
    ("channel", "seen"),
    [
        (None, "console"),
        ("output", "output"),
        ("warning", "warnings"),
        ("information", "information"),
    ],
)
def test_the_code_appears_on_the_channel_that_the_trap_says(
    teams: SandboxShell, channel: str | None, seen: str
) -> None:
    teams.authority.set_traps(TENANT, {"teams_channel": channel} if channel else {})
    answer = teams.ask(f'{DEVICE} | ForEach-Object {{ "$($_.Account ?? $_)" }}', sign_in_as(ADMIN))
    found = {
        name
        for name in ("console", "output", "warnings", "information")
        if any(PROMPT.search(line) for line in getattr(answer, name))
    }
    # In this host a Write-Host is a record only; the console is the process's own.
    assert found == {seen}


def test_an_application_signs_in_with_a_certificate(teams: SandboxShell, tmp_path: Path) -> None:
    store = """
        $store = [System.Security.Cryptography.X509Certificates.X509Store]::new('My', 'CurrentUser', 'ReadWrite')
        $store.Add($certificate); $store.Dispose()
        (Connect-MicrosoftTeams @route -Certificate $certificate).Account
        (Connect-MicrosoftTeams @route -CertificateThumbprint $certificate.Thumbprint).Account
    """  # noqa: E501
    facts: dict[str, Any] = {
        "File": str(make_certificate(tmp_path)),
        "Password": CERTIFICATE_PASSWORD,
        "Id": AUTOMATION["contoso"],
    }
    assert teams.ask(CERTIFICATE + store, **facts).output == [AUTOMATION["contoso"]] * 2


@pytest.mark.parametrize(
    ("days", "app", "tenant", "code"),
    [
        (-1, "contoso", TENANT, "AADSTS700027"),
        (1, "fabrikam", TENANT, "AADSTS700016"),
        (1, "contoso", "x.example", "AADSTS90002"),
    ],
)
def test_a_certificate_is_refused_with_entras_reason(
    teams: SandboxShell, tmp_path: Path, days: int, app: str, tenant: str, code: str
) -> None:
    facts: dict[str, Any] = {
        "File": str(make_certificate(tmp_path, days=days)),
        "Password": CERTIFICATE_PASSWORD,
    }
    script = f"{CERTIFICATE} Connect-MicrosoftTeams @route -Certificate $certificate"
    answer = teams.ask(script, Id=AUTOMATION[app], Tenant=tenant, **facts)
    assert messages(answer)[-1].startswith(f"{code}: ")


def test_the_machine_signs_in_with_its_managed_identity(teams: SandboxShell) -> None:
    assert (
        teams.ask("(Connect-MicrosoftTeams -Identity).Account").value
        == "c0070500-1d00-4c00-8a00-0000000001d0"
    )


def test_two_tokens_sign_in_and_one_does_not(teams: SandboxShell) -> None:
    assert with_tokens(teams, READER).value["Account"] == READER
    answer = with_tokens(teams, READER, 4500, GRAPH)
    assert messages(answer)[-1].startswith("Two access tokens are needed")


def test_a_token_that_cannot_be_used_is_refused_and_not_shown(teams: SandboxShell) -> None:
    assert "the token is expired" in messages(with_tokens(teams, ADMIN, -1))[-1]
    answer = teams.ask("Connect-MicrosoftTeams -AccessTokens canary, canary")
    assert answer.thrown
    assert "canary" not in json.dumps(answer.errors)


def test_a_failed_connect_writes_an_error_of_many_and_then_throws(teams: SandboxShell) -> None:
    answer = teams.ask(DEVICE, say_no)
    many, one = messages(answer)
    assert answer.thrown
    assert many.startswith("One or more errors occurred. (AADSTS65004: ")
    assert one.startswith("AADSTS65004: ")


def test_an_expired_code_is_entras_error(teams: SandboxShell) -> None:
    teams.authority.set_traps(TENANT, {"code_expiry": 0.2})
    assert messages(teams.ask(DEVICE))[-1].startswith("AADSTS70020: ")


@pytest.mark.parametrize(
    ("account", "code"),
    [("blocked@contoso.example", "AADSTS53003"), ("admin@fabrikam.example", "AADSTS50020")],
)
def test_an_account_that_may_not_is_refused(teams: SandboxShell, account: str, code: str) -> None:
    assert messages(teams.ask(DEVICE, sign_in_as(account)))[-1].startswith(f"{code}: ")
    assert messages(teams.ask("Get-Team")) == [NOT_CONNECTED]


@pytest.mark.parametrize("more", ["", "-TeamsEnvironmentName TeamsGCCH -UseDeviceAuthentication"])
def test_a_route_that_is_not_simulated_is_refused_plainly(teams: SandboxShell, more: str) -> None:
    assert (
        "is not simulated in the sandbox"
        in messages(teams.ask(f"Connect-MicrosoftTeams {more}"))[0]
    )


def test_without_a_sign_in_the_two_halves_say_so_in_their_own_words(teams: SandboxShell) -> None:
    assert messages(teams.ask("Get-Team")) == [NOT_CONNECTED]
    assert messages(teams.ask("Get-CsTenant")) == [
        "Run Connect-MicrosoftTeams before running cmdlets."
    ]


STOPPED = """
    $shell = [powershell]::Create().AddScript($script)
    $running = $shell.BeginInvoke()
    $early = $running.AsyncWaitHandle.WaitOne(400)
    $shell.Stop()
    "$early $($shell.InvocationStateInfo.State)"
    $shell.Dispose()
"""


def test_asked_before_a_sign_in_get_cstenant_can_hang_until_it_is_stopped(
    teams: SandboxShell,
) -> None:
    teams.authority.set_traps(TENANT, {"hang": True})
    assert teams.ask(f"$script = 'Get-CsTenant'; {STOPPED}").value == "False Stopped"


def test_a_refused_change_is_repeated_until_stopped_unless_errors_stop(
    connected: SandboxShell,
) -> None:
    connected.authority.set_traps(TENANT, {"retries": 60})
    tokens = [connected.authority.issue_token(ADMIN, one) for one in (GRAPH, TEAMS)]
    change = (
        "Connect-MicrosoftTeams -AccessTokens {} | Out-Null; Set-CsUser nobody -HostedVoiceMail"
        " $true".format(",".join(tokens))
    )
    assert connected.ask(f"$script = '{change}'; {STOPPED}").value == "False Stopped"
    answer = connected.ask("Set-CsUser nobody -HostedVoiceMail $true -ErrorAction Stop")
    assert (messages(answer), answer.thrown) == (
        ["The server responded with a Request Error, Status: NotFound"],
        True,
    )


def test_the_tenant_tells_its_domains(connected: SandboxShell) -> None:
    tenant = connected.ask(
        "$t = Get-CsTenant; $t.TenantId; $t.DisplayName; $t.VerifiedDomains.Name"
    ).output
    assert tenant == [TENANT_ID, "Contoso Ltd (sandbox)", TENANT, "contoso.onmicrosoft.example"]


def test_teams_have_the_channels_and_members_of_the_company(connected: SandboxShell) -> None:
    assert connected.ask("(Get-Team).DisplayName").output[:2] == ["Finance", "Engineering"]
    script = """
        $team = Get-Team -DisplayName finan
        (Get-TeamChannel -GroupId $team.GroupId).DisplayName -join ' '
        (Get-TeamUser -GroupId $team.GroupId -Role Owner).User
        (Get-Team -User aiko.hansen@contoso.example).DisplayName -join ', '
    """
    assert connected.ask(script).output == [
        "General Announcements Leads",
        ADMIN,
        "Finance, Everybody at Contoso",
    ]


def test_an_unknown_team_is_the_services_own_error(connected: SandboxShell) -> None:
    answer = connected.ask("Get-TeamUser -GroupId nowhere")
    assert messages(answer)[0].startswith(
        "Error occurred while executing \nCode: NotFound\nMessage: No team found with Group Id"
        " nowhere\n"
    )
    assert answer.errors[0]["reason"] == "ApiException"


def test_a_new_team_exists_afterwards_and_has_no_preview(connected: SandboxShell) -> None:
    script = """
        $team = New-Team -DisplayName 'Tech Reads' -Visibility Public
        (Get-Team -GroupId $team.GroupId).MailNickName; (Get-TeamUser -GroupId $team.GroupId).User
    """
    assert connected.ask(script).output == ["TechReads", ADMIN]
    assert messages(connected.ask("New-Team -DisplayName x -WhatIf")) == [
        "A parameter cannot be found that matches parameter name 'WhatIf'."
    ]


def test_a_global_reader_makes_no_team_and_changes_nobody(teams: SandboxShell) -> None:
    with_tokens(teams, READER)
    assert "Insufficient privileges" in messages(teams.ask("New-Team -DisplayName x"))[0]
    assert messages(teams.ask("Set-CsUser aiko.hansen@contoso.example -HostedVoiceMail $true")) == [
        "Access Denied."
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("aiko.hansen@contoso.example", ["Aiko Hansen"]),
        ("sip:aiko.hansen@contoso.example", ["Aiko Hansen"]),
        (
            "-Filter \"Department -eq 'Sales' -and DisplayName -like 'Ad*'\"",
            ["Adele Gupta", "Adele Nakamura"],
        ),
        ("-ResultSize 1", ["Adele Gupta"]),
    ],
)
def test_users_are_the_people_of_the_tenant(
    connected: SandboxShell, query: str, found: list[str]
) -> None:
    assert connected.ask(f"(Get-CsOnlineUser {query}).DisplayName").output == found


def test_a_taken_number_is_refused_by_an_object_and_not_by_an_error(
    connected: SandboxShell,
) -> None:
    script = (
        "param($Who) Set-CsPhoneNumberAssignment -Identity $Who -PhoneNumber +4712 -PhoneNumberType"
        " DirectRouting"
    )
    assert connected.ask(script, Who="aiko.hansen@contoso.example").output == []
    assert (
        connected.ask("(Get-CsOnlineUser aiko.hansen@contoso.example).LineUri").value == "tel:+4712"
    )
    assert connected.ask(script, Who="ben.keller@contoso.example").value["Code"] == "BadRequest"


def test_a_preview_changes_nothing(connected: SandboxShell) -> None:
    answer = connected.ask(
        "Set-CsUser ben.keller@contoso.example -LineURI x -WhatIf; (Get-CsOnlineUser"
        " ben.keller@contoso.example).LineUri"
    )
    assert (answer.value, len(answer.console)) == ("", 1)


@pytest.mark.parametrize(
    ("trap", "code"), [("token_revoked", "AADSTS50173"), ("ca_revoked", "AADSTS53003")]
)
def test_a_sign_in_that_ended_fails_in_an_ordinary_cmdlet(
    connected: SandboxShell, trap: str, code: str
) -> None:
    connected.authority.set_traps(TENANT, {trap: True})
    for command in ("Get-Team", "Get-CsTenant"):
        assert messages(connected.ask(command))[0].startswith(f"{code}: ")


def test_a_list_has_as_many_rows_as_the_trap_says(connected: SandboxShell) -> None:
    connected.authority.set_traps(TENANT, {"many_rows": 300})
    assert connected.ask("(Get-CsOnlineUser).Count").value == 300


def test_the_process_can_die_in_a_service_cmdlet(tmp_path: Path) -> None:
    shell = SandboxShell(tmp_path)
    with_tokens(shell, ADMIN)
    shell.authority.set_traps(TENANT, {"dies": True})
    with pytest.raises(ProcessEnded):
        shell.ask("Get-Team")
    shell.close()
