"""Connect and disconnect cmdlets in a command of a signed-in session: the session itself answers
them.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.sessions.world import CONTOSO, World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.pwsh]

ADMIN = f"admin@{CONTOSO}"
NOT_NEEDED = f"{CONTOSO}:exo is already signed in as {ADMIN}: Connect-ExchangeOnline is not needed"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One server's sessions, Exchange of Contoso signed in."""
    one = await World.begin(tmp_path_factory.mktemp("guard"))
    status = await one.sign_in()
    assert status["account"] == ADMIN
    yield one
    await one.end()


async def admin_stays_signed_in(world: World) -> None:
    """See that everybody's next command runs as before."""
    status = await world.status()
    assert (status["state"], status["account"]) == ("signed_in", ADMIN)
    run = await world.run("(Get-Mailbox -ResultSize 1).Count")
    assert (run["state"], run["result"], run["account"]) == ("succeeded", "1\n", ADMIN)


@pytest.mark.parametrize(
    "connect",
    [
        f"Connect-ExchangeOnline -UserPrincipalName {ADMIN}",
        "Connect-ExchangeOnline -Device",
        "Connect-ExchangeOnline -ShowBanner:$false -ErrorAction Stop",
        f"$how = @{{ UserPrincipalName = '{ADMIN}' }}; Connect-ExchangeOnline @how",
        "ipmo ExchangeOnlineManagement; Connect-ExchangeOnline -Organization contoso.example",
    ],
)
async def test_a_script_that_begins_with_a_connect_of_who_is_signed_in_goes_on(
    world: World, connect: str
) -> None:
    run = await world.run(f"{connect}\n'then'")
    assert (run["state"], run["result"], run["errors"]) == ("succeeded", "then\n", [])
    assert [NOT_NEEDED in warning["message"] for warning in run["warnings"]] == [True]
    status = await world.status()
    assert (status["state"], status["account"]) == ("signed_in", ADMIN)


@pytest.mark.parametrize(
    ("asked", "difference"),
    [
        ("-UserPrincipalName reader@contoso.example", "UserPrincipalName reader@contoso.example"),
        ("-UserPri reader@contoso.example", "UserPrincipalName reader@contoso.example"),
        ("-Device -DelegatedOrganization fabrikam.example", "DelegatedOrganization fabrikam"),
        ("-AccessToken secret", "an identity that it does not name"),
        ("-AppId 1f -CertificateFilePath a.pfx -Organization contoso.example", "AppId 1f"),
        ("-ManagedIdentity -Organization contoso.example", "an identity that it does not name"),
    ],
)
async def test_a_connect_of_somebody_else_ends_the_script_with_an_error_that_names_login(
    world: World, asked: str, difference: str
) -> None:
    run = await world.run(f"Connect-ExchangeOnline {asked}; 'then'")
    assert (run["state"], run["code"], run["result"]) == ("failed", "command_failed", "")
    assert difference in run["error"]
    assert "Sign in with login" in run["error"]
    assert "secret" not in run["error"]
    await admin_stays_signed_in(world)


async def test_a_script_that_ends_with_a_disconnect_signs_nobody_out_and_is_told_of_disconnect(
    world: World,
) -> None:
    run = await world.run(
        "(Get-Mailbox -ResultSize 2).Count; Disconnect-ExchangeOnline -Confirm:$false; 'the end'"
    )
    assert (run["state"], run["result"]) == ("failed", "2\nthe end\n")
    assert "Disconnect-ExchangeOnline does nothing here" in run["error"]
    assert "use disconnect (pwsh-kernels disconnect contoso.example exo)" in run["error"]
    await admin_stays_signed_in(world)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("Connect-ExchangeOnline -UserPrincipalName reader@contoso.example", "SignedInByLogin"),
        ("Connect-ExchangeOnline -NoSuchParameter 1", "NamedParameterNotFound"),
        ("Disconnect-ExchangeOnline -Confirm:$false", "SignedOutByDisconnect"),
        ("Disconnect-ExchangeOnline -ErrorAction Stop", "SignedOutByDisconnect"),
    ],
)
async def test_a_refused_connect_or_disconnect_stands_at_the_line_of_the_command(
    world: World, line: str, named: str
) -> None:
    run = await world.run(f"'first'\n\n{line}")
    (error,) = run["errors"]
    assert (error["line"], error["error_id"].split(",")[0]) == (3, named)
    assert error["position"].splitlines()[:2] == ["At line:3 char:1", f"+ {line}"]


async def test_a_disconnect_that_wants_no_error_gets_none(world: World) -> None:
    run = await world.run("Disconnect-ExchangeOnline -Confirm:$false -ErrorAction Ignore; 'then'")
    assert (run["state"], run["result"]) == ("succeeded", "then\n")
    await admin_stays_signed_in(world)


@pytest.mark.parametrize(
    ("module", "name"), [("graph", "Connect-Graph"), ("azure", "Login-AzAccount")]
)
async def test_a_connect_by_the_commands_second_name_is_answered_like_the_first(
    world: World, module: str, name: str
) -> None:
    status = await world.sign_in(module=module)
    assert status["account"] == ADMIN
    run = await world.run(f"{name}; 'then'", module=module)
    assert (run["state"], run["result"], run["errors"]) == ("succeeded", "then\n", [])
    assert f"{name} is not needed" in run["warnings"][0]["message"]
    other = await world.run(f"{name} -Tenant fabrikam.example; 'then'", module=module)
    assert (other["state"], other["result"]) == ("failed", "")
    assert f"{name} asks for another connection" in other["error"]


async def test_a_new_sign_in_of_the_session_is_not_answered_by_the_one_before(world: World) -> None:
    world.authority.revoke(ADMIN)
    ended = await world.run("(Get-Mailbox -ResultSize 1).Count")
    assert ended["code"] == "sign_in_ended"
    world.authority.restore(ADMIN)
    status = await world.sign_in(account=f"reader@{CONTOSO}")
    assert (status["state"], status["account"]) == ("signed_in", f"reader@{CONTOSO}")
    run = await world.run(f"Connect-ExchangeOnline -UserPrincipalName reader@{CONTOSO}")
    assert f"is already signed in as reader@{CONTOSO}" in run["warnings"][0]["message"]
