"""Sign-in requests that ask for something other than what the session has or may have."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from pwsh_kernels.catalog import Secret
from pwsh_kernels.errors import AccountNotAllowed, InvalidRequest
from tests.sessions.world import CONTOSO, FABRIKAM, World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.pwsh]

ADMIN = f"admin@{CONTOSO}"
WRONG_ROUTE = (
    f"{CONTOSO}:exo is already signed in as {ADMIN} by the route device_code, but the request"
    " asks for the route managed_identity. Sign out (disconnect) first, then sign in again."
)
TENANTS = f"""
[[tenant]]
name = "{CONTOSO}"
[[tenant]]
name = "{FABRIKAM}"
expected_account = "Admin@{FABRIKAM}"
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One server's sessions; Exchange of Contoso signed in by a device code."""
    folder: Path = tmp_path_factory.mktemp("requests")
    (folder / "tenants.toml").write_text(TENANTS, encoding="utf-8")
    one = await World.begin(folder, PWSH_MANAGER_TENANTS=str(folder / "tenants.toml"))
    assert (await one.sign_in())["account"] == ADMIN
    yield one
    await one.end()


@pytest.mark.parametrize(
    ("asked", "code", "reason"),
    [
        (
            {"route": "managed_identity"},
            "already_signed_in",
            WRONG_ROUTE,
        ),
        (
            {"expected_account": f"reader@{CONTOSO}"},
            "wrong_account",
            "expects reader@contoso.example",
        ),
        (
            {"secrets": {"access_token": Secret("x")}},
            "already_signed_in",
            "the request contains a token, which may be another account's and was not used",
        ),
    ],
)
async def test_a_request_that_differs_from_the_present_sign_in_is_refused_and_changes_nothing(
    world: World, asked: dict[str, Any], code: str, reason: str
) -> None:
    answer = await world.login(**asked)
    assert (answer["success"], answer["code"], answer["state"]) == (False, code, "signed_in")
    assert reason in answer["error"]
    status = await world.status()
    assert (status["account"], status["route"]) == (ADMIN, "device_code")


@pytest.mark.parametrize(
    "asked",
    [{}, {"route": "device_code"}, {"expected_account": ADMIN.upper()}],
)
async def test_a_request_for_what_there_is_is_answered_with_it(
    world: World, asked: dict[str, Any]
) -> None:
    answer = await world.login(**asked)
    assert (answer["success"], answer["account"]) == (True, ADMIN)


async def test_a_request_that_differs_from_a_pending_sign_in_is_refused_and_the_code_stays(
    world: World,
) -> None:
    first = await world.login(FABRIKAM)
    other = await world.login(FABRIKAM, route="managed_identity")
    assert (other["success"], other["code"]) == (False, "already_signing_in")
    assert "the request asks for the route managed_identity" in other["error"]
    same = await world.login(FABRIKAM, route="device_code", expected_account=f"admin@{FABRIKAM}")
    assert (same["success"], same["device_code"]) == (True, first["device_code"])
    await world.sessions.disconnect(FABRIKAM, "exo")


async def test_a_request_cannot_replace_the_account_that_the_tenants_file_names(
    world: World,
) -> None:
    with pytest.raises(AccountNotAllowed) as refused:
        await world.login(FABRIKAM, expected_account=f"reader@{FABRIKAM}")
    assert f"allows only Admin@{FABRIKAM} to sign in" in refused.value.text()
    status = await world.sign_in(FABRIKAM, account=f"reader@{FABRIKAM}")
    assert (status["state"], status["sign_in"]["state"]) == ("signed_out", "wrong_account")


@pytest.mark.parametrize("host", ["evil.com/#", "a.b", "contoso.sharepoint.com", "-a", "a b", ""])
async def test_a_sharepoint_host_that_is_none_is_refused_before_anything_is_connected_to(
    world: World, host: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await world.login(module="pnp", sharepoint_tenant=host)
    assert "sharepoint_tenant must be the part before .sharepoint.com" in refused.value.text()
    assert (await world.status(module="pnp"))["state"] == "none"
