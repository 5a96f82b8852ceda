"""Commands that reach a module's real connect cmdlets: the session notices and checks who is signed
in.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient

from pwsh_kernels.errors import NotSignedIn
from tests.fixtures.sweeps import swept
from tests.sessions.world import CONTOSO, END_WAIT, FABRIKAM, World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.pwsh]

ADMIN, READER, STRANGER = f"admin@{CONTOSO}", f"reader@{CONTOSO}", f"admin@{FABRIKAM}"
AUDIENCE = "https://outlook.office365.com"
CONNECT = "ExchangeOnlineManagement\\Connect-ExchangeOnline -ShowBanner:$false"
DROP = "ExchangeOnlineManagement\\Disconnect-ExchangeOnline -Confirm:$false"
READ = "(Get-AcceptedDomain).DomainName[0]"
REFUSED = (
    f"{STRANGER} signed in to fabrikam.example, fabrikam.onmicrosoft.example, not to {CONTOSO}"
)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One server's sessions."""
    one = await World.begin(tmp_path_factory.mktemp("changed"))
    yield one
    await one.end()


@pytest_asyncio.fixture(loop_scope="module")
async def admin(world: World) -> None:
    """Let the administrator be signed in to Exchange of Contoso."""
    status = await world.sign_in()
    if status["account"] != ADMIN:
        await world.sessions.disconnect(CONTOSO, "exo")
        status = await world.sign_in()
    assert status["account"] == ADMIN


def connect(world: World, account: str) -> str:
    """Return a line that connects somebody else with a token."""
    token = world.authority.issue_token(account, AUDIENCE)
    return f"{CONNECT} -AccessToken {token} -Organization {account.partition('@')[2]}"


def checks(world: World) -> int:
    """Return how often the session was asked who is signed in."""
    return len(world.sessions.run_views(purpose="check", limit=1000))


async def see_refused(world: World, run: Mapping[str, object]) -> None:
    """See that a run says whose output it has, and that the session is signed out."""
    assert (run["state"], run["code"]) == ("failed", "wrong_tenant")
    assert REFUSED in str(run["error"])
    page = await world.sessions.run_view(str(run["run_id"]))
    assert [REFUSED in entry["text"] for entry in page["entries"] if entry["kind"] == "error"] == [
        True
    ]
    status = await world.status()
    assert (status["state"], status["sign_in"]["state"]) == ("signed_out", "wrong_tenant")


@pytest.mark.usefixtures("admin")
async def test_output_of_another_tenants_connection_is_marked_and_never_named_after_the_session(
    world: World,
) -> None:
    run = await world.run(f"{connect(world, STRANGER)}\n{READ}")
    assert (run["result"], run["account"]) == ("fabrikam.example\n", STRANGER)
    await see_refused(world, run)
    with pytest.raises(NotSignedIn):
        await world.run(READ)


@pytest.mark.usefixtures("admin")
async def test_a_command_that_waits_behind_such_a_one_is_not_run(world: World) -> None:
    first = asyncio.ensure_future(world.run(f"{connect(world, STRANGER)}; Start-Sleep 2"))
    second = asyncio.ensure_future(world.run("$global:Ran = 1; 'ran'"))
    await see_refused(world, await first)
    waited = await second
    assert (waited["state"], waited["code"], waited["result"]) == ("cancelled", "not_signed_in", "")
    assert "The command was not run" in waited["error"]
    await world.sign_in()
    assert (await world.run("'' + $global:Ran"))["result"] == "\n"


@pytest.mark.usefixtures("admin")
async def test_a_connection_of_another_account_of_the_tenant_is_named_at_once(world: World) -> None:
    reader = f"reader@{CONTOSO}"
    run = await world.run(f"{connect(world, reader)}\n{READ}")
    assert (run["state"], run["account"]) == ("succeeded", reader)
    assert (await world.status())["account"] == reader


@pytest.mark.usefixtures("admin")
async def test_a_command_that_signs_out_by_the_real_disconnect_is_named_after_nobody(
    world: World,
) -> None:
    run = await world.run(f"{DROP}; 'went on'")
    assert (run["state"], run["result"], run["account"]) == ("succeeded", "went on\n", None)
    status = await world.status()
    assert (status["state"], "nobody is signed in any more" in status["reason"]) == (
        "signed_out",
        True,
    )


@pytest.mark.usefixtures("admin")
async def test_a_command_that_leaves_the_connection_alone_costs_no_check(world: World) -> None:
    before = checks(world)
    for command in ("1+1", READ, "'Connect-ExchangeOnline'", "throw 'mine'"):
        assert (await world.run(command))["account"] == ADMIN
    assert checks(world) == before


@pytest.mark.usefixtures("admin")
async def test_reading_the_connection_leaves_no_trace_in_what_a_script_sees(world: World) -> None:
    await world.run("Write-Error mine -ErrorAction SilentlyContinue; $Error.Clear()")
    assert (await world.run("$Error.Count; $LASTEXITCODE -eq $null"))["result"] == "0\nTrue\n"


