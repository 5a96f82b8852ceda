"""Sign-ins that end: revoked ones are noticed, applications sign in again, changes count at the
next sign-in.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from pwsh_kernels.errors import DeviceCodeRefused, NotSignedIn
from pwsh_kernels.sessions.moment import now
from tests.fixtures.sandbox import AUTOMATION, CERTIFICATE_PASSWORD, make_certificate
from tests.sessions.world import CONTOSO, END_WAIT, FABRIKAM, World

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.pwsh,
    pytest.mark.slow,
]

REPORTING = "c0070500-a992-4c00-8a00-00000000a992"
SUBJECTS = {AUTOMATION["contoso"]: "contoso-automation", REPORTING: "contoso-reporting"}
MAILBOX = "(Get-EXOMailbox -ResultSize 1).Count"
USER = "(Get-MgUser -Top 1).Count"
REVOKED = (
    "The sign-in to {} has ended. The sign-in was ended: the password was changed, or an"
    " administrator revoked the sessions. (AADSTS50173) {}"
)
RENEWAL = (
    "The sign-in to {} has ended. The service wants a new sign-in, and the module cannot show a"
    " code in the middle of a command. (graph_renewal_failed) Sign in again (login), then repeat"
    " the command."
)
"""What is left of the reason when Graph's module could not ask the person anew."""
SECRET = "[pscredential]::new('x', (ConvertTo-SecureString y -AsPlainText -Force))"
GRAPH = "Microsoft.Graph.Authentication\\"
"""By its module's name a command is the real one, which the session does not answer itself."""
WRONG = f"{GRAPH}Connect-MgGraph -TenantId fabrikam.example -ClientSecretCredential ({SECRET})"
DROPPED = (
    "The sign-in to fabrikam.example:graph has ended. Connect-MgGraph failed, and the module has"
    " dropped its connection. Sign in again (login), then repeat the command."
)
TENANTS = """
[[tenant]]
name = "contoso.example"
[tenant.exo]
route = "certificate"
client_id = "{client}"
certificate_file = "{certificate}"
certificate_password = {{ file = "password" }}
"""


@dataclass
class Place:
    """A world whose tenants file says with which application Contoso's Exchange signs in."""

    world: World

    def configure(self, client: str) -> None:
        """Write the tenants file anew."""
        configure(self.world.folder, client)


def configure(folder: Path, client: str) -> None:
    """Write a tenants file in which an application signs in to Contoso's Exchange."""
    text = TENANTS.format(client=client, certificate=make_certificate(folder, SUBJECTS[client]))
    (folder / "tenants.toml").write_text(text, encoding="utf-8")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    folder = tmp_path_factory.mktemp("ended")
    (folder / "password").touch(0o600)
    (folder / "password").write_text(CERTIFICATE_PASSWORD, encoding="utf-8")
    configure(folder, AUTOMATION["contoso"])
    world = await World.begin(folder, PWSH_MANAGER_TENANTS=str(folder / "tenants.toml"))
    yield Place(world)
    await world.end()


async def mailbox(world: World) -> dict[str, Any]:
    """Ask Contoso's Exchange for something, without a login before."""
    return await world.run(MAILBOX)


async def test_an_application_signs_in_at_the_first_run_and_again_after_its_sign_in_was_revoked(
    place: Place,
) -> None:
    world, application = place.world, AUTOMATION["contoso"]
    first = await mailbox(world)
    assert (first["state"], first["result"], first["account"]) == ("succeeded", "1\n", application)
    world.authority.revoke(application)
    ended = await mailbox(world)
    again = "The session signs in again unattended: repeat the command."
    assert (ended["success"], ended["state"], ended["code"]) == (False, "failed", "sign_in_ended")
    assert ended["error"] == REVOKED.format(f"{CONTOSO}:exo", again)
    repeated = await mailbox(world)
    assert (repeated["state"], repeated["result"], repeated["account"]) == (
        "succeeded",
        "1\n",
        application,
    )
    status = await world.status()
    assert (status["state"], status["route"], status["sign_in"]["state"]) == (
        "signed_in",
        "certificate",
        "succeeded",
    )


async def test_a_changed_tenants_file_leaves_a_signed_in_session_alone_and_counts_at_its_next_sign_in(  # noqa: E501
    place: Place,
) -> None:
    world = place.world
    await mailbox(world)
    try:
        place.configure(REPORTING)
        run = await mailbox(world)
        assert (run["state"], run["account"]) == ("succeeded", AUTOMATION["contoso"])
        assert (await world.login())["account"] == AUTOMATION["contoso"]
        world.authority.revoke(AUTOMATION["contoso"])
        assert (await mailbox(world))["code"] == "sign_in_ended"
        run = await mailbox(world)
        assert (run["state"], run["account"]) == ("succeeded", REPORTING)
    finally:
        place.configure(AUTOMATION["contoso"])
        world.authority.revoke(REPORTING)
        await mailbox(world)


