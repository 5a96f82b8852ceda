"""The sandbox's PnP.PowerShell on a real PowerShell: routes, an app registration of one's own, kept
logins, sites, lists.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.sandbox import (
    ADMIN,
    AUTOMATION,
    CERTIFICATE_PASSWORD,
    PAGE,
    Answer,
    ProcessEnded,
    SandboxShell,
    make_certificate,
    say_no,
    sign_in_as,
)

pytestmark = pytest.mark.pwsh

APP = AUTOMATION["contoso"]
ROOT = "https://contoso.sharepoint.com"
SITE = f"{ROOT}/sites/finance"
CONNECT = "PnP.PowerShell.Commands.Base.ConnectOnline"
DEVICE = (
    f"Connect-PnPOnline -Url {SITE} -DeviceLogin -ClientId {APP} -Tenant"
    " contoso.onmicrosoft.example"
)
CERTIFICATE = (
    f"param($File, $Password) Connect-PnPOnline -Url {ROOT} -ClientId {APP} -Tenant"
    " contoso.onmicrosoft.example "
)
PASSWORD = "-CertificatePassword (ConvertTo-SecureString $Password -AsPlainText -Force)"
NOT_CONNECTED = "You are not signed in. Please use Connect-PnPOnline to connect."
UNABLE = ("Unable to connect using provided arguments", f"InvalidOperation,{CONNECT}", True)
"""How every device sign-in fails: message, id, whether it is thrown."""
WRONG_THREAD = (
    "The WriteObject and WriteError methods cannot be called from outside the overrides of "
)
CLEAN = """
    if ($(try { Get-PnPConnection } catch { $false })) { Disconnect-PnPOnline }
    Clear-SandboxTrap
    Remove-Item -Recurse -Force $HOME/.m365pnppowershell, Env:ENTRAID_*, Env:AZURE_* -ErrorAction Ignore
"""  # noqa: E501
CODE_TEXT = re.compile(
    rf"Open a browser, navigate to {re.escape(PAGE)} and authenticate using code \w{{9}} to"
    r" proceed\."
)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxShell]:
    """One PowerShell with a HOME of its own."""
    home = tmp_path_factory.mktemp("home")
    shell = SandboxShell(tmp_path_factory.mktemp("sandbox"), {"HOME": str(home)})
    yield shell
    shell.close()


@pytest.fixture
def shell(opened: SandboxShell) -> Iterator[SandboxShell]:
    """A session in which nobody is signed in and no login is kept."""
    yield opened
    opened.authority.clear_traps("contoso.example")
    opened.ask(CLEAN)


@pytest.fixture
def app(shell: SandboxShell) -> SandboxShell:
    """A session signed in to the root site as an application that may do everything."""
    connect_app(shell)
    return shell


def connect_app(shell: SandboxShell, url: str = ROOT) -> Answer:
    """Sign in without a person."""
    return shell.ask(f"Connect-PnPOnline -Url {url} -ManagedIdentity")


def failure(answer: Answer) -> tuple[str, str, bool]:
    """Return the one error of a sign-in: message, id, whether it was thrown."""
    [error] = answer.errors
    return error["message"], error["id"], answer.thrown


def unwrapped(warning: str) -> str:
    """Return a warning as it was before the console's lines and colours."""
    return " ".join(ANSI.sub("", warning).split())


def reason(answer: Answer) -> str:
    """Return what PnP says by the host: no stream has it."""
    said = [
        line.removeprefix("WARNING: ") for line in answer.console if line.startswith("WARNING: ")
    ]
    return said[-1] if said else ""


def claims(shell: SandboxShell) -> dict[str, str]:
    """Return the claims of the connection's token."""
    script = (
        "$c = @{}; (Get-PnPAccessToken -ResourceTypeName SharePoint -Decoded).Claims | % {"
        " $c[$_.Type] = $_.Value }; $c"
    )
    found = shell.ask(script).value
    assert isinstance(found, dict)
    return found


