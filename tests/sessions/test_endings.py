"""A session that ends while another begins under the same key; and that nothing of an ended one
still counts.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psutil
import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from pwsh_kernels.sessions.key import SessionKey
from tests.sessions.world import CONTOSO, END_WAIT, World

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow, pytest.mark.pwsh]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Sessions in which nobody has to be signed in."""
    one = await World.begin(tmp_path_factory.mktemp("endings"), PWSH_MANAGER_RUN_SIGNED_OUT="true")
    yield one
    await one.end()


def counted(world: World) -> tuple[float, int]:
    """Return how many kernels of the session Jupyter's metrics count, and its tables hold."""
    name = SessionKey(CONTOSO, "exo").kernelspec
    gauge = REGISTRY.get_sample_value("kernel_currently_running_total", {"type": name})
    return gauge or 0, len(world.manager.list_kernel_ids())


async def test_who_comes_while_a_session_is_forgotten_gets_a_new_one_whose_home_stays(
    world: World,
) -> None:
    await world.run("'old' > $HOME/kept.txt")
    for _ in range(2):
        run: dict[str, Any]
        _, run = await asyncio.gather(
            world.sessions.disconnect(CONTOSO, "exo", forget=True),
            world.run(
                "Test-Path $HOME/kept.txt; 'new' > $HOME/kept.txt; Get-Content $HOME/kept.txt"
            ),
        )
        assert (run["state"], run["result"]) == ("succeeded", "False\nnew\n")
        assert (world.settings.homes / CONTOSO / "exo" / "kept.txt").exists()
    assert counted(world) == (1, 1)


async def test_a_home_is_not_forgotten_under_a_session_that_has_begun_meanwhile(
    world: World,
) -> None:
    await world.run("'mine' > $HOME/kept.txt")
    assert not await world.sessions._lifecycle.forget_home(SessionKey(CONTOSO, "exo"))
    assert (await world.run("Get-Content $HOME/kept.txt"))["result"] == "mine\n"


async def test_a_kernel_whose_end_was_given_up_is_killed_and_its_session_begins_anew(
    world: World,
) -> None:
    await world.run("1")
    key, kernel = SessionKey(CONTOSO, "exo"), world.kernel()
    kernel.suspend()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(world.manager.close_session(key), 0.2)
    await world.sessions.kill(CONTOSO, "exo")
    assert counted(world) == (0, 0)
    assert await asyncio.to_thread(psutil.wait_procs, [kernel], END_WAIT) == ([kernel], [])
    assert (await world.run("'anew'"))["result"] == "anew\n"


async def test_a_kernel_that_was_killed_died_or_was_left_is_counted_no_more(world: World) -> None:
    await world.run("1")
    assert counted(world) == (1, 1)
    await world.sessions.kill(CONTOSO, "exo")
    assert counted(world) == (0, 0)
    await world.run("1")
    world.kernel().kill()
    await world.becomes(CONTOSO, "lost")
    await world.login()
    assert counted(world) == (1, 1)
    await world.stop()
    assert counted(world) == (0, 0)
    await world.sessions.start()
    assert counted(world) == (1, 1)
