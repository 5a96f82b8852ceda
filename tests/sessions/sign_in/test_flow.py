"""Signing in to the sandbox's tenants: the code, how it expires, and each way in which it fails."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from pwsh_kernels.cli.console import error_line
from pwsh_kernels.errors import (
    InvalidTenant,
    NotSignedIn,
    SignInPending,
    UnknownModule,
    UnknownSession,
)
from pwsh_kernels.sessions.moment import now
from tests.sessions.world import CONTOSO, END_WAIT, FABRIKAM, World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.pwsh]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One server's sessions, nobody signed in."""
    one = await World.begin(tmp_path_factory.mktemp("login"))
    yield one
    await one.end()


def texts_kept(world: World) -> str:
    """Return everything that is remembered on disk."""
    kept = [
        path
        for path in world.settings.data_dir.rglob("*")
        if path.is_file() and "sandbox" not in path.parts
    ]
    return "\n".join(path.read_text(errors="replace") for path in kept)


async def test_names_are_checked_before_anything_is_made(world: World) -> None:
    with pytest.raises(UnknownModule):
        await world.login(module="exchange")
    with pytest.raises(InvalidTenant):
        await world.login('x"; Get-Date #')
    with pytest.raises(NotSignedIn):
        await world.run("1", "nobody.example")
    with pytest.raises(UnknownSession):
        await world.sessions.disconnect("nobody.example", "exo")
    assert (await world.sessions.kill("nobody.example", "exo"))["killed"] is False
    status = await world.sessions.status("nobody.example", "exo")
    assert (status["state"], status["connected"], status["success"]) == ("none", False, True)
    assert world.sessions.views() == []