def test_the_code_is_a_warning_in_pnp_s_own_words_inverted_on_a_console(
    shell: SandboxShell,
) -> None:
    answer = shell.ask(DEVICE, sign_in_as(ADMIN))
    [warning] = answer.warnings
    assert CODE_TEXT.fullmatch(unwrapped(warning))
    assert (warning.startswith("\x1b[7m\n"), warning.endswith("\x1b[0m\n")) == (True, True)
    assert (answer.output, answer.errors) == ([], [])
    assert (claims(shell)["upn"], claims(shell)["appid"]) == (ADMIN, APP)


def test_a_script_that_silences_warnings_hides_the_code(shell: SandboxShell) -> None:
    answer = shell.ask(f"{DEVICE} 3>$null; (Get-PnPWeb).Title", sign_in_as(ADMIN))
    assert (answer.value, answer.warnings, answer.console) == ("Finance", [], [])


def test_in_a_cloud_shell_the_sentence_is_entra_s(shell: SandboxShell) -> None:
    answer = shell.ask(
        f"$env:POWERSHELL_DISTRIBUTION_CHANNEL = 'CloudShell'; try {{ {DEVICE} }} finally "
        "{ $env:POWERSHELL_DISTRIBUTION_CHANNEL = $null }",
        sign_in_as(ADMIN),
    )
    start = f"To sign in, use a web browser to open the page {PAGE} and enter the code "
    assert unwrapped(answer.warnings[0]).startswith(start)


def test_without_an_app_of_one_s_own_there_is_no_sign_in(shell: SandboxShell) -> None:
    answer = shell.ask(f"Connect-PnPOnline -Url {ROOT} -Interactive")
    assert list(map(unwrapped, answer.warnings)) == [
        "Please specify a valid client id for an Entra ID App Registration."
    ]
    assert failure(answer) == (
        "Specified method is not supported.",
        f"CLIENTIDREQUIRED,{CONNECT}",
        True,
    )
    device = shell.ask(f"Connect-PnPOnline -Url {ROOT} -DeviceLogin")
    assert (failure(device), reason(device)[: len(WRONG_THREAD)]) == (UNABLE, WRONG_THREAD)


@pytest.mark.parametrize("variable", ["ENTRAID_APP_ID", "ENTRAID_CLIENT_ID", "AZURE_CLIENT_ID"])
def test_the_app_can_stand_in_the_environment(shell: SandboxShell, variable: str) -> None:
    shell.ask(
        f"$env:{variable} = '{APP}'; Connect-PnPOnline -Url {ROOT} -DeviceLogin", sign_in_as(ADMIN)
    )
    assert shell.ask("(Get-PnPConnection).ClientId").value == APP


def test_an_app_that_the_tenant_does_not_know_is_refused_before_any_code(
    shell: SandboxShell,
) -> None:
    answer = shell.ask(
        f"Connect-PnPOnline -Url {ROOT} -DeviceLogin -ClientId {AUTOMATION['fabrikam']}"
    )
    assert (reason(answer)[:14], failure(answer), answer.warnings) == ("AADSTS700016: ", UNABLE, [])


@pytest.mark.parametrize(
    ("account", "code"),
    [("blocked@contoso.example", "AADSTS53003"), ("admin@fabrikam.example", "AADSTS50020")],
)
def test_a_refused_device_sign_in_says_why_in_a_warning_of_the_host_only(
    shell: SandboxShell, account: str, code: str
) -> None:
    answer = shell.ask(f"{DEVICE} -WarningVariable said; $said.Count", sign_in_as(account))
    assert (reason(answer).partition(":")[0], failure(answer)) == (code, UNABLE)
    assert shell.ask("$said | Where-Object { $_ -match 'AADSTS' }").output == []
    assert shell.ask("Get-PnPConnection").errors[0]["message"].startswith(NOT_CONNECTED)


def test_a_declined_sign_in_leaves_no_connection(shell: SandboxShell) -> None:
    answer = shell.ask(DEVICE, say_no)
    assert (reason(answer)[:13], failure(answer)) == ("AADSTS65004: ", UNABLE)


def test_an_expired_code_leaves_no_connection(shell: SandboxShell) -> None:
    answer = shell.ask(f"Set-SandboxTrap code_expiry 0.2; {DEVICE}")
    assert (reason(answer)[:13], failure(answer)) == ("AADSTS70020: ", UNABLE)


