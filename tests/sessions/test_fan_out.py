"""Twelve sessions at the same time that never mix, and one command in several tenants, each with
its own result.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from pwsh_kernels.catalog import Catalog
from pwsh_kernels.errors import InvalidRequest
from tests.sessions.world import CONTOSO, FABRIKAM, World, run_request

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow, pytest.mark.pwsh]

TENANTS = """
[[tenant]]
name = "contoso.example"
aliases = ["con"]
[tenant.pnp]
client_id = "c0070500-a991-4c00-8a00-00000000a991"

[[tenant]]
name = "fabrikam.example"
[tenant.pnp]
client_id = "fab21ca0-a991-4c00-8a00-00000000a991"

[[tenant]]
name = "adatum.com"
"""
MODULES = list(Catalog.load().modules)
LONG_WAIT = 150
"""Seconds that twelve starts at once may take on a machine that does something else."""
KEYS = [(tenant, module) for tenant in (CONTOSO, FABRIKAM) for module in MODULES]
FEW = [(tenant, module) for tenant in (CONTOSO, FABRIKAM) for module in ("exo", "graph")]
ACCOUNTS = {
    key: f"{'reader' if number % 2 else 'admin'}@{key[0]}" for number, key in enumerate(KEYS)
}
"""Neighbours sign in with different accounts, so that a mixed one is seen."""
WHOSE = {
    "exo": "(Get-AcceptedDomain | Where-Object Default).DomainName",
    "pnp": "(Get-PnPWeb).Url",
    "azure": "(Get-AzContext).Account.Id",
    "powerplatform": "(Get-PowerPlatformConnection).Account",
    "graph": "(Get-MgContext).Account",
    "teams": "(Get-CsTenant).TenantId",
}
"""What each service says about the company or person that is signed in to it."""
TENANT_IDS = {
    CONTOSO: "c0070500-0001-4a11-8c0d-5a9d0b0c0001",
    FABRIKAM: "fab21ca0-0002-4b22-9f0e-6b8e0c0d0002",
}
HELD = """param($Flag, $Held)
'begun'
while ($HOME -match $Held -and -not (Test-Path $Flag)) { Start-Sleep -Milliseconds 20 }
"""
"""Runs until the file `Flag` is there, in the tenant `Held`."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Sessions in which one fanned-out run goes at a time; Exchange's and Graph's are signed in."""
    one = await begin(tmp_path_factory.mktemp("many"))
    await sign_in_at_once(one, FEW)
    yield one
    await one.end()


async def begin(folder: Path) -> World:
    """Start with tenants and much patience."""
    (folder / "tenants.toml").write_text(TENANTS, encoding="utf-8")
    patience = dict.fromkeys(
        ("PWSH_MANAGER_LOGIN_WAIT", "PWSH_MANAGER_START_TIMEOUT"), str(LONG_WAIT)
    )
    tenants = str(folder / "tenants.toml")
    return await World.begin(
        folder,
        PWSH_MANAGER_TENANTS=tenants,
        PWSH_MANAGER_FAN_OUT="1",
        PWSH_MANAGER_BUSY_SIGN_INS="9",
        **patience,
    )


async def everywhere(world: World, command: str, tenants: list[str], **more: Any) -> dict[str, Any]:
    """Run a command in several tenants' Exchange."""
    request = run_request(command, "", **more)
    return dict(await world.sessions.run_everywhere(request, tenants))


def expected(tenant: str, module: str) -> str:
    """Return what WHOSE gives in a session."""
    services = {
        "exo": tenant,
        "pnp": f"https://{tenant.partition('.')[0]}.sharepoint.com",
        "teams": TENANT_IDS[tenant],
    }
    return services.get(module, ACCOUNTS[tenant, module])


async def sign_in_at_once(world: World, keys: list[tuple[str, str]]) -> None:
    """Sign in to all sessions at the same time; none gets what is another's."""
    answers = await asyncio.gather(*(world.login(tenant, module=module) for tenant, module in keys))
    codes = [answer["device_code"] for answer in answers]
    assert len({*codes, None}) == len(keys) + 1, answers
    assert [(answer["tenant"], answer["module"]) for answer in answers] == keys
    for key, code in reversed([*zip(keys, codes, strict=True)]):
        world.authority.approve(code, ACCOUNTS[key])
    statuses = await asyncio.gather(
        *(world.sessions.status(*key, wait_s=LONG_WAIT) for key in keys)
    )
    assert [(one["tenant"], one["module"]) for one in statuses] == keys
    assert {
        key: (one["state"], one["account"]) for key, one in zip(keys, statuses, strict=True)
    } == {key: ("signed_in", ACCOUNTS[key]) for key in keys}


async def see_whose_answers(world: World, keys: list[tuple[str, str]]) -> None:
    """Ask every session for its company or person at the same time; each answers for its own."""
    runs = await asyncio.gather(
        *(world.run(WHOSE[module], tenant, module=module) for tenant, module in keys)
    )
    assert {key: run["result"].strip() for key, run in zip(keys, runs, strict=True)} == {
        key: expected(*key) for key in keys
    }
    assert [(run["session"], run["account"]) for run in runs] == [
        (":".join(key), ACCOUNTS[key]) for key in keys
    ]


