"""The sandbox's Az.Accounts and Az.Resources on a real PowerShell: routes, picker, autosaved
contexts, tokens, resources.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pwsh_kernels.powershell import Launch, Pipeline, PowerShell, PromptAsked
from pwsh_kernels.sandbox import Authority, module_path
from tests.fixtures.powershell import collect, run
from tests.fixtures.sandbox import (
    ADMIN,
    AUTOMATION,
    CERTIFICATE_PASSWORD,
    PAGE,
    Answer,
    Decision,
    SandboxShell,
    make_certificate,
    say_no,
    sign_in_as,
)

pytestmark = pytest.mark.pwsh

APP = AUTOMATION["contoso"]
TENANT = "c0070500-0001-4a11-8c0d-5a9d0b0c0001"
ARM = "https://management.core.windows.net/"
DEVICE = f"Connect-AzAccount -UseDeviceAuthentication -Tenant {TENANT}"
CONNECT_APP = f"Connect-AzAccount -ServicePrincipal -Tenant {TENANT}"
FILE = (
    "param($File, $Password) $p = ConvertTo-SecureString $Password -AsPlainText -Force; "
    f"{CONNECT_APP} -ApplicationId {APP} -CertificatePath $File -CertificatePassword $p | Out-Null"
)
SECRET = (
    f"param($Secret) $c = [pscredential]::new('{APP}', (ConvertTo-SecureString $Secret -AsPlainText"
    f" -Force)); {CONNECT_APP} -Credential $c | Out-Null"
)
FEDERATED = f"param($Token) {CONNECT_APP} -ApplicationId {APP} -FederatedToken $Token | Out-Null"
AUDIENCE = """
    param($Resource)
    $token = ConvertFrom-SecureString (Get-AzAccessToken -ResourceUrl $Resource).Token -AsPlainText
    $part = $token.Split('.')[1].Replace('-', '+').Replace('_', '/')
    $padded = $part.PadRight([math]::Ceiling($part.Length / 4) * 4, '=')
    ([Text.Encoding]::UTF8.GetString([convert]::FromBase64String($padded)) | ConvertFrom-Json).aud
