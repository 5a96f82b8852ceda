"""The bounds of commands, queues, sessions, kernels and kept objects: anything beyond is refused,
and the refusal says what to do.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tornado.web import HTTPError

from pwsh_kernels.errors import CommandTooLarge, ProductError, QueueFull, TooManySessions
from pwsh_kernels.sessions import ObjectsQuery
from tests.sessions.world import CONTOSO, END_WAIT, FABRIKAM, World, run_request

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow, pytest.mark.pwsh]
HELD = "param($Flag) 'begun'; while (-not (Test-Path $Flag)) { Start-Sleep -Milliseconds 20 }"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Sessions with small bounds, in which nobody has to be signed in."""
    one = await World.begin(
        tmp_path_factory.mktemp("limits"),
        PWSH_MANAGER_RUN_SIGNED_OUT="true",
        PWSH_MANAGER_COMMAND_SIZE="1000",
        PWSH_MANAGER_COMMAND_SHOWN="10",
        PWSH_MANAGER_QUEUED_RUNS="2",
        PWSH_MANAGER_SESSIONS="2",
        PWSH_MANAGER_KERNELS="0",
        PWSH_MANAGER_KEPT_OBJECTS_IN_ALL="5",
        PWSH_MANAGER_FAN_OUT="1",
    )
    yield one
    await one.end()


async def test_a_command_that_is_too_long_is_refused_with_its_parameters_counted(
    world: World,
) -> None:
    for request in (
        run_request("#" * 1001),
        run_request("param($v) 1", parameters={"v": "x" * 1000}),
    ):
        with pytest.raises(CommandTooLarge, match="at most 1000 are accepted") as refused:
            await world.sessions.run(request)
        assert refused.value.size > 1000
    assert world.sessions.views() == []


async def test_a_list_of_runs_shows_the_beginning_of_a_long_command(world: World) -> None:
    run = await world.run("'0123456789' # a comment")
    (listed,) = world.sessions.run_views(tenant=CONTOSO)
    assert listed["command"] == "'012345678… (24 characters in all)"
    assert (await world.sessions.run_view(run["run_id"]))["command"] == "'0123456789' # a comment"


async def test_a_full_queue_refuses_the_next_command_and_names_what_runs(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    flag = tmp_path_factory.mktemp("flag") / "go"
    running = await world.begin_run(HELD, parameters={"Flag": str(flag)})
    await world.output_of(running, "begun")
    waiting = [await world.begin_run(f"'{number}'") for number in range(2)]
    with pytest.raises(QueueFull, match="which is the limit") as refused:
        await world.begin_run("'one too many'")
    assert (refused.value.waiting, refused.value.run_id) == (2, running)
    flag.touch()
    assert [(await world.ended(one))["state"] for one in waiting] == ["succeeded"] * 2
    assert (await world.run("'again'"))["result"] == "again\n"


async def test_a_run_that_waits_behind_others_in_its_session_holds_no_turn_of_other_tenants(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await world.run("'opened'", FABRIKAM)
    flag = tmp_path_factory.mktemp("flag") / "go"
    running = await world.begin_run(HELD, parameters={"Flag": str(flag)})
    await world.output_of(running, "begun")
    request = run_request("'done'", "", wait_s=0)
    answer = await world.sessions.run_everywhere(request, [CONTOSO, FABRIKAM])
    behind, free = [str(one.get("run_id")) for one in answer["results"]]
    assert (await world.ended(free))["state"] == "succeeded"
    assert (await world.sessions.run_view(behind))["state"] == "queued"
    flag.touch()
    assert (await world.ended(behind))["state"] == "succeeded"


async def test_one_session_too_many_is_refused_and_a_lost_one_makes_room(world: World) -> None:
    await world.run("'opened'", FABRIKAM)
    with pytest.raises(TooManySessions, match="Disconnect one"):
        await world.run("1", FABRIKAM, module="graph")
    world.powershell(FABRIKAM).kill()
    await world.becomes(FABRIKAM, "lost")
    assert (await world.run("'room'", CONTOSO, module="graph"))["result"] == "room\n"
    assert {(one["tenant"], one["module"]) for one in world.sessions.views()} == {
        (CONTOSO, "exo"),
        (CONTOSO, "graph"),
    }
    await world.sessions.disconnect(CONTOSO, "graph")


async def test_one_kernel_too_many_is_refused_by_name_of_the_setting(world: World) -> None:
    with pytest.raises(HTTPError, match="PWSH_MANAGER_KERNELS") as refused:
        async with asyncio.timeout(END_WAIT):
            await world.manager.start_kernel(kernel_name="pwsh")
    assert refused.value.status_code == 429


async def test_the_objects_of_older_runs_make_room_for_those_of_newer_ones(world: World) -> None:
    first, second = [
        await world.run(f"1..{count} | ForEach-Object {{ [pscustomobject]@{{ N = $_ }} }}")
        for count in (3, 4)
    ]
    kept = await world.sessions.query(second["run_id"], ObjectsQuery(wait_s=END_WAIT))
    assert kept["query"]
    assert kept["query"]["kept"] == 4
    with pytest.raises(ProductError) as gone:
        await world.sessions.query(first["run_id"], ObjectsQuery(wait_s=END_WAIT))
    assert gone.value.code == "objects_forgotten"
