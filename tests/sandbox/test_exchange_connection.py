"""Connections of the sandbox's ExchangeOnlineManagement, on a real PowerShell."""

import json

import pytest

from pwsh_kernels.sandbox import Authority
from tests.fixtures.sandbox import ADMIN, PROMPT, SandboxShell, say_no, sign_in_as

pytestmark = pytest.mark.xdist_group("exchange")

NOT_CONNECTED = "You must call the Connect-ExchangeOnline cmdlet before calling any other cmdlets."


def codes(shell: SandboxShell) -> list[str]:
    return [file.name for file in shell.authority.codes.iterdir()]


def test_the_code_is_printed_to_the_raw_console_and_to_no_stream(
    signed_out_shell: SandboxShell,
) -> None:
    answer = signed_out_shell.connect(ADMIN)
    assert [bool(PROMPT.fullmatch(line)) for line in answer.console] == [True]
    assert (answer.output, answer.errors, answer.warnings) == ([], [], [])


def test_a_code_has_nine_characters_and_none_that_look_alike(
    signed_out_shell: SandboxShell,
) -> None:
    answer = signed_out_shell.connect(ADMIN)
    prompt = PROMPT.fullmatch(answer.console[0])
    assert prompt
    assert len(prompt[1]) == 9
    assert set(prompt[1]) <= set("ABCDEFGHJKLMNPQRSTUVWXYZ23456789")


def test_a_pending_code_is_readable_by_its_owner_only_and_is_gone_afterwards(
    signed_out_shell: SandboxShell,
) -> None:
    modes = []

    def look_and_approve(authority: Authority, code: str) -> None:
        file = authority.codes / f"{code}.json"
        modes.append(file.stat().st_mode & 0o777)
        assert json.loads(file.read_text())["state"] == "pending"
        authority.approve(code, ADMIN)

    signed_out_shell.ask("Connect-ExchangeOnline -Device", look_and_approve)
    assert modes == [0o600]
    assert codes(signed_out_shell) == []


def test_the_tenant_of_the_chosen_account_is_what_gets_connected(
    signed_out_shell: SandboxShell,
) -> None:
    signed_out_shell.connect("admin@fabrikam.example", "-Organization contoso.example")
    connection = signed_out_shell.ask(
        "Get-ConnectionInformation | Select-Object UserPrincipalName, TenantID, Organization"
    ).value
    assert connection["UserPrincipalName"] == "admin@fabrikam.example"
    assert connection["TenantID"] == "fab21ca0-0002-4b22-9f0e-6b8e0c0d0002"
    assert connection["Organization"] == "contoso.example"


def test_connection_information_has_the_documented_properties(contoso_shell: SandboxShell) -> None:
    names = contoso_shell.ask(
        "(Get-ConnectionInformation).PSObject.Properties.Name -join ' '"
    ).value.split()
    documented = (
        "ConnectionId State Id Name UserPrincipalName ConnectionUri AzureAdAuthorizationEndpointUri"
        " TokenExpiryTimeUTC CertificateAuthentication ModuleName ModulePrefix Organization"
        " DelegatedOrganization AppId PageSize TenantID TokenStatus ConnectionUsedForInbuiltCmdlets"
        " IsEopSession"
    )
    assert names == documented.split()


def test_a_declined_sign_in_throws_entras_error_and_connects_nothing(
    signed_out_shell: SandboxShell,
) -> None:
    answer = signed_out_shell.ask("Connect-ExchangeOnline -Device", say_no)
    assert answer.thrown
    assert answer.errors[0]["message"].startswith(
        "AADSTS65004: User declined to consent to access the app. Trace ID: "
    )
    assert signed_out_shell.ask("Get-ConnectionInformation").output == []
    assert codes(signed_out_shell) == []


def test_an_expired_code_throws_entras_error(signed_out_shell: SandboxShell) -> None:
    answer = signed_out_shell.ask(
        "$env:PWSH_KERNELS_SANDBOX_EXPIRES_IN = '0.2'; Connect-ExchangeOnline -Device"
    )
    signed_out_shell.ask("$env:PWSH_KERNELS_SANDBOX_EXPIRES_IN = '30'")
    assert answer.thrown
    assert "AADSTS70020" in answer.errors[0]["message"]
    assert "This device code has expired." in answer.errors[0]["message"]
    assert codes(signed_out_shell) == []


def test_an_account_that_conditional_access_blocks_gets_no_connection(
    signed_out_shell: SandboxShell,
) -> None:
    answer = signed_out_shell.connect("blocked@contoso.example")
    assert answer.errors[0]["message"].startswith(
        "AADSTS53003: Access has been blocked by Conditional Access policies."
    )
    assert signed_out_shell.ask("Get-ConnectionInformation").output == []


def test_stopping_a_sign_in_ends_it_and_takes_the_code_away(signed_out_shell: SandboxShell) -> None:
    tell = '"$shown $([IO.Directory]::GetFiles($codes).Count) $($shell.InvocationStateInfo.State)"'
    assert signed_out_shell.stop_sign_in("Connect-ExchangeOnline -Device", tell) == "1 0 Stopped"