@asynccontextmanager
async def notebook(world: World) -> AsyncIterator[AsyncKernelClient]:
    """A Jupyter client of the session's kernel."""
    client = world.front_end()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=END_WAIT)
        yield client
    finally:
        client.stop_channels()


async def replies(client: AsyncKernelClient, *cells: str) -> list[dict[str, Any]]:
    """Send cells at once, none of which waits for another, and return what each is answered."""
    asked = [client.execute(one, stop_on_error=False) for one in cells]
    answers: dict[str, dict[str, Any]] = {}
    while not answers.keys() >= set(asked):
        reply = await client.get_shell_msg(timeout=END_WAIT)
        answers[reply["parent_header"]["msg_id"]] = reply["content"]
    return [answers[one] for one in asked]


@pytest.mark.usefixtures("admin")
async def test_a_notebooks_cell_that_connects_another_tenant_signs_the_session_out(
    world: World,
) -> None:
    live = world.sessions._lifecycle.find(CONTOSO, "exo")
    assert live is not None
    async with notebook(world) as client:
        client.execute(connect(world, STRANGER))
        assert await live.session.changes.wait_for(
            lambda: live.session.state == "signed_out", END_WAIT
        )
    status = await world.status()
    assert (status["sign_in"]["state"], REFUSED in status["reason"]) == ("wrong_tenant", True)
    (run,) = [one for one in world.sessions.run_views() if one["principal"] == "jupyter"]
    await see_refused(world, run)


async def begun(client: AsyncKernelClient, asked: str) -> None:
    """Wait until the kernel runs a cell."""
    heard: Mapping[str, Any] = {"msg_type": "", "parent_header": {}}
    while (heard["msg_type"], heard["parent_header"].get("msg_id")) != ("execute_input", asked):
        heard = await client.get_iopub_msg(timeout=END_WAIT)


@pytest.mark.usefixtures("admin")
async def test_cells_that_wait_in_the_kernel_do_not_run_before_the_look_at_a_changed_connection(
    world: World,
) -> None:
    async with notebook(world) as first, notebook(world) as second:
        asked = first.execute(f"{connect(world, STRANGER)}; Start-Sleep 2", stop_on_error=False)
        await begun(first, asked)  # what another connection sends might arrive before it
        waiting = await asyncio.gather(
            replies(second, "$global:Ran += 1; 'ran'"),
            replies(first, "$global:Ran += 2", "$global:Ran += 4"),
        )
    for reply in [one for replied in waiting for one in replied]:
        assert (reply["status"], reply["ename"]) == ("error", "ConnectionUnchecked")
        assert "This one was not run" in reply["evalue"]
    await world.becomes(CONTOSO, "signed_out")
    async with notebook(world) as client:
        (reply,) = await replies(client, "if ($global:Ran) { throw 'ran' }")
        assert reply["status"] == "ok"


@pytest.mark.usefixtures("admin")
async def test_a_notebook_goes_on_when_the_changed_connection_is_of_the_tenant(
    world: World,
) -> None:
    reader = f"reader@{CONTOSO}"
    async with notebook(world) as client:
        await replies(client, connect(world, reader))
        await world.run(READ)
        (reply,) = await replies(client, "'goes on'")
    assert (reply["status"], (await world.status())["account"]) == ("ok", reader)


WAIT = "'begun'; while (-not (Test-Path ~/go)) { Start-Sleep -Milliseconds 20 }"


async def ended_after_a_restart(folder: Path, account: str | None) -> tuple[World, dict[str, Any]]:
    """Return the next server and the end of a command that connected somebody else, or nobody,
    before the server stopped.
    """
    first = await World.begin(folder)
    assert (await first.sign_in())["account"] == ADMIN
    line = connect(first, account) if account else DROP
    run_id = await first.begin_run(f"{line}; {WAIT}")
    await first.output_of(run_id, "begun")
    await first.stop()
    second = await World.begin(folder)
    (second.settings.homes / CONTOSO / "exo" / "go").touch()
    return second, await second.ended(run_id)


async def test_a_command_that_connects_another_tenant_while_the_server_restarts_is_marked(
    tmp_path: Path,
) -> None:
    second, run = await ended_after_a_restart(tmp_path, STRANGER)
    try:
        assert run["account"] == STRANGER
        await see_refused(second, run)
    finally:
        await second.end()


@pytest.mark.parametrize("account", swept([None, READER], [READER]))
async def test_after_a_restart_a_command_is_named_after_who_is_signed_in_at_its_end(
    tmp_path: Path, account: str | None
) -> None:
    second, run = await ended_after_a_restart(tmp_path, account)
    try:
        assert (run["state"], run["account"]) == ("succeeded", account)
        assert (await second.status())["account"] == account
    finally:
        await second.end()