def test_without_a_tenant_the_account_s_own_tenant_must_have_the_site(shell: SandboxShell) -> None:
    answer = shell.ask(
        f"Connect-PnPOnline -Url {ROOT} -DeviceLogin -ClientId {APP}",
        sign_in_as("admin@fabrikam.example"),
    )
    missing = (
        f"AADSTS500011: The resource principal named {ROOT} was not found in the tenant named"
        " Fabrikam"
    )
    assert reason(answer).startswith(missing)


def test_the_null_connection_only_warns(shell: SandboxShell) -> None:
    shell.authority.set_traps("contoso.example", {"null_connection": True})
    answer = shell.ask(DEVICE, sign_in_as(ADMIN))
    assert (answer.thrown, answer.errors) == (False, [])
    assert reason(answer) == "A task was canceled."
    refused = shell.ask(DEVICE, say_no)
    assert (refused.thrown, refused.errors) == (False, [])
    assert shell.ask("Get-PnPConnection").errors[0]["message"].startswith(NOT_CONNECTED)


def test_the_process_can_die_during_a_sign_in(tmp_path: Path) -> None:
    shell = SandboxShell(tmp_path)
    shell.authority.set_traps("contoso.example", {"dies": "connect"})
    with pytest.raises(ProcessEnded):
        connect_app(shell)
    shell.close()


def test_a_certificate_file_signs_an_application_in(shell: SandboxShell, tmp_path: Path) -> None:
    file = make_certificate(tmp_path)
    answer = shell.ask(
        f"{CERTIFICATE} -CertificatePath $File {PASSWORD}",
        File=str(file),
        Password=CERTIFICATE_PASSWORD,
    )
    assert answer.errors == []
    assert claims(shell)["appid"] == APP
    assert "upn" not in claims(shell)


def test_a_certificate_can_be_a_text_or_come_from_the_environment(
    shell: SandboxShell, tmp_path: Path
) -> None:
    values: dict[str, Any] = {
        "File": str(make_certificate(tmp_path)),
        "Password": CERTIFICATE_PASSWORD,
    }
    encoded = (
        "-CertificateBase64Encoded ([convert]::ToBase64String([IO.File]::ReadAllBytes($File)))"
    )
    assert (
        shell.ask(f"{CERTIFICATE} {encoded} {PASSWORD}; (Get-PnPWeb).Title", **values).value
        == "Contoso"
    )
    named = (
        "param($File, $Password) $env:AZURE_CLIENT_ID, $env:AZURE_CLIENT_CERTIFICATE_PATH,"
        f" $env:AZURE_CLIENT_CERTIFICATE_PASSWORD = '{APP}', $File, $Password; Connect-PnPOnline"
        f" -Url {ROOT} -EnvironmentVariable -Tenant contoso.example; (Get-PnPWeb).Title"
    )
    assert shell.ask(named, **values).value == "Contoso"


@pytest.mark.parametrize(
    ("subject", "days", "code"),
    [("contoso-other", 1, "AADSTS700027"), ("contoso-automation", -1, "AADSTS700027")],
)
def test_a_certificate_that_is_unknown_or_expired_is_refused(
    shell: SandboxShell, tmp_path: Path, subject: str, days: int, code: str
) -> None:
    file = make_certificate(tmp_path, subject, days)
    answer = shell.ask(
        f"{CERTIFICATE} -CertificatePath $File {PASSWORD}",
        File=str(file),
        Password=CERTIFICATE_PASSWORD,
    )
    message, error_id, thrown = failure(answer)
    assert (message.partition(":")[0], thrown) == (code, True)
    assert error_id == f"Microsoft.Identity.Client.MsalServiceException,{CONNECT}"


def test_a_wrong_password_and_a_missing_file_say_what_is_wrong(
    shell: SandboxShell, tmp_path: Path
) -> None:
    values: dict[str, Any] = {"File": str(make_certificate(tmp_path)), "Password": "canary"}
    wrong = failure(shell.ask(f"{CERTIFICATE} -CertificatePath $File {PASSWORD}", **values))
    assert wrong[0].startswith(
        f"The specified certificate at '{values['File']}' could not be read."
    )
    assert (wrong[1:], "canary" in wrong[0]) == ((f"Argument,{CONNECT}", True), False)
    missing = failure(shell.ask(f"{CERTIFICATE} -CertificatePath /nowhere.pfx"))
    assert missing == ("Certificate not found", f"System.IO.FileNotFoundException,{CONNECT}", True)
    absent = "Cannot find certificate with this thumbprint in the certificate store."
    assert failure(shell.ask(f"{CERTIFICATE} -Thumbprint 0123")) == (
        absent,
        f"Argument,{CONNECT}",
        True,
    )