async def test_a_person_is_told_to_sign_in_again_and_nothing_runs_until_then(place: Place) -> None:
    world = place.world
    status = await world.sign_in(FABRIKAM, module="graph")
    assert status["state"] == "signed_in"
    thrown = await world.run("throw 'AADSTS50173: my own words'", FABRIKAM, module="graph")
    assert (thrown["code"], thrown["error"]) == ("command_failed", "AADSTS50173: my own words")
    assert (await world.run(USER, FABRIKAM, module="graph"))["result"] == "1\n"
    world.authority.revoke(f"admin@{FABRIKAM}")
    ended = await world.run(USER, FABRIKAM, module="graph")
    sentence = RENEWAL.format(f"{FABRIKAM}:graph")
    assert (ended["code"], ended["error"]) == ("sign_in_ended", sentence)
    with pytest.raises(NotSignedIn) as refused:
        await world.run(USER, FABRIKAM, module="graph")
    assert sentence in refused.value.text()
    status = await world.status(FABRIKAM, "graph")
    assert (status["state"], status["reason"], status["sign_in"]["state"]) == (
        "signed_out",
        sentence,
        "ended",
    )


async def test_a_connect_in_a_command_that_failed_ends_the_sign_in_and_its_caller_is_told(
    place: Place,
) -> None:
    world = place.world
    await world.sign_in(FABRIKAM, module="graph")
    ended = await world.run(f"'before'; {WRONG}", FABRIKAM, module="graph")
    assert (ended["state"], ended["code"], ended["error"]) == ("failed", "sign_in_ended", DROPPED)
    status = await world.status(FABRIKAM, "graph")
    assert (status["state"], status["connected"], status["reason"]) == (
        "signed_out",
        False,
        DROPPED,
    )


async def test_after_a_dropped_connection_another_person_can_sign_in(place: Place) -> None:
    world = place.world
    await world.sign_in(FABRIKAM, module="graph")
    await world.run(WRONG, FABRIKAM, module="graph")
    answer = await world.login(FABRIKAM, module="graph")
    assert answer[
        "auth_pending"
    ]  # not silently who it was before: the module still keeps that token
    world.authority.approve(answer["device_code"], f"reader@{FABRIKAM}")
    assert (await world.status(FABRIKAM, "graph"))["account"] == f"reader@{FABRIKAM}"
    await world.sessions.disconnect(FABRIKAM, "graph")


@pytest.mark.parametrize(
    "act",
    [
        f"try {{ {WRONG} -ErrorAction Stop }} catch {{ 'went on' }}",
        f"[void] ({GRAPH}Disconnect-MgGraph); 'went on'",
    ],
)
async def test_a_command_that_hides_its_error_or_signs_out_succeeds_and_the_session_is_signed_out(
    place: Place, act: str
) -> None:
    world = place.world
    await world.sign_in(FABRIKAM, module="graph")
    run = await world.run(act, FABRIKAM, module="graph")
    assert (run["state"], run["result"]) == ("succeeded", "went on\n")
    status = await world.status(FABRIKAM, "graph")
    assert (status["state"], "nobody is signed in any more" in status["reason"]) == (
        "signed_out",
        True,
    )


async def test_a_notebooks_cell_that_signs_out_signs_the_session_out(place: Place) -> None:
    world = place.world
    await world.sign_in(FABRIKAM, module="graph")
    live = world.sessions._lifecycle.find(FABRIKAM, "graph")
    assert live is not None
    client = world.front_end(FABRIKAM, "graph")
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=END_WAIT)
        await client.execute_interactive(
            f"try {{ {WRONG} -ErrorAction Stop }} catch {{ }}", timeout=END_WAIT
        )
    finally:
        client.stop_channels()
    assert await live.session.changes.wait_for(lambda: live.session.state == "signed_out", END_WAIT)


async def test_a_command_that_signs_in_as_somebody_else_changes_the_account_of_the_session(
    place: Place,
) -> None:
    world = place.world
    await world.sign_in(FABRIKAM, module="graph")
    token = world.authority.issue_token(f"reader@{FABRIKAM}", "https://graph.microsoft.com")
    connect = (
        f"param($Token) {GRAPH}Connect-MgGraph -NoWelcome -AccessToken"
        " (ConvertTo-SecureString $Token -As -Force)"
    )
    run = await world.run(connect, FABRIKAM, module="graph", parameters={"Token": token})
    assert (run["state"], run["account"]) == ("succeeded", f"reader@{FABRIKAM}")
    assert (await world.status(FABRIKAM, "graph"))["account"] == f"reader@{FABRIKAM}"
    await world.sessions.disconnect(FABRIKAM, "graph")


