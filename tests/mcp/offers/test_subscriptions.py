"""A subscribed client is notified of changes of sessions, through both doors, in both eras; without
subscribers, nothing is polled.
"""

import asyncio
import sys
from typing import cast

import pytest
from mcp import Client, MCPError, StdioServerParameters

from pwsh_kernels.mcp.offers.resources import SESSIONS
from pwsh_kernels.mcp.offers.subscriptions import changed
from pwsh_kernels.shapes import Sessions
from tests.fixtures.repository import ROOT
from tests.fixtures.server import CONTOSO, FABRIKAM, Server
from tests.mcp.client import ERAS, LIMIT, Era
from tests.mcp.doors import EACH_WAY, News, subscribed, through

SCRIPT = ROOT / "mcp_server.py"
HERE = f"pwsh://{FABRIKAM}/exo/status"
pytestmark = [
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
    pytest.mark.xdist_group("server"),
]
ELSEWHERE = f"pwsh://{CONTOSO}/graph/status"


def begin_sign_in(server: Server) -> None:
    """Change a session: from signed out to signing in, with a code.

    A PowerShell that is there is not started again.
    """
    status = server.post("/status", tenant=FABRIKAM)
    if status["state"] == "signing_in":
        server.post(f"/runs/{status['busy']['run_id']}/cancel")
        server.until(lambda: server.post("/status", tenant=FABRIKAM)["state"] == "signed_out")
    elif status["state"] == "signed_in":
        server.post("/kill", tenant=FABRIKAM)
    assert server.post("/login", tenant=FABRIKAM)["device_code"]


def watches() -> list[asyncio.Task[object]]:
    """Return the tasks of this process that wait for changes."""
    return [task for task in asyncio.all_tasks() if "subscriber" in task.get_name()]


@EACH_WAY
async def test_a_subscriber_is_told_of_its_sessions_and_of_no_others(
    server: Server, door: str, era: Era
) -> None:
    news = News()
    async with through(door, server, era, message_handler=news.hear) as client:
        async with subscribed(client, news, SESSIONS, HERE, ELSEWHERE):
            await asyncio.to_thread(begin_sign_in, server)
            await news.until(SESSIONS, HERE)
            [content] = (await client.read_resource(HERE)).contents
            assert '"signing_in"' in content.model_dump_json().replace("\\", "")
        assert ELSEWHERE not in news.seen


@pytest.mark.parametrize("era", ERAS)
async def test_nothing_waits_once_the_last_subscriber_has_gone(server: Server, era: Era) -> None:
    news = News()
    async with through("rest", server, era, message_handler=news.hear) as client:
        assert watches() == []
        async with subscribed(client, news, SESSIONS, HERE):
            assert len(watches()) == 1
        if ending := watches():
            await asyncio.wait(ending, timeout=LIMIT)
        await client.read_resource(SESSIONS)
        assert watches() == []


async def test_a_connection_that_ends_takes_its_subscriptions_along(server: Server) -> None:
    async with through("rest", server, "legacy") as client:
        await client.session.subscribe_resource(SESSIONS)
        assert len(watches()) == 1
    assert watches() == []


async def test_a_client_over_stdio_is_told_too(server: Server) -> None:
    news = News()
    command = StdioServerParameters(
        command=sys.executable, args=[str(SCRIPT)], env=server.environment
    )
    async with (
        asyncio.timeout(LIMIT),
        Client(command) as client,
        subscribed(client, news, SESSIONS),
    ):
        await asyncio.to_thread(begin_sign_in, server)
        await news.until(SESSIONS)


@pytest.mark.parametrize("door", ["rest", "http"])
async def test_what_has_no_updates_is_refused_in_words(server: Server, door: str) -> None:
    async with through(door, server, "legacy") as client:
        refused = []
        for uri in (
            "pwsh://runs/r-1/output",
            "pwsh://contso.example/exo/status",
            "file:///etc/passwd",
        ):
            with pytest.raises(MCPError) as caught:
                await client.session.subscribe_resource(uri)
            refused.append((caught.value.error.code, caught.value.error.message))
    assert {code for code, _ in refused} == {-32602}
    assert refused[0][1].startswith(
        "There are no updates for pwsh://runs/r-1/output. There are some for pwsh://sessions"
    )
    assert "contoso.example" in refused[1][1]
    assert refused[2][1].startswith("There are no updates for file:///etc/passwd.")


@pytest.mark.parametrize("door", ["rest", "http"])
async def test_the_acknowledgement_names_only_what_is_watched(server: Server, door: str) -> None:
    asked = [SESSIONS, "pwsh://runs/r-1/output", "pwsh://contso.example/exo/status"]
    async with (
        through(door, server, "auto") as client,
        client.listen(resource_subscriptions=asked, tools_list_changed=True) as stream,
    ):
        assert stream.honored.resource_subscriptions == [SESSIONS]
        assert stream.honored.tools_list_changed


@EACH_WAY
async def test_the_server_says_that_it_has_updates(server: Server, door: str, era: Era) -> None:
    async with through(door, server, era) as client:
        capabilities = client.server_capabilities
        assert capabilities
        assert capabilities.resources
        assert capabilities.resources.subscribe
        assert capabilities.completions is not None
        assert capabilities.prompts is not None


async def test_a_server_that_was_started_again_is_watched_again(own_server: Server) -> None:
    news = News()
    own_server.settings["PWSH_MANAGER_PORT"] = own_server.url.rpartition(":")[2]
    own_server.settings["PWSH_MANAGER_TOKEN"] = own_server.token
    async with (
        through("rest", own_server, "legacy", message_handler=news.hear) as client,
        subscribed(client, news, SESSIONS),
    ):
        await asyncio.to_thread(own_server.stop)
        await asyncio.to_thread(own_server.start)
        await asyncio.to_thread(own_server.post, "/login", tenant=FABRIKAM, wait_s=0)
        await news.until(SESSIONS)


def test_only_what_has_another_version_is_news() -> None:
    def listing(version: str, **sessions: str) -> Sessions:
        listed = [{"session": name, "version": one} for name, one in sessions.items()]
        return cast("Sessions", {"version": version, "sessions": listed})

    watched = {"all": "", "one": "a", "other": "b"}
    assert changed(watched, listing("1", a="x", b="y"), listing("1", a="x", b="y")) == []
    assert changed(watched, listing("1", a="x", b="y"), listing("2", a="z", b="y")) == [
        "all",
        "one",
    ]
    assert changed(watched, listing("1", a="x"), listing("2", a="x", b="y")) == ["all", "other"]
    assert changed(watched, listing("1", a="x"), listing("2")) == ["all", "one"]
