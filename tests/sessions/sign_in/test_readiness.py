"""Before and during a sign-in: hosts out of reach, attempts without a code, reasons in warnings,
HOME, busy waits.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from pwsh_kernels.catalog import explain
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.priority import WAITING_NICE, can_be_raised_again
from pwsh_kernels.sessions.sign_in.network import OutOfReach, named_in, unreachable_sentence
from tests.fixtures.sandbox import AUTOMATION
from tests.fixtures.store import install
from tests.fixtures.sweeps import swept
from tests.sessions.world import CONTOSO, END_WAIT, World

IN_ONE_LOOP = pytest.mark.asyncio(loop_scope="module")

OURS = "ours.example"
"""A tenant of the tests' own modules: a real one, as far as the server knows."""
OTHER = "other.example"
SCRIPTED = """
title = "A module of the test"
powershell_module = "Test.{name}"
minimum_version = "1.0"
purpose = "Connects as the file connect.ps1 of its HOME says."
home_files = [".test/record", ".test/folder"]
{keys}

[prepare]
script = "$global:Connected = $null"

[routes.device_code]
{route}
script = "& ([scriptblock]::Create([IO.File]::ReadAllText((Join-Path $HOME 'connect.ps1'))))"

[check]
script = '''
if (-not $global:Connected) {{ return }}
[pscustomobject] @{{ account = $global:Connected; tenant_id = "1"; domains = @("ours.example", "other.example") }}
'''

[disconnect]
script = "$global:Connected = $null"
"""  # noqa: E501
CONNECT = "$global:Connected = 'somebody@ours.example'"
SHOW = "Write-Warning 'Open https://login.example/device and enter the code ABCD12345 to go on.'"
WAIT = (
    "while (-not (Test-Path (Join-Path $HOME 'go'))) { Start-Sleep -Milliseconds 20 }; Remove-Item"
    " (Join-Path $HOME 'go')"
)
CODE = "ABCD12345"
LOOK_S = 0.02
CLOSED = "127.0.0.1:1"
PROXY = (
    'environment = { HTTPS_PROXY = "http://somebody:canary@127.0.0.1:2", NO_PROXY = "localhost" }'
)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def service() -> AsyncIterator[asyncio.Server]:
    """A service of the network: it only listens."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    yield server
    server.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(
    powershell_path: Path, tmp_path_factory: pytest.TempPathFactory, service: asyncio.Server
) -> AsyncIterator[World]:
    """One server's sessions, with modules of the test's own, of which one may wait busily at a
    time.
    """
    folder = tmp_path_factory.mktemp("readiness")
    modules = folder / "modules"
    modules.mkdir()
    listening = f"127.0.0.1:{service.sockets[0].getsockname()[1]}"
    for name, (keys, route) in {
        "closed": (f'hosts = ["{listening}", "{CLOSED}", "nowhere.invalid"]', ""),
        "proxied": (f'hosts = ["graph.microsoft.com"]\n{PROXY}', ""),
        "bypassed": ('hosts = ["localhost:1"]\n' + PROXY, ""),
        "open": (f'hosts = ["{listening}"]', "code_within_s = 1.5"),
        "busy": ("", "busy_wait = true"),
        "kept": ("", 'survives = "cache"\nresumed_by = "connect"'),
    }.items():
        text = SCRIPTED.format(name=name, keys=keys, route=route)
        (modules / f"{name}.toml").write_text(text, encoding="utf-8")
        install(folder / "data", f"Test.{name}", "1.0")
    (folder / "tenants.toml").write_text(TENANTS, encoding="utf-8")
    settings = {
        "PWSH_MANAGER_MODULES_DIR": str(modules),
        "PWSH_MANAGER_TENANTS": str(folder / "tenants.toml"),
    }
    one = await World.begin(folder, **settings, PWSH_MANAGER_BUSY_SIGN_INS="1")
    yield one
    await one.end()


TENANTS = f"""
[[tenant]]
name = "{OURS}"
[[tenant]]
name = "{OTHER}"
[[tenant]]
name = "{CONTOSO}"
[tenant.pnp]
client_id = "{AUTOMATION["contoso"]}"
"""


def home(world: World, module: str, tenant: str = OURS) -> Path:
    """Return a session's HOME, which is there before the session."""
    return world.sessions._lifecycle._places["local"].prepare_home(SessionKey(tenant, module))


