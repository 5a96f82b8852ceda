"""Where the real Microsoft.Graph.Authentication is awkward, the sandbox's is too: errors, one
connection, what is kept.
"""

import json

import pytest

from tests.fixtures.sandbox import (
    ADMIN,
    AUTOMATION,
    PROMPT,
    Answer,
    SandboxShell,
    say_no,
    sign_in_as,
)
from tests.sandbox.graph import DEVICE, READER, SIGN_OUT, TENANT, message, sign_in

pytestmark = pytest.mark.xdist_group("graph")

CLASS = "Microsoft.Graph.PowerShell.Authentication.Cmdlets"
FAILED = "Azure.Identity.AuthenticationFailedException"
MSAL = "Microsoft.Identity.Client"
RECORD = "$HOME/.mg/mg.authrecord.json"
NOBODY = "11111111-2222-4333-8444-555555555555"
REACH = "(Invoke-MgGraphRequest GET /v1.0/organization).value.id"


def refused(shell: SandboxShell, how: str) -> Answer:
    """Fail to sign in in one of the ways that there are."""
    secret = "contoso-automation-sandbox-secret"
    ways = {
        "secret": lambda: sign_in(shell, "wrong"),
        "application": lambda: sign_in(shell, secret, NOBODY),
        "tenant": lambda: shell.ask(f"{DEVICE} -TenantId nobody.example"),
        "declined": lambda: shell.ask(DEVICE, say_no),
        "blocked": lambda: shell.ask(DEVICE, sign_in_as("blocked@contoso.example")),
    }
    return ways[how]()


@pytest.mark.parametrize(
    ("how", "credential", "inner"),
    [
        ("secret", "ClientSecret", "MsalServiceException invalid_client"),
        ("application", "ClientSecret", "MsalServiceException unauthorized_client"),
        ("tenant", "DeviceCode", "MsalServiceException invalid_request"),
        ("declined", "DeviceCode", "MsalServiceException authorization_declined"),
        ("blocked", "DeviceCode", "MsalUiRequiredException invalid_grant"),
    ],
)
def test_a_refused_sign_in_is_written_with_the_librarys_types_and_codes(
    graph: SandboxShell, how: str, credential: str, inner: str
) -> None:
    answer = refused(graph, how)
    (error,) = answer.errors
    assert (error["id"], error["category"], answer.thrown) == (
        f"{CLASS}.ConnectMgGraph",
        "NotSpecified",
        False,
    )
    assert error["types"] == [FAILED, f"{MSAL}.{inner}"]
    assert error["message"].startswith(f"{credential}Credential authentication failed: AADSTS")


def test_newer_libraries_leave_the_reason_to_the_inner_exception(graph: SandboxShell) -> None:
    graph.authority.set_traps(TENANT, {"hidden_reason": True})
    assert message(sign_in(graph, "wrong")) == "ClientSecretCredential authentication failed: "
    assert (
        graph.ask("$Error[0].Exception.InnerException.Message.Substring(0, 14)").value
        == "AADSTS7000215:"
    )


def test_the_types_can_be_caught_by_their_names(graph: SandboxShell) -> None:
    script = (
        f"try {{ {DEVICE} -TenantId nobody.example -ErrorAction Stop }} catch [{FAILED}] {{"
        " 'caught' }"
    )
    assert graph.ask(script).output == ["caught"]


def test_a_secret_without_a_tenant_is_the_librarys_argument_error(graph: SandboxShell) -> None:
    held = "ConvertTo-SecureString $Held -AsPlainText -Force"
    script = (
        f"param($Held) Connect-MgGraph -ClientSecretCredential ([pscredential]::new('x', ({held})))"
    )
    answer = graph.ask(script, Held="y")
    assert message(answer).startswith("Tenant id cannot be null. ")
    assert answer.errors[0]["types"] == ["System.ArgumentNullException"]


def test_without_a_screen_the_device_code_is_taken_unasked(graph: SandboxShell) -> None:
    answer = graph.ask("Connect-MgGraph -NoWelcome", sign_in_as(ADMIN))
    assert [bool(PROMPT.fullmatch(line)) for line in answer.output] == [True]
    assert (answer.warnings, answer.errors) == ([], [])
    assert graph.ask("(Get-MgContext).Account").value == ADMIN


def test_the_welcome_text_is_output_too(graph: SandboxShell) -> None:
    hidden = graph.ask("$kept = Connect-MgGraph -Identity; $kept.Substring(0, 26)")
    assert (hidden.output, hidden.console) == (["Welcome to Microsoft Graph"], [])