@pytest.mark.parametrize(
    "way",
    [
        "1..2 | ForEach-Object -Parallel {{ {} }}",
        "Start-ThreadJob {{ {} }} | Receive-Job -Wait",
        pytest.param("Start-Job {{ {} }} | Receive-Job -Wait", marks=pytest.mark.sweep),
    ],
)
async def test_a_parallel_command_is_told_of_its_missing_connection_and_not_to_sign_in(
    place: Place, way: str
) -> None:
    world = place.world
    await world.sign_in(FABRIKAM)
    run = await world.run(way.format("Get-Mailbox -ResultSize 1"), FABRIKAM)
    assert "Connect-ExchangeOnline" in run["error"]
    assert {one["advice"] for one in run["errors"]} == {"fix_command"}
    assert "has no Exchange Online connection" in run["errors"][0]["suggestion"]
    assert (await world.status(FABRIKAM))["state"] == "signed_in"
    world.authority.revoke(f"admin@{FABRIKAM}")
    run = await world.run(way.format("Get-Mailbox -ResultSize 1"), FABRIKAM)
    assert (run["code"], run["errors"][0]["advice"]) == ("sign_in_ended", "sign_in")


@pytest.mark.parametrize(
    "reason", ["AADSTS70043: sign-in frequency", "AADSTS50076: a second factor", True]
)
async def test_a_person_whom_the_service_wants_to_see_again_is_signed_out(
    place: Place, reason: str | bool
) -> None:
    world = place.world
    await world.sign_in(FABRIKAM, module="graph")
    world.authority.set_traps(FABRIKAM, {"ca_revoked": reason})
    ended = await world.run("Invoke-MgGraphRequest GET /v1.0/me", FABRIKAM, module="graph")
    world.authority.clear_traps(FABRIKAM)
    assert (ended["code"], ended["error"]) == ("sign_in_ended", RENEWAL.format(f"{FABRIKAM}:graph"))
    assert (await world.status(FABRIKAM, "graph"))["state"] == "signed_out"


async def test_a_reason_that_stands_in_the_inner_exception_alone_is_found(place: Place) -> None:
    world = place.world
    world.authority.set_traps(FABRIKAM, {"hidden_reason": True})
    answer = await world.login(FABRIKAM, module="graph")
    world.authority.decline(answer["device_code"])
    status = await world.status(FABRIKAM, "graph")
    assert status["sign_in"]["state"] == "declined"
    world.authority.set_traps(FABRIKAM, {"hidden_reason": True, "ca_block": True})
    answer = await world.login(FABRIKAM, module="graph")
    world.authority.approve(answer["device_code"], f"admin@{FABRIKAM}")
    status = await world.status(FABRIKAM, "graph")
    world.authority.clear_traps(FABRIKAM)
    assert (status["sign_in"]["state"], status["sign_in"]["explanation"]["code"]) == (
        "blocked",
        "AADSTS53003",
    )


async def test_a_code_that_expires_is_followed_by_a_new_one_in_the_same_sign_in(
    place: Place,
) -> None:
    world = place.world
    world.authority.set_traps(FABRIKAM, {"code_expiry": 1})
    first = await world.login(FABRIKAM, module="graph")
    world.authority.clear_traps(FABRIKAM)
    live = world.sessions._lifecycle.find(FABRIKAM, "graph")
    assert live is not None
    sign_in = live.session.sign_in
    assert sign_in is not None

    def followed() -> bool:
        code = sign_in.code.code if sign_in.code else ""
        return code != first["device_code"] and lives_on(world, code)

    assert await live.session.changes.wait_for(followed, END_WAIT)
    assert live.session.sign_in is sign_in
    asked = await world.login(FABRIKAM, module="graph")
    status = await world.sessions.status(FABRIKAM, "graph")
    assert asked["device_code"] == status["device_code"] != first["device_code"]
    assert [file.stem for file in world.authority.codes.glob("*.json")] == [asked["device_code"]]
    world.authority.approve(asked["device_code"], f"admin@{FABRIKAM}")
    assert (await world.status(FABRIKAM, "graph"))["state"] == "signed_in"


def lives_on(world: World, code: str) -> bool:
    """Return whether a code was made after the trap."""
    with suppress(DeviceCodeRefused):
        return world.authority.pending(code).expires_at > now() + timedelta(seconds=60)
    return False