async def sign_in(world: World, module: str, script: str, tenant: str = OURS) -> dict[str, Any]:
    """Begin a sign-in of a module of the tests; return its answer: a code, or an end."""
    (home(world, module, tenant) / "connect.ps1").write_text(script, encoding="utf-8")
    return await world.login(tenant, module=module, wait_s=END_WAIT)


def connects(world: World, module: str) -> list[str]:
    """Return the states of the connect scripts that were run."""
    runs = world.sessions.run_views(module=module, purpose="sign_in")
    return [run["state"] for run in runs if run["command"].startswith("sign in to")]


# -- hosts out of reach ------------------------------------------------------------------------


@pytest.mark.slow
@IN_ONE_LOOP
async def test_hosts_that_cannot_be_reached_are_named_before_a_code_is_asked_for(
    world: World,
) -> None:
    answer = await sign_in(world, "closed", SHOW)
    assert (answer["code"], answer["state"], answer["sign_in"]["state"]) == (
        "sign_in_unreachable",
        "signed_out",
        "unreachable",
    )
    named = (
        f"{CLOSED} and nowhere.invalid cannot be reached from this session (Connection refused, "
    )
    assert answer["error"].startswith(named), "a closed port, and a name that nobody knows"
    assert all(name in answer["error"] for name in ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"))
    assert answer["sign_in"]["explanation"]["code"] == "network_unreachable"
    assert connects(world, "closed") == []


@IN_ONE_LOOP
async def test_where_a_proxy_leads_to_a_host_it_is_the_proxy_that_must_be_reachable(
    world: World,
) -> None:
    answer = await sign_in(world, "proxied", SHOW)
    assert answer["code"] == "sign_in_unreachable"
    proxy = (
        "The proxy 127.0.0.1:2, through which this session reaches graph.microsoft.com, cannot be"
        " reached "
    )
    assert answer["error"].startswith(f"{proxy}(Connection refused). ")
    assert "canary" not in str(answer)


@IN_ONE_LOOP
async def test_a_host_that_goes_past_the_proxy_is_looked_for_itself(world: World) -> None:
    answer = await sign_in(world, "bypassed", SHOW)
    assert answer["error"].startswith(
        "localhost:1 cannot be reached from this session (Connection refused). "
    )


@IN_ONE_LOOP
async def test_a_simulated_tenant_needs_no_network(world: World) -> None:
    answer = await sign_in(world, "closed", f"{SHOW}; {WAIT}", CONTOSO)
    assert answer["device_code"] == CODE
    await world.sessions.disconnect(CONTOSO, "closed")


@IN_ONE_LOOP
async def test_where_all_can_be_reached_the_sign_in_goes_on(world: World) -> None:
    answer = await sign_in(world, "open", CONNECT)
    assert (answer["success"], answer["account"]) == (True, "somebody@ours.example")
    await world.sessions.disconnect(OURS, "open")


@IN_ONE_LOOP
async def test_an_attempt_that_shows_no_code_is_ended(world: World) -> None:
    answer = await sign_in(world, "open", "while ($true) { }")
    assert (
        answer["error"]
        == f"The service did not show a code for the sign-in to {OURS}:open within 2 s. Sign in"
        " again."
    )
    assert connects(world, "open")[0] == "cancelled"


@IN_ONE_LOOP
async def test_an_attempt_whose_network_has_gone_meanwhile_says_so(
    world: World, service: asyncio.Server
) -> None:
    begun = asyncio.ensure_future(
        sign_in(world, "open", "$null = New-Item ~/begun; while ($true) { }")
    )
    async with asyncio.timeout(END_WAIT):
        while not (home(world, "open") / "begun").exists():  # noqa: ASYNC110 - another process makes it
            await asyncio.sleep(LOOK_S)
    service.close()
    answer = await begun
    assert (answer["code"], "cannot be reached" in answer["error"]) == ("sign_in_unreachable", True)


GRAPH = (
    "DeviceCodeCredential authentication failed: Retry failed after 4 tries. Retry settings can be"
    " adjusted in ClientOptions.Retry. (Connection refused (login.microsoftonline.com:443))"
    " (Connection refused (login.microsoftonline.com:443))"
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (GRAPH, [OutOfReach("login.microsoftonline.com", "Connection refused")]),
        (
            "Name or service not known (contoso.sharepoint.com:443)",
            [OutOfReach("contoso.sharepoint.com", "Name or service not known")],
        ),
        (
            "Request to the endpoint timed out. CorrelationId: 1",
            [OutOfReach("a.example"), OutOfReach("b.example")],
        ),
    ],
)
def test_an_error_of_a_lost_network_names_its_host_or_all_that_were_needed(
    text: str, found: list[OutOfReach]
) -> None:
    explained = explain(text)
    assert explained is not None
    assert explained.code == "network_unreachable"
    assert named_in(text, ["a.example", "b.example"]) == found
    hosts = " and ".join(one.host for one in found)
    assert unreachable_sentence(found).startswith(f"{hosts} cannot be reached from this session")