@pytest.mark.parametrize("how", ["secret", "declined"])
def test_a_failed_connect_wipes_the_connection_that_was_there(
    graph: SandboxShell, how: str
) -> None:
    graph.ask("Connect-MgGraph -Identity -NoWelcome")
    assert refused(graph, how).errors
    assert graph.ask("Get-MgContext").output == [None]
    assert message(graph.ask(REACH)) == "Authentication needed. Please call Connect-MgGraph."


@pytest.mark.parametrize(
    "elsewhere",
    [
        "1 | ForEach-Object -Parallel { (Get-MgContext).AppName }",
        "Start-ThreadJob { (Get-MgContext).AppName } | Receive-Job -Wait -AutoRemoveJob",
    ],
)
def test_there_is_one_connection_for_the_whole_process(
    directory: SandboxShell, elsewhere: str
) -> None:
    assert directory.ask(elsewhere).output == ["Automation"]


def test_a_connect_in_a_job_of_threads_changes_the_connection_of_all(
    directory: SandboxShell,
) -> None:
    directory.ask(
        "Start-ThreadJob { Connect-MgGraph -Identity -NoWelcome } | Receive-Job -Wait"
        " -AutoRemoveJob"
    )
    assert directory.ask("(Get-MgContext).AuthType").value == "ManagedIdentity"


def test_a_secret_that_is_wrong_by_now_succeeds_until_somebody_signs_out(
    directory: SandboxShell,
) -> None:
    assert sign_in(directory, "wrong by now").errors == []
    directory.ask(SIGN_OUT)
    assert "AADSTS7000215" in message(sign_in(directory, "wrong by now"))


def test_a_person_who_connects_again_is_not_asked(graph: SandboxShell) -> None:
    graph.ask(DEVICE, sign_in_as(ADMIN))
    again = graph.ask(f"{DEVICE}; (Get-MgContext).Account")
    assert again.output == [ADMIN]


def test_a_person_leaves_a_record_without_a_token_that_everybody_may_read(
    graph: SandboxShell,
) -> None:
    graph.ask(DEVICE, sign_in_as(ADMIN))
    text, mode = graph.ask(f"Get-Content -Raw {RECORD}; (Get-Item {RECORD}).UnixMode").output
    assert mode == "-rw-r--r--"
    assert json.loads(text)["username"] == ADMIN
    assert ".sandbox" not in text  # how tokens of the sandbox end
    assert graph.ask(
        f"[void] (Disconnect-MgGraph); Test-Path {RECORD}; Test-Path $HOME/.mg"
    ).output == [False, True]


def test_an_application_leaves_no_record(directory: SandboxShell) -> None:
    assert directory.ask(f"Test-Path {RECORD}").value is False


def test_another_person_than_the_records_is_asked_with_every_request_in_vain(
    graph: SandboxShell,
) -> None:
    graph.ask(DEVICE, sign_in_as(READER))
    kept = f"Copy-Item {RECORD} {RECORD}.kept; "
    graph.ask(
        kept + SIGN_OUT + f"Move-Item {RECORD}.kept {RECORD}"
    )  # as a PowerShell that was killed leaves it
    assert graph.ask(DEVICE, sign_in_as(ADMIN)).errors == []
    assert (
        message(graph.ask(REACH))
        == "DeviceCodeCredential authentication failed: The pipeline has been stopped."
    )


@pytest.mark.parametrize(
    ("base", "place"),
    [("$env:XDG_DATA_HOME", "$env:XDG_DATA_HOME"), ("$null", "([Environment]::CurrentDirectory)")],
)
def test_without_a_keyring_current_user_falls_back_and_leaves_a_folder(
    graph: SandboxShell, tmp_path_factory: pytest.TempPathFactory, base: str, place: str
) -> None:
    script = f"""
        param($Data, $Here)
        $before = [Environment]::CurrentDirectory
        [Environment]::CurrentDirectory = $Here; $env:XDG_DATA_HOME = $Data
        if (-not {base}) {{ $env:XDG_DATA_HOME = "$Data/missing" }}
        try {{
            Connect-MgGraph -Identity -ContextScope CurrentUser -NoWelcome
            (Get-MgContext).ContextScope
            (Get-ChildItem -Force (Join-Path {place} .IdentityService)).Count
            Test-Path (Join-Path {place} .IdentityService)
        }} finally {{ $env:XDG_DATA_HOME = ''; [Environment]::CurrentDirectory = $before }}
    """
    answer = graph.ask(
        script, Data=str(tmp_path_factory.mktemp("data")), Here=str(tmp_path_factory.mktemp("here"))
    )
    assert (answer.output, answer.errors) == (["Process", 0, True], [])