"""
WHO = '"$((Get-AzContext).Account.Type) $((Get-AzContext).Account.Id) $((Get-AzContext).Tenant.Id)"'
OTHER_POWERSHELL = (
    "$p = [powershell]::Create().AddScript({SCRIPT}); $p.Invoke(); $p.Streams.Error | % { throw $_"
    " }; $p.Dispose()"
)
NO_LOGIN = "Run Connect-AzAccount to login."
NO_CREDENTIALS = "Your Azure credentials have not been set up or have expired"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxShell]:
    """One PowerShell with a HOME of its own; the picker is off, as in the product."""
    home = tmp_path_factory.mktemp("home")
    shell = SandboxShell(tmp_path_factory.mktemp("sandbox"), {"HOME": str(home)})
    shell.ask("Update-AzConfig -LoginExperienceV2 Off -Scope Process | Out-Null")
    yield shell
    shell.close()


@pytest.fixture
def shell(opened: SandboxShell) -> Iterator[SandboxShell]:
    """A session in which nobody is signed in, with autosave on."""
    yield opened
    opened.authority.clear_traps("contoso.example")
    opened.ask(
        "Clear-SandboxTrap; Clear-AzContext -Force; Enable-AzContextAutosave -Scope Process |"
        " Out-Null"
    )


@pytest.fixture
def app(shell: SandboxShell) -> SandboxShell:
    """A session signed in without a person."""
    shell.ask("Connect-AzAccount -Identity | Out-Null")
    return shell


def other_powershell(shell: SandboxShell, script: str) -> Answer:
    """Run a script in another PowerShell of the same HOME, with modules of its own."""
    return shell.ask(OTHER_POWERSHELL.replace("{SCRIPT}", f"'{script}'"))


def test_the_code_is_an_information_record_in_azure_s_own_form(shell: SandboxShell) -> None:
    answer = shell.ask(f"{DEVICE} | Out-Null", sign_in_as(ADMIN))
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", text) for text in answer.information]
    assert re.fullmatch(
        rf"\[Login to Azure\] To sign in, use a web browser to open the page {re.escape(PAGE)} "
        r"and enter the code \w{9} to authenticate\.",
        plain[0],
    )
    assert answer.information[0].startswith("\x1b[1m\x1b[34m[Login to Azure]\x1b[0m ")
    assert re.search(r"the code \x1b\[4m\w{9}\x1b\[0m to", answer.information[0])
    assert (answer.warnings, answer.errors) == ([], [])
    assert shell.ask(WHO).value == f"User {ADMIN} {TENANT}"


def test_information_must_not_be_ignored_when_a_code_is_to_be_shown(shell: SandboxShell) -> None:
    answer = shell.ask(f"& {{ $InformationPreference = 'Ignore'; {DEVICE} }}")
    assert (answer.thrown, answer.errors[0]["types"]) == (
        True,
        ["System.Management.Automation.ActionPreferenceStopException"],
    )


def test_information_ignored_by_the_parameter_hides_the_code(shell: SandboxShell) -> None:
    answer = shell.ask(f"{DEVICE} -InformationAction Ignore | Out-Null", sign_in_as(ADMIN))
    assert (answer.information, answer.console, answer.errors) == ([], [], [])
    assert shell.ask(WHO).value == f"User {ADMIN} {TENANT}"


FAILED = "DeviceCodeCredential authentication failed: "
MSAL = "Microsoft.Identity.Client.Msal"


@pytest.mark.parametrize(
    ("decide", "code", "inner"),
    [
        (sign_in_as("blocked@contoso.example"), "AADSTS53003", "UiRequiredException invalid_grant"),
        (sign_in_as("admin@fabrikam.example"), "AADSTS50020", "UiRequiredException invalid_grant"),
        (say_no, "AADSTS65004", "ServiceException authorization_declined"),
    ],
)
def test_a_refused_sign_in_is_written_as_the_real_one_does(
    shell: SandboxShell, decide: Decision, code: str, inner: str
) -> None:
    answer = shell.ask(f"{DEVICE}; 'went on'", decide)
    (error,) = answer.errors
    assert (answer.output, answer.thrown) == (["went on"], False)
    assert error["message"].startswith(f"{FAILED}{code}: ")
    assert (error["id"], error["category"]) == (
        "Microsoft.Azure.Commands.Profile.ConnectAzureRmAccountCommand",
        "CloseError",
    )
    assert error["types"] == ["Azure.Identity.AuthenticationFailedException", f"{MSAL}{inner}"]
    assert shell.ask("Get-AzContext").output == []


def test_an_expired_code_is_an_error_of_the_service(shell: SandboxShell) -> None:
    answer = shell.ask(f"Set-SandboxTrap code_expiry 0.2; {DEVICE}")
    assert answer.errors[0]["message"].startswith(f"{FAILED}AADSTS70020: ")


def test_an_unknown_domain_is_an_argument_error_before_any_code(shell: SandboxShell) -> None:
    answer = shell.ask("Connect-AzAccount -UseDeviceAuthentication -Tenant nobody.example")
    (error,) = answer.errors
    assert (
        "Could not find tenant id for provided tenant domain 'nobody.example'. Please ensure"
        in error["message"]
    )
    assert (error["types"], error["category"]) == (["System.ArgumentNullException"], "CloseError")
    assert (answer.information, answer.thrown) == ([], False)


def test_an_unknown_tenant_id_is_refused_by_entra(shell: SandboxShell) -> None:
    answer = shell.ask(
        "Connect-AzAccount -UseDeviceAuthentication -Tenant 11111111-2222-4333-8444-555555555555"
    )
    assert answer.errors[0]["message"].startswith(f"{FAILED}AADSTS90002: ")


def test_without_a_screen_connect_warns_and_returns_without_an_error(shell: SandboxShell) -> None:
    answer = shell.ask("Connect-AzAccount; 'went on'")
    (warning,) = answer.warnings
    assert warning.startswith(
        "Interactive authentication is not supported in this session, please run cmdlet 'Connect-Az"
    )
    assert (answer.output, answer.errors) == (["went on"], [])


def test_another_tenant_that_wants_a_second_factor_is_warned_about(shell: SandboxShell) -> None:
    script = "Set-SandboxTrap second_factor; Connect-AzAccount -UseDeviceAuthentication | Out-Null"
    (warning,) = shell.ask(script, sign_in_as(ADMIN)).warnings
    assert warning.startswith(
        "Unable to acquire token for tenant 'fab21ca0-0002-4b22-9f0e-6b8e0c0d0002' with error 'You"
        " must use"
    )


def test_without_a_keyring_the_module_warns_when_it_is_imported(shell: SandboxShell) -> None:
    assert other_powershell(
        shell, "Import-Module Az.Accounts 3>&1 | Out-String -Width 500"
    ).value.startswith("INITIALIZATION: Token cache encryption is not supported")


def test_a_secret_is_kept_in_the_users_scope(shell: SandboxShell) -> None:
    shell.ask(SECRET, Secret="contoso-automation-sandbox-secret")
    kept = (
        "(Get-Content -Raw"
        " $HOME/.Azure/AzureRmContext.json).Contains('contoso-automation-sandbox-secret')"
    )
    assert shell.ask(kept).value is True
    shell.ask("Clear-AzContext -Force; Disable-AzContextAutosave -Scope Process | Out-Null")
    shell.ask(SECRET, Secret="contoso-automation-sandbox-secret")
    assert shell.ask(kept).value is False


def test_a_variable_switches_autosave_off(shell: SandboxShell) -> None:
    mode = (
        "$env:Azure_Profile_Autosave = 'false'; (Get-AzContextAutosaveSetting).Mode;"
        " $env:Azure_Profile_Autosave = $null"
    )
    assert other_powershell(shell, mode.replace("'", "''")).value == "Process"


def test_a_certificate_signs_an_application_in(shell: SandboxShell, tmp_path: Path) -> None:
    answer = shell.ask(FILE, File=str(make_certificate(tmp_path)), Password=CERTIFICATE_PASSWORD)
    assert (
        "service principal secret will be included in the 'AzureRmContext.json'"
        in answer.warnings[0]
    )
    assert shell.ask(WHO).value == f"ServicePrincipal {APP} {TENANT}"
    refused = shell.ask(
        FILE, File=str(make_certificate(tmp_path, "contoso-other")), Password=CERTIFICATE_PASSWORD
    )
    assert refused.errors[0]["message"].startswith(
        "ClientCertificateCredential authentication failed: AADSTS700027: "
    )


def test_in_memory_only_nothing_is_warned_about_and_nothing_written(shell: SandboxShell) -> None:
    shell.ask("Disable-AzContextAutosave -Scope Process | Out-Null")
    answer = shell.ask(SECRET, Secret="contoso-automation-sandbox-secret")
    assert (answer.warnings, answer.errors) == ([], [])
    assert shell.ask(WHO).value == f"ServicePrincipal {APP} {TENANT}"
    assert other_powershell(shell, "@(Get-AzContext).Count").value == 0


def test_a_wrong_secret_is_refused_and_not_repeated(shell: SandboxShell) -> None:
    answer = shell.ask(SECRET, Secret="canary-secret")
    assert answer.errors[0]["message"].startswith(
        "ClientSecretCredential authentication failed: AADSTS7000215: "
    )
    assert "canary" not in str(answer)


def test_a_federated_token_signs_an_application_in(shell: SandboxShell) -> None:
    token = shell.authority.issue_token(APP, "api://AzureADTokenExchange")
    shell.ask(FEDERATED, Token=token)
    assert shell.ask(WHO).value == f"ClientAssertion {APP} {TENANT}"
    wrong = shell.ask(FEDERATED, Token=shell.authority.issue_token(APP, ARM))
    assert wrong.errors[0]["message"].startswith(
        "ClientAssertionCredential authentication failed: AADSTS700212: "
    )


def test_a_managed_identity_has_azure_s_name_for_it(app: SandboxShell) -> None:
    assert app.ask(WHO).value == f"ManagedService MSI@50342 {TENANT}"


def test_a_handed_in_token_is_good_for_its_service_only(shell: SandboxShell) -> None:
    token = shell.authority.issue_token(ADMIN, ARM)
    connect = (
        f"param($Token) Connect-AzAccount -AccessToken $Token -AccountId someone -Tenant {TENANT} |"
        " Out-Null; "
    )
    plain = "ConvertFrom-SecureString (Get-AzAccessToken).Token -AsPlainText"
    assert shell.ask(connect + plain, Token=token).value == token
    assert shell.ask(WHO).value == f"AccessToken someone {TENANT}"
    assert (
        "was not provided"
        in shell.ask("Get-AzAccessToken -ResourceTypeName MSGraph").errors[0]["message"]
    )
    expired = shell.ask(connect, Token=shell.authority.issue_token(ADMIN, ARM, lifetime_s=-1))
    assert "the token is expired" in expired.errors[0]["message"]


def test_a_password_is_not_simulated(shell: SandboxShell) -> None:
    for route in (
        "-Credential ([pscredential]::new('a', (ConvertTo-SecureString b -AsPlainText -Force)))",
    ):
        assert (
            "The sandbox does not simulate"
            in shell.ask(f"Connect-AzAccount {route}").errors[0]["message"]
        )


def test_a_token_is_a_secure_string_for_the_asked_service(app: SandboxShell) -> None:
    script = "$t = Get-AzAccessToken; $t.Token.GetType().Name; $t.Type; $t.TenantId"
    assert app.ask(script).output == ["SecureString", "Bearer", TENANT]
    assert (
        app.ask(AUDIENCE, Resource="https://service.powerapps.com/").value
        == "https://service.powerapps.com/"
    )


def test_contexts_are_kept_in_home_so_that_a_new_powershell_is_signed_in(
    shell: SandboxShell,
) -> None:
    shell.ask(f"{DEVICE} | Out-Null", sign_in_as(ADMIN))
    files = (
        "Get-ChildItem -Force $HOME/.Azure, $HOME/.local/share/.IdentityService | % {"
        ' "$($_.UnixMode) $($_.Name)" }'
    )
    assert set(shell.ask(files).output) >= {
        "-rw------- AzureRmContext.json",
        "-rw------- msal.cache",
    }
    assert other_powershell(
        shell, "(Get-AzContext).Account.Id; (Get-AzAccessToken).UserId"
    ).output == [ADMIN, ADMIN]


def test_with_a_shared_home_one_disconnect_breaks_the_others(shell: SandboxShell) -> None:
    shell.ask(f"{DEVICE} | Out-Null", sign_in_as(ADMIN))
    other_powershell(shell, "Disconnect-AzAccount")
    assert shell.ask("(Get-AzContext).Account.Id").value == ADMIN
    assert shell.ask("Get-AzAccessToken").errors[0]["message"].startswith(NO_CREDENTIALS)


def test_a_kept_sign_in_ends_with_a_block_of_device_codes_or_a_revocation(
    shell: SandboxShell,
) -> None:
    shell.ask(f"{DEVICE} | Out-Null", sign_in_as(ADMIN))
    ask = "try { Get-AzAccessToken } catch { $_.Exception.Message.Split([char] 58)[0] }"
    shell.authority.set_traps("contoso.example", {"ca_block": "device_code"})
    assert other_powershell(shell, ask).value == "AADSTS530036"
    shell.authority.clear_traps("contoso.example")
    shell.authority.revoke(ADMIN)
    assert other_powershell(shell, ask).value == "AADSTS50173"
    shell.authority.restore(ADMIN)


@pytest.mark.parametrize(
    ("trap", "code"), [("token_revoked", "AADSTS50173"), ("ca_revoked", "AADSTS53003")]
)
def test_an_ended_sign_in_is_said_by_the_next_cmdlet_and_not_by_the_local_check(
    app: SandboxShell, trap: str, code: str
) -> None:
    app.authority.set_traps("contoso.example", {trap: True})
    assert app.ask("(Get-AzContext).Tenant.Id").value == TENANT
    assert app.ask("Get-AzSubscription").errors[0]["message"].startswith(code)


def test_disconnecting_ends_the_sign_in(app: SandboxShell) -> None:
    assert app.ask("(Disconnect-AzAccount -Scope Process).Id; Get-AzContext").output == [
        "MSI@50342"
    ]
    assert app.ask("Disconnect-AzAccount").errors == []
    assert app.ask("Get-AzAccessToken").errors[0]["message"] == NO_LOGIN


def test_clearing_contexts_forgets_them_in_home_also_from_memory_only_sessions(
    app: SandboxShell,
) -> None:
    app.ask(
        "Disable-AzContextAutosave -Scope Process | Out-Null; Clear-AzContext -Scope CurrentUser"
        " -Force"
    )
    assert other_powershell(app, "@(Get-AzContext).Count").value == 0


@pytest.mark.parametrize(
    "command",
    [
        "Get-AzAccessToken",
        "Get-AzSubscription",
        "Get-AzTenant",
        "Set-AzContext x",
        "Get-AzResourceGroup",
        "Get-AzResource",
        "Get-AzADUser",
        "New-AzResourceGroup x y",
    ],
)
def test_without_a_sign_in_a_cmdlet_says_so(shell: SandboxShell, command: str) -> None:
    answer = shell.ask(command)
    assert (answer.errors[0]["message"], answer.thrown) == (NO_LOGIN, True)


def test_there_is_a_context_for_every_enabled_subscription_unless_told_otherwise(
    shell: SandboxShell,
) -> None:
    names = "(Get-AzContext -ListAvailable).Subscription.Name"
    assert shell.ask(f"Connect-AzAccount -Identity | Out-Null; {names}").output == [
        "Contoso Development",
        "Contoso Production",
    ]
    shell.ask("Clear-AzContext -Force")
    assert shell.ask(
        f"Connect-AzAccount -Identity -SkipContextPopulation | Out-Null; {names}"
    ).output == ["Contoso Production"]


def test_another_subscription_can_be_chosen(app: SandboxShell) -> None:
    assert (
        app.ask("(Set-AzContext -Subscription 'Contoso Development').Subscription.Name").value
        == "Contoso Development"
    )
    assert (
        app.ask("Set-AzContext -Subscription nope").errors[0]["message"]
        == "Please provide a valid tenant or a valid subscription."
    )
    assert (
        app.ask("Connect-AzAccount -Identity -Subscription nope")
        .errors[0]["message"]
        .startswith("Subscription nope was not found")
    )
    assert (
        app.ask(
            "Set-AzContext -Subscription 'Contoso Production' -WhatIf;"
            " (Get-AzContext).Subscription.Name"
        ).value
        == "Contoso Development"
    )


def test_subscriptions_and_tenants_are_the_company_s(app: SandboxShell) -> None:
    assert app.ask("(Get-AzSubscription).State").output == ["Enabled", "Enabled", "Disabled"]
    assert app.ask("(Get-AzTenant).Domains").output == [
        "contoso.example",
        "contoso.onmicrosoft.example",
    ]
    assert (
        app.ask("Get-AzSubscription -SubscriptionId nope")
        .errors[0]["message"]
        .startswith("Subscription nope was not found")
    )


def test_contexts_can_be_saved_without_tokens_and_imported(
    app: SandboxShell, tmp_path: Path
) -> None:
    app.ask("param($File) Save-AzContext $File", File=str(tmp_path / "saved.json"))
    assert ".sandbox" not in (tmp_path / "saved.json").read_text(encoding="utf-8")
    clear = "Clear-AzContext -Scope Process -Force; Connect-AzAccount -Identity | Out-Null"
    script = f"param($File) {clear}; (Import-AzContext $File).Context.Tenant.Id"
    assert app.ask(script, File=str(tmp_path / "saved.json")).value == TENANT


def test_settings_of_the_process_win_over_those_of_the_user(shell: SandboxShell) -> None:
    shell.ask("Update-AzConfig -EnableLoginByWam $false | Out-Null")
    assert shell.ask("$c = Get-AzConfig -EnableLoginByWam; $c.Value; $c.Scope").output == [
        False,
        "CurrentUser",
    ]
    assert shell.ask("$c = Get-AzConfig -LoginExperienceV2; $c.Value; $c.Scope").output == [
        "Off",
        "Process",
    ]


def test_resource_groups_and_resources_agree(app: SandboxShell) -> None:
    script = (
        "Get-AzResourceGroup rg-finance* | Get-AzResource | % { $_.ResourceGroupName } |"
        " Select-Object -Unique"
    )
    assert app.ask(script).value == "rg-finance-production"
    assert (
        app.ask("Get-AzResourceGroup nope").errors[0]["message"]
        == "Provided resource group does not exist."
    )


def test_a_resource_group_can_be_previewed_and_made(app: SandboxShell) -> None:
    preview = app.ask(
        "New-AzResourceGroup rg-new 'West Europe' -WhatIf; (Get-AzResourceGroup rg-new*).Count"
    )
    assert preview.console == [
        'What if: Performing the operation "Replacing resource group ..." on target "rg-new".'
    ]
    assert preview.output == [0]
    assert app.ask("(New-AzResourceGroup rg-new 'West Europe').Location").value == "westeurope"


def test_a_reader_makes_nothing(shell: SandboxShell) -> None:
    shell.ask(f"{DEVICE} | Out-Null", sign_in_as("reader@contoso.example"))
    message = shell.ask("New-AzResourceGroup rg-x westeurope").errors[0]["message"]
    assert message.startswith("The client 'reader@contoso.example' with object id ")
    assert "does not have authorization to perform action" in message


def test_users_are_the_people_of_the_company(app: SandboxShell) -> None:
    script = (
        "(Get-AzADUser -UserPrincipalName adele.gupta@contoso.example).Id; (Get-SandboxPerson"
        " contoso.example)[0].Id"
    )
    first, second = app.ask(script).output
    assert first == second
    assert app.ask("Set-SandboxTrap many_rows 5000; (Get-AzADUser).Count").value == 5000


def test_a_service_that_slows_down_says_so_as_a_warning(app: SandboxShell) -> None:
    app.authority.set_traps("contoso.example", {"throttling": True})
    answer = app.ask("(Get-AzTenant).Name; (Get-AzTenant -WarningAction SilentlyContinue).Name")
    assert answer.output == ["Contoso Ltd (sandbox)"] * 2
    assert len(answer.warnings) == 1


async def asking_shell(path: Path, folder: Path, traps: Mapping[str, bool]) -> PowerShell:
    """Return a PowerShell whose host asks, with the sandbox of Contoso."""
    authority = Authority(folder / "sandbox")
    authority.prepare(PAGE)
    authority.set_traps("contoso.example", dict(traps))
    environment = {
        "PWSH_KERNELS_SANDBOX": str(authority.folder),
        "PWSH_KERNELS_SANDBOX_TENANT": "contoso.example",
    }
    launch = Launch(
        path,
        folder / "home",
        environment,
        module_path=str(module_path()),
        machine_modules=False,
    )
    return await PowerShell.open(launch)


async def test_the_picker_asks_through_the_host_and_waits(
    powershell_path: Path, tmp_path: Path
) -> None:
    shell = await asking_shell(powershell_path, tmp_path, {"picker": True})
    pipeline = await shell.start("(Connect-AzAccount -Identity).Context.Subscription.Name")
    answers = iter(["9", "2"])

    async def answer(event: object) -> None:
        if isinstance(event, PromptAsked):
            assert await pipeline.answer(event.id, next(answers))

    said = await collect(pipeline, answer)
    off = await run(
        shell,
        "Clear-SandboxTrap; Set-SandboxTrap picker $false; (Connect-AzAccount"
        " -Identity).Context.Subscription.Name",
    )
    await shell.close()
    assert said.text.strip() == "Contoso Development"
    assert "[2]     Contoso Development" in said.host
    assert said.host.count("Select a tenant and subscription: ") == 2
    assert off.text.strip() == "Contoso Production"


async def test_a_question_that_is_refused_fails_the_command_at_its_own_line(
    powershell_path: Path, tmp_path: Path
) -> None:
    shell = await asking_shell(powershell_path, tmp_path, {})
    await run(shell, "$null = Connect-AzAccount -Identity")
    asked = ("rg-finance-production westeurope", "rg-other westeurope -Confirm")
    for line in (f"New-AzResourceGroup {one}" for one in asked):
        pipeline = await shell.start(f"'first'\n{line}")

        async def refuse(event: object, pipeline: Pipeline = pipeline) -> None:
            if isinstance(event, PromptAsked):
                assert await pipeline.refuse(event.id, "Nobody is there.")

        said = await collect(pipeline, refuse)
        (error,) = [*said.records, *filter(None, [said.summary.terminating_error])]
        assert (error.line, error.command) == (2, "New-AzResourceGroup")
        assert error.position.splitlines()[1] == f"+ {line}"
        assert "Nobody is there." in error.message
        assert "Exception calling" not in error.message
    await shell.close()