def test_a_workload_identity_is_taken_from_the_environment(
    shell: SandboxShell, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(
        shell.authority.issue_token(APP, "api://AzureADTokenExchange"), encoding="utf-8"
    )
    script = (
        "param($File) $env:AZURE_FEDERATED_TOKEN_FILE, $env:AZURE_CLIENT_ID, $env:AZURE_TENANT_ID"
        f" = $File, '{APP}', 'c0070500-0001-4a11-8c0d-5a9d0b0c0001'; Connect-PnPOnline -Url {ROOT}"
        " -AzureADWorkloadIdentity; (Get-PnPConnection).ConnectionMethod"
    )
    assert shell.ask(script, File=str(file)).value == "AzureADWorkloadIdentity"


def test_a_managed_identity_belongs_to_this_machine_s_tenant(shell: SandboxShell) -> None:
    assert connect_app(shell).errors == []
    foreign = connect_app(shell, "https://fabrikam.sharepoint.com")
    assert foreign.errors[0]["message"].startswith("AADSTS500011: ")


def test_an_access_token_of_the_site_signs_in_and_of_another_service_does_not(
    shell: SandboxShell,
) -> None:
    connect = f"param($Token) Connect-PnPOnline -Url {SITE} -AccessToken $Token"
    token = shell.authority.issue_token(ADMIN, ROOT)
    assert shell.ask(f"{connect}; Get-PnPAccessToken", Token=token).value == token
    other = shell.authority.issue_token(ADMIN, "https://graph.microsoft.com")
    answer = shell.ask(connect, Token=other)
    assert "Audience validation failed" in answer.errors[0]["message"]
    assert other not in str(answer.errors)


def keep_login(shell: SandboxShell) -> Answer:
    """Sign in as a person whose login is kept, and leave the connection."""
    return shell.ask(
        f"{DEVICE} -PersistLogin -ErrorAction Stop; Disconnect-PnPOnline", sign_in_as(ADMIN)
    )


def test_a_sign_in_leaves_nothing_on_disk_unless_it_is_to_be_kept(shell: SandboxShell) -> None:
    shell.ask(DEVICE, sign_in_as(ADMIN))
    assert shell.ask("Test-Path $HOME/.m365pnppowershell").value is False


def test_a_kept_login_needs_no_person_afterwards(shell: SandboxShell) -> None:
    keep_login(shell)
    modes = shell.ask(
        'Get-ChildItem -Force $HOME/.m365pnppowershell | % { "$($_.UnixMode) $($_.Name)" }'
    ).output
    assert modes == ["-rw------- pnp.msal.cache", "-rw-r--r-- settings.json"]
    again = shell.ask(f"Connect-PnPOnline -Url {ROOT}/sites/people; (Get-PnPWeb).Title")
    assert again.value == "Human Resources"
    assert "Connecting using token cache." in reason(again)
    assert claims(shell)["upn"] == ADMIN
    resumed = shell.ask(f"{DEVICE} -ErrorAction Stop")
    assert (resumed.warnings, resumed.errors) == ([], [])


@pytest.mark.parametrize("action", ["", "-ErrorAction Continue"])
def test_a_login_that_is_to_be_kept_fails_and_makes_later_ones_fail_unless_errors_stop(
    shell: SandboxShell, action: str
) -> None:
    first = shell.ask(f"{DEVICE} -PersistLogin {action}")
    assert (failure(first), reason(first)[: len(WRONG_THREAD)]) == (UNABLE, WRONG_THREAD)
    later = shell.ask(f"{DEVICE} {action}")
    assert (failure(later), reason(later)[: len(WRONG_THREAD)]) == (UNABLE, WRONG_THREAD)
    assert (
        shell.ask(f"& {{ $ErrorActionPreference = 'Stop'; {DEVICE} }}", sign_in_as(ADMIN)).errors
        == []
    )


def test_a_kept_login_serves_another_powershell_of_the_same_home_and_no_other_app(
    shell: SandboxShell,
) -> None:
    keep_login(shell)
    connect = f"Connect-PnPOnline -Url {ROOT} -ClientId {APP}; (Get-PnPWeb).Title"
    assert (
        shell.ask(
            f"$p = [powershell]::Create().AddScript('{connect}'); $p.Invoke(); $p.Dispose()"
        ).value
        == "Contoso"
    )
    other = "c0070500-a992-4c00-8a00-00000000a992"
    answer = shell.ask(f"Connect-PnPOnline -Url {ROOT} -ClientId {other}")
    assert (
        "does not simulate signing in with a password or a browser" in answer.errors[0]["message"]
    )


def test_the_connection_belongs_to_the_whole_process(app: SandboxShell) -> None:
    elsewhere = "[powershell]::Create().AddScript({0}).Invoke()"
    assert app.ask(elsewhere.format("'(Get-PnPWeb).Title'")).value == "Contoso"
    app.ask(elsewhere.format("'Disconnect-PnPOnline'"))
    assert failure(app.ask("Get-PnPWeb"))[0] == NOT_CONNECTED


def test_clearing_a_kept_login_forgets_it(shell: SandboxShell) -> None:
    clear = "Disconnect-PnPOnline -ClearPersistedLogin"
    shell.ask(f"{DEVICE} -PersistLogin -ErrorAction Stop; {clear}", sign_in_as(ADMIN))
    answer = shell.ask(f"Connect-PnPOnline -Url {ROOT}")
    assert answer.errors[0]["id"] == f"CLIENTIDREQUIRED,{CONNECT}"


def test_a_revoked_or_blocked_kept_login_signs_nobody_in(shell: SandboxShell) -> None:
    keep_login(shell)
    shell.authority.set_traps("contoso.example", {"ca_block": "device_code"})
    message, error_id, thrown = failure(shell.ask(f"Connect-PnPOnline -Url {ROOT}"))
    assert (message[:14], thrown) == ("AADSTS530036: ", True)
    assert error_id == f"Microsoft.Identity.Client.MsalUiRequiredException,{CONNECT}"
    shell.authority.clear_traps("contoso.example")
    shell.authority.revoke(ADMIN)
    assert (
        shell.ask(f"Connect-PnPOnline -Url {ROOT}").errors[0]["message"].startswith("AADSTS50173: ")
    )
    shell.authority.restore(ADMIN)


def test_a_wrong_client_secret_connects_and_is_refused_at_the_first_command(
    shell: SandboxShell,
) -> None:
    connect = f"Connect-PnPOnline -Url {ROOT} -ClientId {APP} -ClientSecret "
    wrong = shell.ask(f"{connect} canary; (Get-PnPConnection).ClientId")
    assert (wrong.value, unwrapped(wrong.warnings[0])[:34]) == (
        APP,
        "Connecting with Client Secret uses",
    )
    refused = shell.ask("Get-PnPWeb")
    assert refused.errors[0]["message"].startswith("AADSTS7000215: ")
    assert "canary" not in str(refused) + str(
        shell.ask("Get-PnPConnection | Format-List * -Force | Out-String").output
    )
    right = shell.ask(
        f"{connect} contoso-automation-sandbox-secret -WarningAction Ignore; (Get-PnPWeb).Title"
    )
    assert (right.value, right.warnings) == ("Contoso", [])


def test_an_interactive_sign_in_without_a_screen_falls_back_to_nothing(shell: SandboxShell) -> None:
    message, error_id, thrown = failure(
        shell.ask(f"Connect-PnPOnline -Url {ROOT} -ClientId {APP} -Interactive")
    )
    assert message.startswith(
        "Unable to open a web page using xdg-open, gnome-open, kfmclient or wslview tools."
    )
    assert (error_id, thrown) == (f"Microsoft.Identity.Client.MsalClientException,{CONNECT}", True)
    kind = "$Error[0].Exception.GetType().FullName, $Error[0].Exception.ErrorCode"
    assert shell.ask(kind).output == [
        "Microsoft.Identity.Client.MsalClientException",
        "linux_xdg_open_failed",
    ]


def test_without_a_connection_there_is_none_to_disconnect(shell: SandboxShell) -> None:
    disconnect = "System.InvalidOperationException,PnP.PowerShell.Commands.Base.DisconnectOnline"
    assert failure(shell.ask("Disconnect-PnPOnline")) == (
        "No connection to disconnect",
        disconnect,
        True,
    )


def test_an_address_that_is_nobody_s_cannot_be_connected(shell: SandboxShell) -> None:
    assert (
        connect_app(shell, "https://nowhere.sharepoint.com")
        .errors[0]["message"]
        .startswith("Name or service not known")
    )


def test_a_site_that_does_not_exist_is_only_noticed_when_validated(shell: SandboxShell) -> None:
    answer = connect_app(shell, f"{ROOT}/sites/nowhere")
    assert answer.errors == []
    assert "(404) Not Found" in shell.ask("Get-PnPWeb").errors[0]["message"]
    validated = connect_app(shell, f"{ROOT}/sites/nowhere -ValidateConnection")
    assert validated.errors[0]["message"] == f"Site at {ROOT}/sites/nowhere does not exist"


@pytest.mark.parametrize("route", ["-OSLogin", "-FederatedIdentity"])
def test_a_route_that_is_not_simulated_is_refused_plainly(shell: SandboxShell, route: str) -> None:
    answer = shell.ask(f"Connect-PnPOnline -Url {ROOT} -ClientId {APP} {route}")
    assert "The sandbox does not simulate" in answer.errors[0]["message"]


def test_one_connection_can_be_returned_and_passed_on(shell: SandboxShell) -> None:
    script = (
        f"$own = Connect-PnPOnline -Url {SITE} -ManagedIdentity -ReturnConnection; (Get-PnPWeb"
        " -Connection $own).Title"
    )
    assert shell.ask(script).value == "Finance"
    assert shell.ask("Get-PnPWeb").errors[0]["message"].startswith(NOT_CONNECTED)


@pytest.mark.parametrize(
    "command",
    ["Get-PnPWeb", "Get-PnPSite", "Get-PnPTenantSite", "Get-PnPList", "Get-PnPListItem x", "Get-PnPUser", "Set-PnPWeb",  # noqa: E501
     "Get-PnPAccessToken", "Add-PnPListItem x"],
)  # fmt: skip
def test_without_a_connection_a_cmdlet_says_so(shell: SandboxShell, command: str) -> None:
    answer = shell.ask(command)
    assert answer.errors[0]["message"].startswith(NOT_CONNECTED)
    assert answer.thrown


@pytest.mark.parametrize(
    ("trap", "code"), [("token_revoked", "AADSTS50173"), ("ca_revoked", "AADSTS53003")]
)
def test_an_ended_sign_in_is_said_by_the_next_cmdlet_and_not_by_the_local_check(
    app: SandboxShell, trap: str, code: str
) -> None:
    app.authority.set_traps("contoso.example", {trap: True})
    assert app.ask("(Get-PnPConnection).Url").value == ROOT
    assert app.ask("Get-PnPWeb").errors[0]["message"].startswith(code)


def test_lists_and_items_come_from_the_company(shell: SandboxShell) -> None:
    connect_app(shell, SITE)
    assert shell.ask("(Get-PnPList).Title").output == [
        "Contacts",
        "Documents",
        "Site Pages",
        "Style Library",
        "Tasks",
    ]
    people = shell.ask("(Get-SandboxPerson contoso.example | ? Department -eq Finance).Mail").output
    assert shell.ask("(Get-PnPListItem Contacts).FieldValues.Email").output == people
    assert shell.ask("(Get-PnPList Contacts).ItemCount").value == len(people)


def test_a_field_of_an_item_is_read_in_every_way_that_scripts_use(app: SandboxShell) -> None:
    script = (
        "$i = Get-PnPListItem Documents -Id 1; $i['Title'], $i.FieldValues.Title,"
        " $i.FieldValues['Title'], $i.Title, $i.Id"
    )
    assert app.ask(script).output == ["Agenda 2021"] * 4 + [1]


def test_items_can_be_queried_and_added_for_this_session(app: SandboxShell) -> None:
    query = (
        "<View><Query><Where><Eq><FieldRef Name='Title'/><Value Type='Text'>New"
        " one</Value></Eq></Where></Query></View>"
    )
    script = (
        "(Add-PnPListItem Tasks -Values @{ Title = 'New one' }).Id; (Get-PnPListItem Tasks"
        f" -Query \"{query}\")['ID']"
    )
    first, second = app.ask(script).output
    assert first == second


def test_a_list_that_is_not_there_is_nothing_but_its_items_are_an_error(app: SandboxShell) -> None:
    assert app.ask("Get-PnPList Nowhere").output == []
    assert app.ask("Get-PnPListItem Nowhere").thrown
    assert app.ask("Get-PnPList Nowhere -ThrowExceptionIfListNotFound").thrown


def test_a_list_can_have_very_many_items(app: SandboxShell) -> None:
    assert app.ask(
        "Set-SandboxTrap many_rows 5000; $i = Get-PnPListItem Contacts; $i.Count; $i[-1]['ID']"
    ).output == [
        5000,
        5000,
    ]


def test_the_sites_of_the_tenant_need_the_admin_address(app: SandboxShell) -> None:
    assert (
        app.ask("Get-PnPTenantSite").errors[0]["message"]
        == "Current site is not a tenant admin site"
    )
    connect_app(app, "https://contoso-admin.sharepoint.com")
    assert app.ask("(Get-PnPTenantSite).Title").output[:2] == ["Contoso", "Finance"]
    assert app.ask(f"(Get-PnPTenantSite {SITE}).Owner").value == "adele.gupta@contoso.example"
    assert app.ask("(Get-PnPConnection).ConnectionType").value == "TenantAdmin"


def test_a_reader_changes_nothing_and_an_administrator_does(shell: SandboxShell) -> None:
    shell.ask(DEVICE, sign_in_as("reader@contoso.example"))
    assert shell.ask("Set-PnPWeb -Title X").errors[0]["message"].startswith("Access denied.")
    assert shell.ask("(Get-PnPSite).Url").value == SITE
    connect_app(shell, f"{ROOT}/sites/old-projects")
    assert shell.ask("Set-PnPWeb -Title Archive; (Get-PnPWeb).Title").value == "Archive"


def test_users_of_a_site_are_people_of_the_company(app: SandboxShell) -> None:
    assert (
        app.ask("(Get-PnPUser)[0].LoginName").value
        == "i:0#.f|membership|adele.gupta@contoso.example"
    )
    assert app.ask(f"(Get-PnPUser {ADMIN}).IsSiteAdmin").value is True


def test_a_connection_shows_no_token(shell: SandboxShell) -> None:
    token = shell.authority.issue_token(ADMIN, ROOT)
    shell.ask(f"param($Token) Connect-PnPOnline -Url {ROOT} -AccessToken $Token", Token=token)
    shown = (
        "$c = Get-PnPConnection; ($c | ConvertTo-Json -WarningAction Ignore) + ($c | Format-List *"
        " -Force | Out-String) + $c"
    )
    assert token not in shell.ask(shown).value


@pytest.mark.parametrize(
    ("trap", "text"),
    [
        ("localized", "Para iniciar sesión, "),
        ("wrapped", "\x1b[33mTo sign in, use a web browser to open the page "),
    ],
)
def test_the_code_s_sentence_can_be_translated_or_broken_over_lines(
    shell: SandboxShell, trap: str, text: str
) -> None:
    shell.authority.set_traps("contoso.example", {trap: True})
    assert shell.ask(DEVICE, sign_in_as(ADMIN)).warnings[0].startswith(f"\x1b[7m\n {text}")


def test_a_service_that_slows_down_says_so_as_a_warning(app: SandboxShell) -> None:
    app.authority.set_traps("contoso.example", {"throttling": True})
    answer = app.ask("(Get-PnPWeb).Title; (Get-PnPWeb -WarningAction SilentlyContinue).Title")
    assert answer.output == ["Contoso", "Contoso"]
    assert len(answer.warnings) == 1
