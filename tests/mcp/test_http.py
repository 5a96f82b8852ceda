"""`/mcp`: the same tools over Streamable HTTP, with whole answers equal to those over the REST
client.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import INVALID_PARAMS, CallToolResult

from pwsh_kernels.mcp.tools import TOOL_NAMES
from tests.fixtures.server import CONTOSO, FABRIKAM, Server
from tests.mcp.client import ERAS, Era, connected

pytestmark = pytest.mark.xdist_group("server")

LIMIT = 60.0
CHANGING = re.compile(
    r"\d{4}-\d\d-\d\dT[0-9:.]+Z|\br-[0-9a-z-]+|\d+(?:\.\d+)? s\b|'duration_s': [0-9.e-]+"
    r"|----- [0-9a-f]{8} "
)
"""What differs between two calls of the same kind: times, run ids, durations, numbers of marks."""
NEWEST = re.compile(r"----- [0-9a-f]{8} newest runs -----\n(?:.*\n)*?(?=----- )")
Story = Callable[[Client], Awaitable[list[CallToolResult]]]


@asynccontextmanager
async def over_http(server: Server, era: Era = "auto", **headers: str) -> AsyncIterator[Client]:
    """Give an MCP client that speaks Streamable HTTP to the server itself."""
    given = {"Authorization": f"Bearer {server.token}", **headers}
    async with (
        asyncio.timeout(LIMIT),
        httpx2.AsyncClient(headers=given, timeout=LIMIT, verify=False) as http,
        Client(streamable_http_client(f"{server.url}/mcp", http_client=http), mode=era) as client,
    ):
        yield client


async def every_tool(client: Client) -> list[CallToolResult]:
    """Call each tool, also with what it refuses; return all answers."""

    called = set()

    async def call(tool: str, **arguments: Any) -> CallToolResult:
        called.add(tool)
        return await client.call_tool(tool, arguments)

    answers = [await call("pwsh_login", tenant=CONTOSO), await call("pwsh_status", tenant=CONTOSO)]
    run = await call(
        "pwsh_run", tenant=CONTOSO, command="'a' * 30; Write-Warning 'mind'; Get-Nothing"
    )
    answers.append(run)
    slow = await call("pwsh_run", tenant=CONTOSO, command="'slow'; Start-Sleep 60", wait_s=1)
    assert slow.structured_content
    run_id = slow.structured_content["run_id"]
    answers += [
        slow,
        await call("pwsh_wait", run_id=run_id, wait_s=0),
        await call("pwsh_cancel", run_id=run_id),
    ]
    objects = await call(
        "pwsh_run", tenant=CONTOSO, command="Get-Mailbox -ResultSize 3 -WarningAction Ignore"
    )
    assert objects.structured_content
    shown = {"run_id": objects.structured_content["run_id"]}
    answers += [
        objects,
        await call("pwsh_output", **shown),
        await call("pwsh_output", **shown, lines="-1"),
    ]
    answers += [
        await call("pwsh_output", **shown, search="ad"),
        await call("pwsh_output", **shown, where="Nothing eq 1"),
    ]
    answers += [
        await call(
            "pwsh_output",
            **shown,
            where="Alias like a*",
            sort_by="Alias desc",
            select="Alias,Office",
        )
    ]
    asked = await call("pwsh_run", tenant=CONTOSO, command="Read-Host 'Name'")
    assert asked.structured_content
    answers += [
        asked,
        await call("pwsh_answer", run_id=asked.structured_content["run_id"], answer="Adele"),
    ]
    answers += [await call("pwsh_find", tenant=CONTOSO, words="mailbox", limit=2)]
    answers += [
        await call("pwsh_run", tenants=[CONTOSO, FABRIKAM], command="1"),
        await call("pwsh_sessions"),
    ]
    answers += [await call("pwsh_disconnect", tenant="nobody.example", confirmation="DISCONNECT")]
    answers += [
        await call("pwsh_run", tenant=CONTOSO, command="1", nonsense=1),
        await call("pwsh_wait", run_id="r-none"),
        await call("pwsh_read", tenant=CONTOSO, command="Get-Mailbox"),
    ]
    assert called == set(TOOL_NAMES)
    return answers


def comparable(answers: list[CallToolResult]) -> list[str]:
    """Return answers as texts without what differs between two calls, such as the runs
    before them.
    """
    whole = [one.model_dump(mode="json", exclude={"meta"}) for one in answers]
    for one in whole:
        (one["structured_content"] or {}).pop("recent_runs", None)
        one["content"][0]["text"] = NEWEST.sub("", one["content"][0]["text"])
    return [CHANGING.sub("*", str(one)) for one in whole]


@pytest.fixture(scope="module")
def signed_in(server: Server) -> Server:
    """The shared server with contoso signed in, and nobody at fabrikam."""
    server.post("/disconnect", tenant=FABRIKAM)
    assert server.sign_in(CONTOSO)["state"] == "signed_in"
    server.run("1")  # from the first status on there are newest runs
    return server


@pytest.mark.parametrize("era", ERAS)
async def test_every_tool_gives_the_same_whole_answer_through_both_doors(
    signed_in: Server, era: Era
) -> None:
    async with connected(signed_in, era) as rest:
        expected = comparable(await every_tool(rest))
    async with over_http(signed_in, era) as http:
        assert [tool.name for tool in (await http.list_tools()).tools] == list(TOOL_NAMES)
        assert comparable(await every_tool(http)) == expected


async def test_a_run_over_http_is_the_principals_and_progress_arrives_while_it_runs(
    signed_in: Server,
) -> None:
    told = asyncio.Event()

    async def told_of(progress: float, total: float | None, message: str | None) -> None:
        told.set()

    async with over_http(signed_in) as client:
        command = (
            "Write-Progress -Activity 'Counting' -PercentComplete 50; 'x'; Start-Sleep"
            " -Milliseconds 1500"
        )
        run = await client.call_tool(
            "pwsh_run", {"tenant": CONTOSO, "command": command}, progress_callback=told_of
        )
    assert told.is_set()
    assert run.structured_content
    kept = signed_in.get(f"/runs/{run.structured_content['run_id']}")
    assert (kept["principal"], kept["client"]) == (
        "token/agent:mcp",
        "pwsh-kernels-mcp:mcp",
    )


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer {token}", "Origin": "https://evil.example"}, 403),
        ({"Authorization": "Bearer {token}", "Host": "evil.example"}, 421),
    ],
)
def test_a_stranger_is_refused(server: Server, headers: dict[str, str], status: int) -> None:
    given = {name: value.replace("{token}", server.token) for name, value in headers.items()}
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    accept = {"Accept": "application/json, text/event-stream"}
    answer = httpx.post(
        f"{server.url}/mcp", json=body, headers={**accept, **given}, verify=False, trust_env=False
    )
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.json()["code"] == "unauthorized"


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "OPTIONS"])
def test_without_the_token_no_method_says_anything(
    server: Server, verb: Literal["PUT", "PATCH", "OPTIONS"]
) -> None:
    assert (
        httpx.request(verb, f"{server.url}/mcp", verify=False, trust_env=False).status_code == 401
    )


@pytest.mark.parametrize(("era", "state"), [("legacy", "cancelled"), ("auto", "running")])
async def test_a_cancelled_call_stops_its_run_where_that_is_no_broken_connection(
    signed_in: Server, era: Era, state: str
) -> None:
    """In the era of 2026-07-28 a client cancels over HTTP by closing the stream, as a network does
    that breaks.
    """
    async with over_http(signed_in, era) as client:
        work = asyncio.create_task(
            client.call_tool("pwsh_run", {"tenant": CONTOSO, "command": "'begun'; Start-Sleep 60"})
        )
        begun = await asyncio.to_thread(signed_in.until, lambda: running(signed_in))
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        if state == "cancelled":
            await asyncio.to_thread(signed_in.get, f"/runs/{begun}", cursor=10**9, wait_s=20)
        found = await client.call_tool("pwsh_output", {"run_id": begun})
        assert found.structured_content
        assert found.structured_content["state"] == state
        assert found.structured_content["output"].startswith("begun\n")
        await client.call_tool("pwsh_cancel", {"run_id": begun})


@pytest.mark.parametrize("era", ERAS)
async def test_an_unknown_prompt_is_the_callers_mistake_and_no_traceback_in_the_log(
    server: Server, era: Era
) -> None:
    said_before = len(server.log)
    async with over_http(server, era) as client:
        with pytest.raises(MCPError, match="Unknown prompt: nonsense") as refused:
            await client.get_prompt("nonsense")
    assert refused.value.code == INVALID_PARAMS
    assert "Traceback" not in "".join(server.log[said_before:])


def test_a_library_of_the_server_logs_in_lines_of_the_servers_form(server: Server) -> None:
    accept = {
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {server.token}",
    }
    httpx.post(
        f"{server.url}/mcp",
        json={},
        headers={**accept, "Host": "evil.example"},
        verify=False,
        trust_env=False,
    )
    line = server.until(lambda: next((line for line in server.log if "evil.example" in line), None))
    assert re.match(r"\[W [^\]]+ mcp\.server\.transport_security\] .*evil\.example", line)


def test_the_servers_log_shows_what_a_caller_put_into_it_and_obeys_nothing(server: Server) -> None:
    headers = {b"Authorization": f"Bearer {server.token}".encode(), b"Origin": b"obeyed\x9b2J"}
    httpx.post(f"{server.url}/mcp", json={}, headers=headers, verify=False, trust_env=False)
    line = server.until(lambda: next((one for one in server.log if "obeyed" in one), None))
    assert "obeyed\\u{9B}2J" in line


def running(server: Server) -> str | None:
    """Return the id of the run that has written something and goes on."""
    runs = server.get("/runs", tenant=CONTOSO, state="running", limit=1)["runs"]
    return runs[0]["run_id"] if runs and runs[0]["total_chars"] else None