# -- why a sign-in failed ----------------------------------------------------------------------

UNABLE = "Unable to connect using provided arguments"
MOON = "Write-Warning 'The moon is full.'"
MFA = (
    "AADSTS50076: Due to a configuration change made by your administrator, you must use"
    " multi-factor authentication."
)


@pytest.mark.parametrize(
    ("script", "code", "explanation"),
    [
        (f"$Host.UI.WriteWarningLine('{MFA}'); throw '{UNABLE}'", "sign_in_failed", "AADSTS50076"),
        (
            f"Write-Warning '{MFA}'; Write-Warning 'bye'; throw '{UNABLE}'",
            "sign_in_failed",
            "AADSTS50076",
        ),
        (
            f"Write-Warning '{MFA}'; throw 'AADSTS90002: Tenant not found.'",
            "sign_in_failed",
            "AADSTS90002",
        ),
        (
            f"Write-Warning 'AADSTS53003: blocked'; throw '{UNABLE}'",
            "sign_in_blocked",
            "AADSTS53003",
        ),
        (f"Write-Warning 'authorization_declined'; throw '{UNABLE}'", "sign_in_declined", None),
        (
            f"Write-Warning 'The device code has expired.'; throw '{UNABLE}'",
            "sign_in_expired",
            None,
        ),
        (
            "throw 'Connection refused (login.example.com:443)'",
            "sign_in_unreachable",
            "network_unreachable",
        ),
        (
            f"Write-Warning 'Request to the endpoint timed out.'; throw '{UNABLE}'",
            "sign_in_unreachable",
            "network_unreachable",
        ),
    ],
)
@IN_ONE_LOOP
async def test_where_the_error_explains_nothing_the_warnings_do(
    world: World, script: str, code: str, explanation: str | None
) -> None:
    answer = await sign_in(world, "kept", script)
    found = answer["sign_in"]["explanation"]
    assert (answer["code"], found and found["code"]) == (code, explanation)


@IN_ONE_LOOP
async def test_a_reason_that_nobody_knows_is_told_as_the_last_warning_said_it(world: World) -> None:
    await sign_in(
        world, "kept", f"{SHOW}; {MOON}; Write-Warning 'Code {CODE} ends.'; throw '{UNABLE}'"
    )
    status = await world.status(OURS, "kept")
    assert status["reason"] == f"{UNABLE} The last warning was: The moon is full."


@IN_ONE_LOOP
async def test_warnings_of_a_sign_in_are_in_no_run(world: World) -> None:
    await sign_in(world, "kept", f"{SHOW}; {MOON}; throw '{UNABLE}'")
    await world.status(OURS, "kept")
    newest = world.sessions.run_views(module="kept", purpose="sign_in")
    [run] = [one for one in newest if one["command"].startswith("sign in to")][:1]
    page = await world.sessions.run_view(run["run_id"])
    assert (UNABLE in str(page), CODE in str(page), "The moon" in str(page)) == (True, False, False)


# -- what HOME holds ---------------------------------------------------------------------------
# ---------------------------------------------------------------------------------------------------  # noqa: E501


@IN_ONE_LOOP
async def test_a_new_sign_in_finds_nothing_that_an_earlier_one_left(world: World) -> None:
    for file in ("record", "folder/deep"):
        left = home(world, "busy") / ".test" / file
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_text("{}", encoding="utf-8")
    answer = await sign_in(
        world, "busy", f"if (Get-ChildItem ~/.test) {{ throw 'something is left' }}; {CONNECT}"
    )
    assert (answer["success"], answer["account"]) == (True, "somebody@ours.example")
    assert (home(world, "busy") / "connect.ps1").exists(), "only what is named is removed"
    await world.sessions.disconnect(OURS, "busy")


