"""The sandbox's traps: per tenant and per session, in sign-ins and in services; on a real
PowerShell.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pwsh_kernels.sandbox import Authority
from tests.fixtures.repository import ROOT
from tests.fixtures.sandbox import ADMIN, PAGE, ProcessEnded, SandboxShell, sign_in_as

pytestmark = pytest.mark.xdist_group("exchange")

DEVICE = (
    "$answer = Invoke-SandboxDeviceCode -Client 'Some App' -Show { param($Message) $global:shown ="
    " $Message; 'lost' }; foreach ($one in $answer) { $one.Account ?? $one.Exception.Message }"
)
MANAGED = "$i = Invoke-SandboxAppSignIn -ManagedIdentity; $i.AccountType ?? $i.Exception.Message"
WAIT_THEN_STOP = """
    param($Script)
    $shell = [powershell]::Create().AddScript($Script)
    $running = $shell.BeginInvoke()
    for ($try = 0; $try -lt 1000 -and -not $shell.Streams.Warning.Count; $try++) { Start-Sleep -Milliseconds 10 }
    "$($shell.Streams.Warning.Count) $($shell.InvocationStateInfo.State)"
    $shell.Stop()
    "$($shell.InvocationStateInfo.State)"
    $shell.Dispose()
"""  # noqa: E501


@pytest.fixture
def core(signed_out_shell: SandboxShell) -> SandboxShell:
    signed_out_shell.ask("Import-Module SandboxCore")
    return signed_out_shell


@pytest.fixture
def dying_shell(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SandboxShell]:
    shell = SandboxShell(tmp_path_factory.mktemp("sandbox"))
    yield shell
    shell.close()


def set_traps(shell: SandboxShell, **traps: object) -> None:
    shell.authority.set_traps("contoso.example", traps)


def test_a_trap_is_switched_for_a_tenant_while_a_session_runs(core: SandboxShell) -> None:
    before = core.ask("$null -eq (Get-SandboxTrap silence)").value
    set_traps(core, silence=2)
    assert (before, core.ask("Get-SandboxTrap silence").value) == (True, 2)


def test_another_tenants_traps_do_not_reach_a_session(core: SandboxShell) -> None:
    core.authority.set_traps("fabrikam.example", {"silence": 2})
    assert core.ask("$null -eq (Get-SandboxTrap silence)").value is True
    core.authority.clear_traps("fabrikam.example")


def test_a_damaged_file_of_traps_is_no_trap(core: SandboxShell) -> None:
    set_traps(core, silence=2)
    (core.authority.folder / "traps" / "contoso.example.json").write_bytes(b'{"sil\x01')
    answer = core.ask("$null -eq (Get-SandboxTrap silence)")
    assert (answer.value, answer.errors) == (True, [])


def test_a_session_can_switch_a_trap_on_and_off_for_itself(core: SandboxShell) -> None:
    set_traps(core, silence=2, wrapped=True)
    answer = core.ask(
        "Set-SandboxTrap silence 7; Get-SandboxTrap silence; Set-SandboxTrap wrapped $false; $null"
        " -eq (Get-SandboxTrap wrapped); Clear-SandboxTrap silence; Get-SandboxTrap silence;"
        " Clear-SandboxTrap; Get-SandboxTrap wrapped"
    )
    assert answer.output == [7, True, 2, True]


def test_a_trap_that_does_not_exist_is_refused(core: SandboxShell) -> None:
    answer = core.ask("Set-SandboxTrap silense 1")
    assert answer.errors[0]["message"].startswith(
        "The sandbox has no trap 'silense'. Traps: slow_import, "
    )


def test_a_device_code_names_the_application_and_returns_nothing_but_who_signed_in(
    core: SandboxShell,
) -> None:
    seen = {}

    def look_and_approve(authority: Authority, code: str) -> None:
        seen[code] = authority.pending(code).client
        authority.approve(code, ADMIN)

    assert core.ask(DEVICE, look_and_approve).output == [ADMIN]
    [code] = seen
    assert seen[code] == "Some App"
    assert (
        core.ask("$shown").value
        == f"To sign in, use a web browser to open the page {PAGE} and enter the code {code} to"
        " authenticate."
    )


@pytest.mark.parametrize(
    ("value", "device", "managed"),
    [
        (
            True,
            "AADSTS53003: Access has been blocked by Conditional Access policies.",
            "AADSTS53003: ",
        ),
        ("device_code", "AADSTS530036: ", "ManagedService"),
        (
            "AADSTS530035: Blocked by security defaults.",
            "AADSTS530035: Blocked",
            "AADSTS530035: Blocked",
        ),
    ],
)
def test_conditional_access_refuses_every_sign_in_or_only_device_codes(
    core: SandboxShell, value: object, device: str, managed: str
) -> None:
    set_traps(core, ca_block=value)
    refusals = []

    def look_and_approve(authority: Authority, code: str) -> None:
        refusals.append(authority.approve(code, ADMIN).refusal)

    assert core.ask(DEVICE, look_and_approve).value.startswith(device)
    assert refusals[0] is not None
    assert refusals[0].startswith(device)
    assert core.ask(MANAGED).value.startswith(managed)


def test_a_code_can_be_made_to_live_shortly(core: SandboxShell) -> None:
    set_traps(core, code_expiry=0.2)
    assert core.ask(DEVICE).value.startswith("AADSTS70020: ")


def test_the_sentence_can_be_in_another_language(core: SandboxShell) -> None:
    set_traps(core, localized=True)
    core.ask(DEVICE, sign_in_as(ADMIN))
    text = core.ask("$shown").value
    assert text.startswith("Para iniciar sesión, use un explorador web")
    assert "code" not in text


def test_the_sentence_can_be_broken_over_lines_with_colours_inside(core: SandboxShell) -> None:
    set_traps(core, wrapped=True)
    core.ask(DEVICE, sign_in_as(ADMIN))
    text = core.ask("$shown").value
    assert "the\ncode \x1b[1m" in text
    assert "To sign in" in text


@pytest.mark.parametrize(
    ("trap", "text"),
    [("token_revoked", "AADSTS50173: "), ("ca_revoked", "AADSTS53003: Access has been blocked")],
)
def test_a_sign_in_can_be_ended_from_outside(core: SandboxShell, trap: str, text: str) -> None:
    core.ask("$global:identity = Invoke-SandboxAppSignIn -ManagedIdentity")
    set_traps(core, **{trap: True})
    assert core.ask("(Test-SandboxSignIn $identity).Exception.Message").value.startswith(text)
    core.authority.clear_traps("contoso.example")
    assert core.ask("$null -eq (Test-SandboxSignIn $identity)").value is True


@pytest.mark.parametrize("trap", [{"silence": 600}, {"busy_loop": True}])
def test_only_a_stop_ends_a_service_that_is_silent_or_busy(
    core: SandboxShell, trap: dict[str, object]
) -> None:
    set_traps(core, throttling=True, **trap)
    answer = core.ask(WAIT_THEN_STOP, Script="Import-Module SandboxCore; Invoke-SandboxService")
    assert answer.output == ["1 Running", "Stopped"]


def test_the_process_can_die_in_a_service_cmdlet(dying_shell: SandboxShell) -> None:
    set_traps(dying_shell, dies=True)
    assert dying_shell.ask(f"Import-Module SandboxCore; {MANAGED}").value == "ManagedService"
    with pytest.raises(ProcessEnded):
        dying_shell.ask("Invoke-SandboxService")


def test_the_process_can_die_during_connect_and_leaves_no_code_behind(
    dying_shell: SandboxShell,
) -> None:
    set_traps(dying_shell, dies="connect")
    with pytest.raises(ProcessEnded):
        dying_shell.ask(
            f"Import-Module SandboxCore; Invoke-SandboxService; {DEVICE}", sign_in_as(ADMIN)
        )
    assert list(dying_shell.authority.codes.iterdir()) == []


def test_every_trap_is_documented_as_the_company_file_describes_it(core: SandboxShell) -> None:
    page = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE))
    assert table == core.authority.company.traps