def test_not_connected_a_request_ends_the_script_and_the_context_is_nothing(
    graph: SandboxShell,
) -> None:
    answer = graph.ask(f"Get-MgContext; {REACH}; 'went on'")
    (error,) = answer.errors
    assert (answer.output, answer.thrown) == ([None], True)
    assert (error["id"], error["category"]) == (
        f"AuthenticationError,{CLASS}.InvokeMgGraphRequest",
        "AuthenticationError",
    )


def test_signing_out_gives_the_old_context_or_an_argument_error(directory: SandboxShell) -> None:
    assert directory.ask("(Disconnect-MgGraph).TokenCredentialType").value == "ClientSecret"
    (error,) = directory.ask("Disconnect-MgGraph").errors
    assert (error["message"], error["types"]) == (
        "No application to sign out from.",
        ["System.ArgumentException"],
    )


def test_a_person_whose_sign_in_ended_gets_an_error_that_says_nothing_and_stays_in_the_context(
    graph: SandboxShell,
) -> None:
    graph.ask(DEVICE, sign_in_as(ADMIN))
    graph.authority.set_traps(TENANT, {"ca_revoked": "AADSTS70043: The refresh token has expired."})
    text = (
        "DeviceCodeCredential authentication failed: Object reference not set to an instance of an"
        " object."
    )
    for command in ("Get-MgUser", REACH):
        (error,) = graph.ask(command).errors
        assert (error["message"], error["types"]) == (
            text,
            [FAILED, "System.NullReferenceException"],
        )
    assert graph.ask("(Get-MgContext).Account").value == ADMIN


def test_an_application_whose_sign_in_ended_is_told_the_reason(directory: SandboxShell) -> None:
    directory.authority.set_traps(
        TENANT, {"ca_revoked": "AADSTS50076: Due to a configuration change ..."}
    )
    (error,) = directory.ask("Get-MgUser").errors
    assert error["types"] == [FAILED, f"{MSAL}.MsalUiRequiredException invalid_grant"]


def test_stopping_a_sign_in_leaves_no_error(graph: SandboxShell) -> None:
    tell = '"$($shell.InvocationStateInfo.State) $($shell.Streams.Error.Count)"'
    assert graph.stop_sign_in("Connect-MgGraph -UseDeviceCode", tell) == "Stopped 0"


PARAMETERS = {
    "UserParameterSet": (
        "Scopes ClientId TenantId ContextScope Environment UseDeviceCode ClientTimeout NoWelcome"
    ),
    "AppCertificateParameterSet": (
        "ClientId Certificate CertificateThumbprint CertificateSubjectName SendCertificateChain"
        " TenantId"
    ),
    "AppSecretCredentialParameterSet": "ClientSecretCredential TenantId",
    "AccessTokenParameterSet": "AccessToken",
    "IdentityParameterSet": "Identity",
    "EnvironmentVariableParameterSet": "EnvironmentVariable",
}
ALIASES = {
    "UseDeviceCode": ["UseDeviceAuthentication", "DeviceCode", "DeviceAuth", "Device"],
    "ClientSecretCredential": ["SecretCredential", "Credential"],
    "ClientId": ["AppId", "ApplicationId"],
    "TenantId": ["Audience", "Tenant"],
}


def test_parameters_stand_in_the_real_sets_under_the_real_names(graph: SandboxShell) -> None:
    sets = graph.ask(
        '(Get-Command Connect-MgGraph).ParameterSets | ForEach-Object { "$($_.Name)'
        " $($_.Parameters.Name -join ' ')\" }"
    ).output
    found = {name: set(names) for name, *names in (line.split() for line in sets)}
    missing = {name: set(wanted.split()) - found[name] for name, wanted in PARAMETERS.items()}
    assert not any(missing.values()), missing
    for name, aliases in ALIASES.items():
        assert (
            graph.ask(f"(Get-Command Connect-MgGraph).Parameters.{name}.Aliases").output == aliases
        )
    assert (
        graph.ask("(Get-Command Connect-MgGraph).Parameters.AccessToken.ParameterType.Name").value
        == "SecureString"
    )


def test_an_applications_id_is_in_no_context_after_it_was_refused(graph: SandboxShell) -> None:
    sign_in(graph, "wrong", AUTOMATION["contoso"])
    assert graph.ask("$null -eq (Get-MgContext)").value is True