async def test_one_code_for_all_who_ask_and_its_end_is_noticed_by_itself(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    first, second = await asyncio.gather(world.login(conversation_id="c-1"), world.login())
    code = first["device_code"]
    assert (first["auth_pending"], first["state"], second["device_code"]) == (
        True,
        "signing_in",
        code,
    )
    assert re.fullmatch(r"[A-Z0-9]{9}", code)
    assert 800 < first["expires_in_s"] <= 900
    assert first["auth_url"] in first["result"]
    with pytest.raises(SignInPending) as pending:
        await world.run("1")
    assert pending.value.device_code == code
    status = await world.sessions.status(CONTOSO, "exo")
    assert (status["auth_pending"], status["device_code"], status["conversation_id"]) == (
        True,
        code,
        "c-1",
    )

    world.authority.approve(code, "admin@contoso.example")
    done = await world.status()
    assert (done["state"], done["account"], done["was_pending"]) == (
        "signed_in",
        "admin@contoso.example",
        True,
    )
    assert done["device_code"] is None
    assert done["auth_duration_seconds"] > 0
    assert done["token_expires_at"].endswith("Z")
    assert (await world.sessions.status(CONTOSO, "exo"))["was_pending"] is False
    assert code not in caplog.text


async def test_the_code_is_in_nothing_that_is_kept(world: World) -> None:
    runs = world.sessions.run_views()
    (sign_in,) = [run for run in runs if run["command"] == f"sign in to {CONTOSO}:exo"]
    page = await world.sessions.run_view(sign_in["run_id"])
    assert page["entries"] == []
    codes = re.compile(r"\bcode [A-Z0-9]{9}\b")
    assert not codes.search(str(page))
    assert not codes.search(str(runs))
    assert not codes.search(texts_kept(world))


async def test_signing_in_again_when_signed_in_answers_at_once(world: World) -> None:
    answer = await world.login()
    assert (answer["success"], answer["auth_pending"], answer["account"]) == (
        True,
        False,
        "admin@contoso.example",
    )


async def test_another_expected_account_is_told_and_the_session_stays(world: World) -> None:
    answer = await world.login(expected_account="reader@contoso.example")
    assert (answer["success"], answer["code"], answer["state"]) == (
        False,
        "wrong_account",
        "signed_in",
    )
    assert "the request expects reader@contoso.example" in answer["error"]


async def test_an_account_of_another_tenant_is_signed_out_again_and_nothing_runs(
    world: World,
) -> None:
    status = await world.sign_in(FABRIKAM, account="admin@contoso.example")
    assert (status["state"], status["account"]) == ("signed_out", None)
    assert "admin@contoso.example signed in to contoso.example" in status["reason"]
    with pytest.raises(NotSignedIn) as refused:
        await world.run("1", FABRIKAM)
    assert "not to fabrikam.example" in refused.value.text()
    left = [
        run["command"]
        for run in world.sessions.run_views(tenant=FABRIKAM)
        if run["purpose"] == "sign_out"
    ]
    assert left == [f"sign out of {FABRIKAM}:exo"]


async def test_an_account_that_is_not_the_expected_one_is_refused(world: World) -> None:
    status = await world.sign_in(
        FABRIKAM, account="reader@fabrikam.example", expected_account="Admin@Fabrikam.example"
    )
    assert status["state"] == "signed_out"
    assert "Admin@Fabrikam.example is expected" in status["reason"]


async def ended_login(world: World, code: str) -> tuple[str, str]:
    """Wait for the end of a sign-in; return the code and the text of the failure that its starter
    is told.
    """
    live = world.sessions._lifecycle.find(FABRIKAM, "exo")
    assert live is not None
    await world.sessions.status(FABRIKAM, "exo", wait_s=END_WAIT)
    assert live.session.failure is not None
    assert code not in live.session.failure.reason
    return live.session.failure.code, live.session.failure.reason


async def test_a_declined_sign_in_says_so(world: World) -> None:
    answer = await world.login(FABRIKAM)
    world.authority.decline(answer["device_code"])
    code, reason = await ended_login(world, answer["device_code"])
    assert code == "sign_in_declined"
    assert "declined" in reason


async def test_a_sign_in_that_conditional_access_blocks_says_why(world: World) -> None:
    answer = await world.login(FABRIKAM)
    world.authority.approve(answer["device_code"], "blocked@contoso.example")
    code, reason = await ended_login(world, answer["device_code"])
    assert code == "sign_in_blocked"
    assert "AADSTS53003" in reason
    assert "certificate" in reason, "the other routes are named"


async def test_a_cancelled_sign_in_ends_signed_out(world: World) -> None:
    answer = await world.login(FABRIKAM)
    (pending,) = world.sessions.run_views(tenant=FABRIKAM, state="running")
    await world.sessions.cancel(pending["run_id"], wait_s=END_WAIT)
    code, reason = await ended_login(world, answer["device_code"])
    assert (code, "cancelled" in reason) == ("sign_in_cancelled", True)


async def test_a_sign_in_that_nobody_finishes_ends_at_its_limit(tmp_path: Path) -> None:
    impatient = await World.begin(tmp_path, PWSH_AUTH_TIMEOUT="3")
    try:
        answer = await impatient.login(FABRIKAM)
        assert answer["expires_in_s"] <= 3
        code, reason = await ended_login(impatient, answer["device_code"])
        assert code == "sign_in_expired"
        assert "Sign in again" in reason
        (sign_in,) = [
            run for run in impatient.sessions.run_views() if run["command"].startswith("sign in to")
        ]
        assert sign_in["state"] == "cancelled"
    finally:
        await impatient.end()


async def test_the_idle_limit_closes_unused_sessions_and_spares_a_pending_sign_in(
    world: World,
) -> None:
    await world.login(FABRIKAM)
    later = now() + timedelta(seconds=world.settings.idle_timeout + 1)
    await world.sessions._watchdog.look(later)
    assert [view["tenant"] for view in world.sessions.views()] == [FABRIKAM]
    assert (await world.sessions.status(CONTOSO, "exo"))["state"] == "none"


@pytest.mark.parametrize(
    ("module", "missing"),
    [
        ("exo", "The certificate's file is missing"),
        ("graph", "none.secret cannot be used: no such"),
    ],
)
async def test_what_the_tenants_file_lacks_is_not_mended_by_a_login_and_none_is_advised(
    tmp_path: Path, module: str, missing: str
) -> None:
    (tmp_path / "tenants.toml").write_text(
        f'[[tenant]]\nname = "{CONTOSO}"\n'
        '[tenant.exo]\nroute = "certificate"\nclient_id = "x"\ncertificate_file = "none.pfx"\n'
        '[tenant.graph]\nroute = "client_secret"\nclient_id = "x"\n'
        'client_secret = { file = "none.secret" }\n',
        encoding="utf-8",
    )
    world = await World.begin(tmp_path, PWSH_MANAGER_TENANTS=str(tmp_path / "tenants.toml"))
    try:
        with pytest.raises(NotSignedIn) as refused:
            await world.run("1", module=module)
        for said in (refused.value.text(), error_line(refused.value)):
            assert missing in said
            assert "`pwsh-kernels tenants check` lists everything that is missing." in said
            assert "login" not in said
    finally:
        await world.end()