KEPT = "if (Test-Path ~/.test/record) { %s } else { " + f"{SHOW}; {WAIT}; {CONNECT}" + " }"


SILENT = f"{SHOW}; Start-Sleep 600"


async def keep(world: World) -> Path:
    """Leave something in HOME, as a module whose PowerShell died."""
    record = home(world, "kept") / ".test" / "record"
    record.parent.mkdir(exist_ok=True)
    record.write_text("{}", encoding="utf-8")
    return record


@IN_ONE_LOOP
async def test_a_kept_login_is_resumed_and_stays(world: World) -> None:
    record = await keep(world)
    answer = await sign_in(world, "kept", KEPT % CONNECT)
    assert (answer["account"], answer["device_code"], record.exists()) == (
        "somebody@ours.example",
        None,
        True,
    )
    await world.sessions.disconnect(OURS, "kept")


@pytest.mark.parametrize("good_no_more", swept([SILENT, f"throw '{UNABLE}'"], [SILENT]))
@IN_ONE_LOOP
async def test_a_kept_login_that_is_good_no_more_is_cleared_before_a_person_is_asked(
    world: World, good_no_more: str
) -> None:
    record = await keep(world)
    answer = await sign_in(world, "kept", KEPT % good_no_more)
    assert (answer["device_code"], record.exists()) == (CODE, False)
    (home(world, "kept") / "go").touch()
    assert (await world.status(OURS, "kept"))["account"] == "somebody@ours.example"
    await world.sessions.disconnect(OURS, "kept")


@pytest.mark.parametrize("module", swept(["graph", "pnp"], ["pnp"]))
@IN_ONE_LOOP
async def test_another_person_signs_in_at_once_after_a_powershell_that_died(
    world: World, module: str
) -> None:
    signed_in = await world.sign_in(module=module)
    assert signed_in["account"] == "admin@contoso.example"
    world.powershell(CONTOSO, module).kill()
    await world.becomes(CONTOSO, "lost", module)
    assert any(
        (home(world, module, CONTOSO) / path).exists()
        for path in (".mg/mg.authrecord.json", ".m365pnppowershell")
    )
    world.authority.revoke("admin@contoso.example")
    status = await world.sign_in(module=module, account="reader@contoso.example")
    world.authority.restore("admin@contoso.example")
    assert (status["state"], status["account"]) == ("signed_in", "reader@contoso.example")
    await world.sessions.kill(CONTOSO, module)


# -- busy waits --------------------------------------------------------------------------------
# --------------------------------------------------------------------------------------------------------  # noqa: E501


@IN_ONE_LOOP
async def test_no_more_sign_ins_wait_busily_for_a_person_than_may(world: World) -> None:
    waiting = f"{SHOW}; {WAIT}; {CONNECT}"
    assert (await sign_in(world, "busy", waiting))["device_code"] == CODE
    refused = await sign_in(world, "busy", waiting, OTHER)
    assert (refused["code"], refused["sign_in"]["state"]) == (
        "too_many_sign_ins",
        "too_many_sign_ins",
    )
    assert re.search(
        rf"waiting already: {OURS}:busy\. Finish or disconnect one of them", refused["error"]
    )
    beside = await sign_in(world, "kept", f"{SHOW}; throw '{UNABLE}'")
    assert beside["device_code"] == CODE, "modules that do not compute meanwhile are not counted"
    (home(world, "busy") / "go").touch()
    assert (await world.status(OURS, "busy"))["state"] == "signed_in"
    assert (await sign_in(world, "busy", waiting, OTHER))["device_code"] == CODE


@IN_ONE_LOOP
async def test_a_busy_wait_has_a_lower_priority_where_it_can_be_raised_again(world: World) -> None:
    answer = await sign_in(world, "busy", f"{SHOW}; {WAIT}; {CONNECT}", OTHER)
    assert answer["device_code"] == CODE
    powershell = world.powershell(OTHER, "busy")
    assert niceness(powershell) == {WAITING_NICE if can_be_raised_again() else 0}
    (home(world, "busy", OTHER) / "go").touch()
    assert (await world.status(OTHER, "busy"))["state"] == "signed_in"
    assert niceness(powershell) == {0}


def niceness(process: psutil.Process) -> set[int]:
    """Return the niceness of a process's threads."""
    return {os.getpriority(os.PRIO_PROCESS, thread.id) for thread in process.threads()}
