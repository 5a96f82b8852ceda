"""The door to the MCP tools: opened once, and again after the application behind it has died."""

import asyncio

import pytest

from pwsh_kernels.mcp.backend import RestBackend
from pwsh_kernels.mcp.http import HttpApp
from pwsh_kernels.mcp.server import build_server
from pwsh_kernels.settings import Settings
from pwsh_kernels.web.guard import Guard
from pwsh_kernels.web.mcp.door import McpDoor

WAIT_S = 30.0


async def load() -> HttpApp:
    """Return the real application, over a server that nobody asks here."""
    return HttpApp(build_server(RestBackend(Settings())), ())


async def end_application() -> None:
    """End what runs behind the door, as a mistake in it would."""
    (task,) = [one for one in asyncio.all_tasks() if one.get_name() == "mcp"]
    task.cancel()
    await asyncio.wait([task], timeout=WAIT_S)


async def test_a_dead_application_is_opened_again_by_the_next_request() -> None:
    door = McpDoor(Guard("token"), load)
    async with asyncio.timeout(WAIT_S):
        first = await door.open()
        assert await door.open() is first
        await end_application()
        second, third = await asyncio.gather(door.open(), door.open())
    assert second is third is not first
    await door.close()
    assert not [one for one in asyncio.all_tasks() if one.get_name() == "mcp"]


async def test_the_death_of_an_application_is_in_the_servers_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(HttpApp):
        async def run(self, opened: asyncio.Event, stop: asyncio.Event) -> None:
            opened.set()
            await asyncio.wait([asyncio.ensure_future(broken.wait())])
            raise RuntimeError("the manager broke")

    async def load_broken() -> HttpApp:
        return Broken(build_server(RestBackend(Settings())), ())

    broken = asyncio.Event()
    door = McpDoor(Guard("token"), load_broken)
    async with asyncio.timeout(WAIT_S):
        await door.open()
        (task,) = [one for one in asyncio.all_tasks() if one.get_name() == "mcp"]
        broken.set()
        await asyncio.wait([task])
    assert "The MCP application has ended" in caplog.text
    await door.close()
