"""The catalog's scripts, run as a session runs them, on the sandbox's modules: what REST does not
show of them.

How each route ends, in success and otherwise, stands in tests/sessions/sign_in/test_matrix.py.
"""

from pathlib import Path
from typing import Any

import pytest

from pwsh_kernels.catalog import SECRET_FACTS, RouteName, Script, Secret
from tests.catalog.services.opened_service import (
    ADMIN,
    CATALOG,
    CONTOSO,
    OpenService,
    Service,
    error_of,
)
from tests.fixtures.sandbox import AUTOMATION
from tests.fixtures.sweeps import swept

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow]

HOST = {"information": "host"}
"""What a module writes for the person at the host is an information record of PowerShell, and comes
as host text.
"""
EVERY = pytest.mark.parametrize("service", swept(CATALOG.modules, ["exo", "teams"]), indirect=True)


def only(*keys: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("service", list(keys), indirect=True)


@EVERY
async def test_before_a_sign_in_the_check_returns_nothing_and_signing_out_is_no_error(
    service: Service,
) -> None:
    assert await service.check() is None
    said = await service.run(service.module.disconnect)
    assert (said.summary.outcome, said.text, said.records) == ("completed", "", [])


@EVERY
async def test_a_person_is_shown_the_code_on_the_channel_that_the_catalog_names(
    service: Service,
) -> None:
    said = await service.connect()
    assert said.summary.outcome == "completed", said.summary
    check_channel(service)
    found = await service.check()
    assert found is not None
    assert (found["account"], found["tenant_id"]) == (ADMIN, CONTOSO)
    assert found["expires_at"] is None or found["expires_at"].endswith("Z")
    assert "contoso.example" in found["domains"]
    assert not any("fabrikam" in domain for domain in found["domains"])
    await service.run(service.module.disconnect)
    assert await service.check() is None


@EVERY
async def test_a_connection_that_comes_or_goes_is_seen_behind_the_run_that_did_it_and_no_other(
    service: Service,
) -> None:
    check, disconnect = service.module.check, service.module.disconnect
    ended = [await service.run(check), await service.connect(), await service.run(check)]
    ended += [await service.connect("certificate"), await service.run(check)]
    ended += [await service.run(disconnect), await service.run(check)]
    assert [one.summary.outcome for one in ended] == ["completed"] * len(ended)
    changed = [one.summary.connection_changed for one in ended]
    assert changed == [False, True, False, True, False, True, False]


def check_channel(service: Service) -> None:
    """Any channel counts where the catalog names none."""
    channels = {channel for channel, _ in service.codes()}
    named = service.module.routes["device_code"].code_channel
    assert channels if named == "any" else channels & {named, HOST.get(named, named)}


@EVERY
async def test_the_check_of_an_application_names_no_other_tenant_and_it_is_shown_no_code(
    service: Service,
) -> None:
    await service.connect("certificate")
    assert service.codes() == set()
    found = await service.check()
    assert found is not None
    assert (found["account"], found["tenant_id"]) == (AUTOMATION["contoso"], CONTOSO)
    assert found["expires_at"] is None or found["expires_at"].endswith("Z")
    assert not any("fabrikam" in domain for domain in found["domains"])


@EVERY
async def test_a_secret_that_is_refused_is_in_no_error_no_output_and_nothing_that_the_session_remembers(  # noqa: E501
    service: Service,
) -> None:
    canaries: dict[str, Any] = {fact: Secret(f"canary.{fact}.canary") for fact in SECRET_FACTS}
    for name, route in service.module.routes.items():
        if not canaries.keys() & set(route.script.parameters.values()):
            continue
        said = await service.connect(name, **canaries)
        if said.summary.outcome == "completed":
            said = await service.run(service.module.check, out="json")
        assert error_of(said)
        assert "canary" not in repr(said.events)
        remembered = (
            "$Error | Format-List * -Force; Get-Variable | Format-List *; Get-History;"
            " Get-ChildItem Env:"
        )
        assert (
            "canary"
            not in (
                await service.run(Script(f"& {{ {remembered} }} 3>$null | Out-String -Width 500"))
            ).text
        )


@only("exo")
async def test_the_check_tells_the_tenant_that_was_signed_in_to_not_the_one_asked_for(
    service: Service,
) -> None:
    await service.connect(account="admin@fabrikam.example")
    found = await service.check()
    assert found is not None
    assert found["account"] == "admin@fabrikam.example"
    assert found["domains"] == ["fabrikam.example", "fabrikam.onmicrosoft.example"]


@only("exo")
async def test_a_partners_own_domain_does_not_count_for_the_customer_it_manages(
    service: Service,
) -> None:
    await service.connect(delegated_organization="fabrikam.onmicrosoft.example")
    found = await service.check()
    assert found is not None
    assert (found["account"], found["domains"]) == (
        ADMIN,
        ["fabrikam.example", "fabrikam.onmicrosoft.example"],
    )


@only("exo")
async def test_connecting_again_leaves_no_second_connection_open(service: Service) -> None:
    await service.connect()
    await service.connect("certificate")
    assert await service.ask("@(Get-ConnectionInformation).Count") == 1


@only("exo")
async def test_a_connection_with_few_commands_is_checked_by_its_token(service: Service) -> None:
    await service.connect("certificate")
    await service.ask("Disconnect-ExchangeOnline -Confirm:$false")
    file, app = service.facts["certificate_file"], service.facts["client_id"]
    await service.ask(
        f"Connect-ExchangeOnline -AppId {app} -Organization contoso.onmicrosoft.example"
        f" -CertificateFilePath '{file}' -CertificatePassword (ConvertTo-SecureString 'Sesame-9'"
        " -AsPlainText -Force) -CommandName Get-Mailbox -ShowBanner:$false"
    )
    found = await service.check()
    assert found is not None
    assert found["domains"] == ["contoso.onmicrosoft.example"]


@only("pnp")
async def test_a_connect_that_only_warns_is_an_error_and_the_warning_tells_why(
    service: Service,
) -> None:
    service.authority.set_traps("contoso.example", {"null_connection": True})
    try:
        said = await service.connect()
    finally:
        service.authority.clear_traps("contoso.example")
    assert error_of(said).message == "Connect-PnPOnline left no connection."
    assert [record.message for record in said.records if record.kind == "warning"][
        -1
    ] == "A task was canceled."


@only("pnp")
async def test_pnp_is_told_to_ask_no_other_host(service: Service) -> None:
    said = await service.ask("$env:PNPPOWERSHELL_UPDATECHECK, $env:PNPPOWERSHELL_DISABLETELEMETRY")
    assert said == ["Off", "true"]


@only("pnp")
async def test_a_kept_login_of_pnp_signs_in_without_a_code_until_somebody_signs_out(
    service: Service,
) -> None:
    await service.connect()
    await service.ask("Disconnect-PnPOnline")
    assert (await service.connect(account="")).summary.outcome == "completed"
    assert service.codes() == set()
    await service.run(service.module.disconnect)
    await service.connect()
    assert len(service.codes()) == 1


@pytest.mark.parametrize(
    "service", swept(["azure", "powerplatform"], ["powerplatform"]), indirect=True
)
async def test_the_subscription_picker_of_azure_asks_nobody(service: Service) -> None:
    said = await service.connect()
    assert said.summary.outcome == "completed"
    assert await service.ask("(Get-AzConfig -LoginExperienceV2).Value") == "Off"


@only("graph")
async def test_a_person_of_graph_may_read_the_directory_unless_other_scopes_are_configured(
    service: Service,
) -> None:
    await service.connect()
    scopes = "@((Get-MgContext).Scopes)"
    assert set(await service.ask(scopes)) >= {"User.Read", "Directory.Read.All"}
    await service.connect(scopes=("Group.Read.All",))
    assert "Group.Read.All" in await service.ask(scopes)


async def test_a_module_that_is_missing_is_an_error_that_says_how_to_install_it(
    open_service: OpenService, tmp_path: Path
) -> None:
    service = await open_service("pnp", tmp_path)
    try:
        error = error_of(await service.run(service.module.prepare))
        assert (
            error.message
            == "The PowerShell module PnP.PowerShell 3.1.0 or newer is not installed. Install it: "
            "pwsh-kernels modules install pnp"
        )
        for module in CATALOG.modules.values():
            for script in (module.check, module.disconnect):
                said = await service.run(script)
                assert (said.summary.outcome, said.text, said.records) == ("completed", "", [])
    finally:
        await service.close()


@only("powerplatform")
async def test_power_platforms_helpers_show_the_environments_and_apps_of_the_tenant(
    service: Service,
) -> None:
    await service.connect("certificate")
    shown = await service.ask(
        "Get-PowerPlatformEnvironment | Select-Object Name, DisplayName, Type, Location"
    )
    assert shown
    first = shown[0]
    assert all(first.values())
    assert (
        await service.ask(f"(Get-PowerPlatformEnvironment -Name '{first['DisplayName']}').Name")
        == first["Name"]
    )
    assert await service.ask(f"@(Get-PowerPlatformApp {first['Name']}).Count") > 0
    path = "providers/Microsoft.BusinessAppPlatform/scopes/admin/environments"
    assert await service.ask(f"@((Invoke-PowerPlatformApi {path}).value).Count") == len(shown)


@only("powerplatform")
async def test_power_platforms_helpers_refuse_in_the_services_words_and_keep_the_token_here(
    service: Service,
) -> None:
    await service.connect("certificate")
    script = 'try { %s } catch { $_.FullyQualifiedErrorId; "$_" }'
    code, text = await service.ask(script % "Get-PowerPlatformApp nowhere")
    assert code.startswith("PowerPlatform404")
    assert text.endswith("(HTTP 404)")
    text = (await service.ask(script % "Invoke-PowerPlatformApi https://example.com/steal"))[1]
    assert text == "example.com is not 127.0.0.1: give a path."


@only("powerplatform")
async def test_every_helper_of_power_platform_has_help_and_changes_can_be_previewed(
    service: Service,
) -> None:
    lacking = (
        "(Get-Command -Module PowerPlatform | Where-Object { -not (Get-Help"
        " $_).Synopsis.EndsWith('.') }).Name"
    )
    assert await service.ask(lacking) is None
    said = await service.run(Script("Invoke-PowerPlatformApi x -Method DELETE -WhatIf"))
    assert (said.summary.outcome, said.host.strip()) == (
        "completed",
        'What if: Performing the operation "DELETE" on target "x".',
    )


@only("powerplatform")
async def test_pac_is_offered_where_it_is_installed_only(service: Service) -> None:
    assert await service.ask("[bool] (Get-Command Invoke-PacCommand -ErrorAction Ignore)") is False


@only("pnp")
async def test_the_file_that_pnp_reads_a_federated_token_from_is_private_and_goes_with_the_sign_in(
    service: Service,
) -> None:
    mode = "(Get-Item -LiteralPath ~/.federated_token -Force -ErrorAction Ignore).UnixMode"
    await service.connect("workload_identity")
    assert await service.ask(mode) == "-rw-------"
    await service.run(service.module.disconnect)
    assert await service.ask(mode) is None
    error_of(await service.connect("workload_identity", federated_token=Secret("canary")))
    assert await service.ask(mode) is None


@only("teams")
@pytest.mark.parametrize(
    "channel", swept(["console", "output", "warning", "information"], ["console", "output"])
)
async def test_the_code_of_teams_is_seen_wherever_it_appears(
    service: Service, channel: str
) -> None:
    service.authority.set_traps("contoso.example", {"teams_channel": channel})
    try:
        await service.connect()
    finally:
        service.authority.clear_traps("contoso.example")
    assert {named for named, _ in service.codes()} <= {channel, HOST.get(channel, channel)}
    assert service.codes()
    assert (await service.check() or {})["account"] == ADMIN


@only("exo")
@pytest.mark.parametrize("route", ["device_code", "certificate", "access_token"])
async def test_in_the_read_tier_an_account_that_may_write_gets_no_command_that_writes(
    service: Service, route: RouteName
) -> None:
    change = "Get-Mailbox -ResultSize 1 | Set-Mailbox -CustomAttribute5 changed"
    await service.connect(route, read_commands=service.module.read_commands)
    assert await service.check() is not None
    assert await service.ask("Get-Mailbox -ResultSize 1 | Select-Object Name")
    [refused] = (await service.run(Script(change))).records
    assert refused.message.startswith("The term 'Set-Mailbox' is not recognized")
    assert await service.ask("Test-Path Variable:ReadCommands") is False
    await service.connect(route)
    done = await service.run(Script(change))
    assert "error" not in [one.kind for one in done.records]