@pytest.mark.parametrize(
    "route",
    [
        "",
        "-UserPrincipalName admin@contoso.example",
        "-Device -Prefix Foo",
        "-Device -UseRPSSession",
    ],
)
def test_a_route_that_is_not_simulated_is_refused_plainly(
    signed_out_shell: SandboxShell, route: str
) -> None:
    answer = signed_out_shell.ask(f"Connect-ExchangeOnline {route}")
    assert answer.thrown
    assert "is not simulated in the sandbox" in answer.errors[0]["message"]
    assert answer.console == []


def test_every_documented_parameter_of_connect_exists(newcomer_shell: SandboxShell) -> None:
    documented = """
        AccessToken AppId AzureADAuthorizationEndpointUri BypassMailboxAnchoring Certificate CertificateFilePath
        CertificatePassword CommandName ConnectionUri Credential DelegatedOrganization Device
        DisableWAM EXOModuleBasePath EnableErrorReporting ExchangeEnvironmentName FormatTypeName InlineCredential
        LoadCmdletHelp LogDirectoryPath LogLevel ManagedIdentity ManagedIdentityAccountId Organization PSSessionOption
        PageSize Prefix ShowBanner ShowProgress SigningCertificate SkipLoadingCmdletHelp SkipLoadingFormatData
        TrackPerformance UseMultithreading UseRPSSession UserPrincipalName
    """  # noqa: E501
    names = newcomer_shell.ask(
        "(Get-Command Connect-ExchangeOnline).Parameters.Keys -join ' '"
    ).value.split()
    assert set(documented.split()) - set(names) == set()


def test_a_partner_can_connect_to_a_customer_and_nobody_else_can(
    signed_out_shell: SandboxShell,
) -> None:
    signed_out_shell.connect(ADMIN, "-DelegatedOrganization fabrikam.onmicrosoft.example")
    domains = signed_out_shell.ask("(Get-AcceptedDomain).DomainName -join ' '").value
    assert domains == "fabrikam.example fabrikam.onmicrosoft.example"
    answer = signed_out_shell.connect(
        "admin@fabrikam.example", "-DelegatedOrganization contoso.example"
    )
    assert answer.errors[0]["message"].startswith("AADSTS50020: ")


def test_disconnecting_ends_the_connection(signed_out_shell: SandboxShell) -> None:
    signed_out_shell.connect(ADMIN)
    assert (
        signed_out_shell.ask(
            "Disconnect-ExchangeOnline -Confirm:$false; Get-ConnectionInformation"
        ).output
        == []
    )


def test_disconnecting_as_a_preview_keeps_the_connection(signed_out_shell: SandboxShell) -> None:
    signed_out_shell.connect(ADMIN)
    answer = signed_out_shell.ask(
        "Disconnect-ExchangeOnline -WhatIf; (Get-ConnectionInformation).State"
    )
    assert answer.value == "Connected"
    assert answer.console[0].startswith("What if: Running this cmdlet clears all active sessions")


@pytest.mark.parametrize(
    "command",
    [
        "Get-Mailbox",
        "Get-EXOMailbox",
        "Get-MailboxStatistics x",
        "Get-TransportRule",
        "Get-AcceptedDomain",
        "Set-Mailbox x",
        "New-Mailbox x -Shared",
    ],
)
def test_without_a_connection_a_cmdlet_says_so(
    signed_out_shell: SandboxShell, command: str
) -> None:
    answer = signed_out_shell.ask(command)
    assert [error["message"] for error in answer.errors] == [NOT_CONNECTED]


def test_command_name_limits_the_cmdlets_of_the_connection(signed_out_shell: SandboxShell) -> None:
    signed_out_shell.connect(ADMIN, "-CommandName Get-AcceptedDomain")
    answer = signed_out_shell.ask("(Get-AcceptedDomain).Count; Get-Mailbox")
    assert answer.output == [2]
    assert answer.errors[0]["message"].startswith("The term 'Get-Mailbox' is not recognized")


def test_a_global_reader_has_no_cmdlets_that_change(signed_out_shell: SandboxShell) -> None:
    signed_out_shell.connect("reader@contoso.example")
    answer = signed_out_shell.ask(
        "(Get-Mailbox adele.gupta).Alias; Set-Mailbox adele.gupta -Office Rome"
    )
    assert answer.output == ["adele.gupta"]
    assert answer.errors[0]["id"] == "CommandNotFoundException,Set-Mailbox"


def test_outside_of_a_sandbox_session_the_module_says_where_it_belongs(
    signed_out_shell: SandboxShell,
) -> None:
    answer = signed_out_shell.ask(
        "$kept = $env:PWSH_KERNELS_SANDBOX; $env:PWSH_KERNELS_SANDBOX = ''; "
        "try { Connect-ExchangeOnline -Device } finally { $env:PWSH_KERNELS_SANDBOX = $kept }"
    )
    assert "it works only in a session of a sandbox tenant" in answer.errors[0]["message"]


def test_a_session_can_sign_in_again_as_somebody_else(signed_out_shell: SandboxShell) -> None:
    signed_out_shell.connect(ADMIN)
    signed_out_shell.ask("Connect-ExchangeOnline -Device", sign_in_as("admin@fabrikam.example"))
    script = "(Get-ConnectionInformation).Name -join ' '; (Get-AcceptedDomain)[0].DomainName"
    assert signed_out_shell.ask(script).output == [
        "ExchangeOnline_1 ExchangeOnline_2",
        "fabrikam.example",
    ]
