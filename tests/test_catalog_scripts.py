"""The catalog's Exchange Online scripts, run as a session runs them, on the sandbox's module."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox_fixtures import ADMIN, PAGE, PROMPT, Answer, SandboxShell, sign_in_as

from pwsh_kernels.catalog import Catalog, Script, Tenant
from pwsh_kernels.powershell import Launch, PowerShell, find_powershell
from pwsh_kernels.powershell.events import ConsoleText, Finished
from pwsh_kernels.records import RunOptions, Summary
from pwsh_kernels.sandbox import Authority, module_path

EXO = Catalog.load().module("exo")
CONTOSO = Tenant("contoso.example")


def run(shell: SandboxShell, script: Script, tenant: Tenant = CONTOSO, account: str = ADMIN) -> Answer:
    """Run a script with the values that the tenant and the module give it; an account signs in when it is asked."""
    return shell.ask(script.text, sign_in_as(account), **script.bind({**EXO.facts(), **tenant.facts()}))


@pytest.fixture
def shell(signed_out_shell: SandboxShell) -> SandboxShell:
    run(signed_out_shell, EXO.prepare)
    return signed_out_shell


@pytest.fixture(scope="module")
def bare_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxShell]:
    """A PowerShell without the module."""
    empty = tmp_path_factory.mktemp("modules")
    one = SandboxShell(tmp_path_factory.mktemp("sandbox"), {"PSModulePath": str(empty)})
    yield one
    one.close()


def test_preparing_imports_the_module(shell: SandboxShell) -> None:
    assert shell.ask("(Get-Module ExchangeOnlineManagement).Name").value == "ExchangeOnlineManagement"


def test_a_module_that_is_missing_is_an_error_that_says_how_to_install_it(bare_shell: SandboxShell) -> None:
    answer = run(bare_shell, EXO.prepare)
    assert answer.thrown
    assert answer.errors[0]["message"] == (
        "The PowerShell module ExchangeOnlineManagement 3.5.0 or newer is not installed. Install it: "
        "Install-PSResource ExchangeOnlineManagement -Version '[3.5.0,)' -Scope AllUsers -TrustRepository"
    )


def test_without_the_module_nobody_is_signed_in_and_signing_out_is_no_error(bare_shell: SandboxShell) -> None:
    for script in (EXO.check, EXO.disconnect):
        answer = run(bare_shell, script)
        assert (answer.output, answer.errors) == ([], [])


def test_connecting_shows_the_code_that_the_patterns_find(shell: SandboxShell) -> None:
    answer = run(shell, EXO.connect)
    prompt = PROMPT.search(answer.console[0])
    found = EXO.code_pattern.search(answer.console[0])
    assert prompt
    assert found
    assert found[1] == prompt[1]
    assert EXO.url_pattern.findall(answer.console[0]) == ["http://127.0.0.1:5100/sandbox/devicelogin"]
    assert (answer.output, answer.errors) == ([], [])


def test_before_a_sign_in_the_check_returns_nothing(shell: SandboxShell) -> None:
    answer = run(shell, EXO.check)
    assert (answer.output, answer.errors) == ([], [])


def test_after_a_sign_in_the_check_tells_account_tenant_domains_and_expiry(shell: SandboxShell) -> None:
    run(shell, EXO.connect)
    found = run(shell, EXO.check).value
    expiry = found.pop("expires_at")
    assert found == {
        "account": ADMIN,
        "tenant_id": "c0070500-0001-4a11-8c0d-5a9d0b0c0001",
        "domains": ["contoso.example", "contoso.onmicrosoft.example"],
    }
    assert len(expiry) == len("2026-11-22T17:00:00Z")
    assert expiry.endswith("Z")


def test_the_check_tells_the_tenant_that_was_signed_in_to_not_the_one_asked_for(shell: SandboxShell) -> None:
    run(shell, EXO.connect, account="admin@fabrikam.example")
    found = run(shell, EXO.check).value
    assert found["account"] == "admin@fabrikam.example"
    assert "contoso.example" not in found["domains"]


def test_what_a_user_typed_as_organization_proves_nothing(shell: SandboxShell) -> None:
    shell.connect("admin@fabrikam.example", "-Organization contoso.example")
    assert run(shell, EXO.check).value["domains"] == ["fabrikam.example", "fabrikam.onmicrosoft.example"]


def test_a_partners_own_domain_does_not_count_for_the_customer_it_manages(shell: SandboxShell) -> None:
    customer = Tenant("fabrikam.example", organization="fabrikam.onmicrosoft.example")
    run(shell, EXO.connect, customer)
    found = run(shell, EXO.check).value
    assert found["account"] == ADMIN
    assert found["domains"] == ["fabrikam.example", "fabrikam.onmicrosoft.example"]


def test_the_check_tolerates_a_connection_without_accepted_domains(shell: SandboxShell) -> None:
    shell.connect(ADMIN, "-CommandName Get-Mailbox")
    answer = run(shell, EXO.check)
    assert answer.value["domains"] == ["contoso.example"]


def test_connecting_again_leaves_no_second_connection_open(shell: SandboxShell) -> None:
    run(shell, EXO.connect)
    run(shell, EXO.connect)
    assert shell.ask("@(Get-ConnectionInformation).Count").value == 1


def test_disconnecting_signs_out_without_a_question(shell: SandboxShell) -> None:
    run(shell, EXO.connect)
    assert run(shell, EXO.disconnect).errors == []
    assert run(shell, EXO.check).output == []


def test_the_scripts_leave_no_variables_but_their_parameters(shell: SandboxShell, tmp_path: Path) -> None:
    names = "(Get-Variable -Scope Global).Name -join ' '"
    before = set(shell.ask(names).value.split())
    for script in (EXO.prepare, EXO.connect, EXO.check, EXO.disconnect):
        run(shell, script)
    after = set(shell.ask(names).value.split())
    assert not {"route", "connected", "accepted", "connection", "domains", "expiry", "found"} & (after - before)


async def connect_over_psrp(folder: Path, account: str) -> Summary:
    """Run the connect script as a session's kernel does; return how it ended."""
    authority = Authority(folder)
    authority.prepare(PAGE)
    given = {"PSModulePath": str(module_path()), "PWSH_KERNELS_SANDBOX": str(folder)}
    found = await find_powershell()
    shell = await PowerShell.open(Launch(executable=found.path, home=folder, environment=given, cwd=None, width=120))
    try:
        async for event in await shell.start(EXO.connect.text, RunOptions(), add_to_history=False):
            if isinstance(event, ConsoleText) and (prompt := PROMPT.search(event.text)):
                authority.approve(prompt[1], account)
            if isinstance(event, Finished):
                return event.summary
    finally:
        await shell.close()
    raise AssertionError("the script did not end")


async def test_a_refused_sign_in_ends_the_script_with_the_services_reason(tmp_path: Path) -> None:
    summary = await connect_over_psrp(tmp_path, "blocked@contoso.example")
    assert summary.outcome == "failed"
    assert summary.terminating_error
    assert summary.terminating_error.message.startswith(
        "AADSTS53003: Access has been blocked by Conditional Access policies."
    )