@pytest.mark.timeout(2 * LONG_WAIT)
async def test_sessions_sign_in_at_once_each_with_its_own_code_account_and_answer(
    world: World,
) -> None:
    await see_whose_answers(world, FEW)


@pytest.mark.sweep
@pytest.mark.timeout(2 * LONG_WAIT)
async def test_twelve_sessions_sign_in_at_once_each_with_its_own_code_account_and_answer(
    tmp_path: Path,
) -> None:
    twelve = await begin(tmp_path)
    try:
        await sign_in_at_once(twelve, KEYS)
        await see_whose_answers(twelve, KEYS)
    finally:
        await twelve.end()


async def test_all_means_the_signed_in_tenants_of_the_module_by_name(world: World) -> None:
    answer = await everywhere(world, "$HOME", ["*"])
    assert (answer["success"], answer["module"], answer["states"]) == (
        True,
        "exo",
        {"succeeded": 2},
    )
    assert [one["tenant"] for one in answer["results"]] == [CONTOSO, FABRIKAM]
    assert [one["result"].strip() for one in answer["results"]] == [
        str(world.settings.homes / tenant / "exo") for tenant in (CONTOSO, FABRIKAM)
    ]


async def test_results_keep_the_order_asked_for_and_no_tenant_harms_another(world: World) -> None:
    asked = [FABRIKAM, "nobody.com", "adatum.com", CONTOSO]
    answer = await everywhere(
        world, "if ($HOME -match 'fabrikam') { throw 'not here' } 'fine'", asked
    )
    assert [one["tenant"] for one in answer["results"]] == asked
    assert [(one["state"], one.get("code")) for one in answer["results"]] == [
        ("failed", "command_failed"),
        ("refused", "unknown_tenant"),
        ("refused", "not_signed_in"),
        ("succeeded", None),
    ]
    assert (answer["results"][0]["error"], answer["results"][3]["result"]) == ("not here", "fine\n")
    assert (answer["success"], answer["code"]) == (False, "not_all_succeeded")
    assert answer["error"] == "Not all succeeded: 1 failed, 2 refused, 1 succeeded."


async def test_a_tenant_that_is_named_twice_runs_the_command_once(world: World) -> None:
    answer = await everywhere(world, "'once'", ["con", FABRIKAM, CONTOSO.upper(), "CON"])
    assert [one["tenant"] for one in answer["results"]] == [CONTOSO, FABRIKAM]


@pytest.mark.parametrize("tenants", [[], ["*", CONTOSO], ["a.com"] * 201])
async def test_tenants_that_mean_nothing_are_refused_as_a_whole(
    world: World, tenants: list[str]
) -> None:
    with pytest.raises(InvalidRequest, match="must name 1 to 200 tenants"):
        await everywhere(world, "1", tenants)


async def test_a_command_in_nobodys_sessions_is_refused(tmp_path: Path) -> None:
    empty = await World.begin(tmp_path)
    try:
        with pytest.raises(InvalidRequest, match="no tenant is signed in to exo"):
            await everywhere(empty, "1", ["*"])
    finally:
        await empty.end()


async def test_the_second_tenant_waits_for_its_turn_and_then_runs(
    world: World, tmp_path: Path
) -> None:
    facts = {"Flag": str(tmp_path / "go"), "Held": "contoso"}
    answer = await everywhere(world, HELD, [CONTOSO, FABRIKAM], parameters=facts, wait_s=0)
    assert [one["code"] for one in answer["results"]] == ["run_pending", "run_pending"]
    first, second = [one["run_id"] for one in answer["results"]]
    await world.output_of(first, "begun")
    assert (await world.sessions.run_view(second))["state"] == "queued"
    (tmp_path / "go").touch()
    assert [(await world.ended(one))["state"] for one in (first, second)] == [
        "succeeded",
        "succeeded",
    ]


async def test_a_run_that_is_cancelled_before_its_turn_never_begins(
    world: World, tmp_path: Path
) -> None:
    facts = {"Flag": str(tmp_path / "go"), "Held": "fabrikam"}
    answer = await everywhere(world, HELD, [FABRIKAM, CONTOSO], parameters=facts, wait_s=0)
    first, second = [one["run_id"] for one in answer["results"]]
    await world.output_of(first, "begun")
    cancelled = await world.sessions.cancel(second)
    assert (cancelled["state"], cancelled["started_at"], cancelled["total_chars"]) == (
        "cancelled",
        None,
        0,
    )
    (tmp_path / "go").touch()
    assert (await world.ended(first))["state"] == "succeeded"
    assert (await world.run("'free again'"))["result"] == "free again\n"


async def test_a_question_in_one_tenant_gives_its_turn_to_the_next(world: World) -> None:
    answer = await everywhere(
        world, "if ($HOME -match 'contoso') { Read-Host 'Sure' } else { 'no question' }", ["*"]
    )
    asking, done = answer["results"]
    assert (asking["state"], asking["prompt"]["message"], done["result"]) == (
        "waiting_for_input",
        "Sure",
        "no question\n",
    )
    await world.sessions.answer(asking["run_id"], "yes")
    assert (await world.ended(asking["run_id"]))["state"] == "succeeded"
