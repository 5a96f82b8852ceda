"""Principals at both doors of MCP: an MCP client is an agent, tools need their verb, and nothing is
shown of what its principal may not see.
"""

import json
from typing import Any

import pytest
from mcp.client.subscriptions import ToolsListChanged
from mcp_types import ResourceTemplateReference, TextResourceContents

from pwsh_kernels.mcp.offers.resources import OUTPUT, SESSIONS, STATUS
from pwsh_kernels.mcp.tools import FACTS, TOOL_NAMES, VERB
from pwsh_kernels.principals.editing import with_grant
from pwsh_kernels.principals.principal import EVERY, Kind
from pwsh_kernels.principals.verbs import PEOPLE_ONLY, Verb, with_implied
from tests.fixtures.principals import Principals, grant
from tests.fixtures.server import CONTOSO, FABRIKAM, Server
from tests.mcp.client import ERAS, Era, call, facts_of, text_of
from tests.mcp.doors import through

pytestmark = [pytest.mark.xdist_group("principals"), pytest.mark.slow]

BOTH = pytest.mark.parametrize("door", ["rest", "http"])
CALLS: dict[str, dict[str, Any]] = {
    "pwsh_login": {"tenant": CONTOSO},
    "pwsh_status": {"tenant": CONTOSO},
    "pwsh_run": {"tenant": CONTOSO, "command": "1"},
    "pwsh_read": {"tenant": CONTOSO, "command": "1"},
    "pwsh_wait": {"tenant": CONTOSO},
    "pwsh_output": {"run_id": "RUN"},
    "pwsh_answer": {"run_id": "RUN", "answer": "x"},
    "pwsh_cancel": {"run_id": "RUN"},
    "pwsh_find": {"tenant": CONTOSO, "words": "mailbox"},
    "pwsh_sessions": {},
    "pwsh_disconnect": {"tenant": CONTOSO, "confirmation": "DISCONNECT"},
}
OF_OTHERS = {"pwsh_cancel": Verb.END}
"""The verb for the run of somebody else, as here."""


def as_who(server: Server, principals: Principals, who: str) -> Server:
    """Return the server as the holder of a principal's token knows it."""
    return Server(server.folder, url=server.url, token=principals.tokens[who])


@BOTH
@pytest.mark.parametrize("tool", TOOL_NAMES)
async def test_a_tool_is_refused_without_the_verb_that_it_declares(
    guarded: Server, principals: Principals, door: str, tool: str
) -> None:
    run = guarded.run("1")["run_id"]
    given = {key: run if value == "RUN" else value for key, value in CALLS[tool].items()}
    verb = OF_OTHERS.get(tool, FACTS[tool].verb)
    who = as_who(guarded, principals, f"no-{verb.value.replace('_', '-')}")
    async with through(door, who, "auto") as client:
        result = await call(client, tool, **given)
    assert result.is_error
    refusals = (f"may not {verb} in", "Unknown tenant", f"No run '{run}'")
    assert any(one in text_of(result) for one in refusals)
    assert guarded.post("/status", tenant=CONTOSO)["state"] == "signed_in"


async def test_each_tool_tells_which_verb_it_needs_and_none_needs_a_persons(
    guarded: Server,
) -> None:
    async with through("http", guarded, "auto") as client:
        tools = (await client.list_tools()).tools
    told = {one.name: (one.meta or {}).get(VERB) for one in tools}
    assert told == {name: one.verb.value for name, one in FACTS.items()}
    assert PEOPLE_ONLY.isdisjoint(one.verb for one in FACTS.values())


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("who", ["nobody", "looker", "reader", "writer", "ender", "admin"])
async def test_the_list_has_the_tools_that_the_principal_may_ever_use(
    guarded: Server, principals: Principals, who: str, era: Era
) -> None:
    held = with_implied(verb for one in principals.known[who].grants for verb in one.verbs)
    async with through("http", as_who(guarded, principals, who), era) as client:
        tools = {one.name for one in (await client.list_tools()).tools}
    assert tools == {name for name, one in FACTS.items() if one.verb in held}


@BOTH
async def test_an_mcp_client_is_an_agent_that_acts_for_the_holder_of_the_token(
    guarded: Server, principals: Principals, door: str
) -> None:
    names = {"ada": "person:ada/agent:mcp", "writer": "agent:writer"}
    holders = [(guarded, "token/agent:mcp")]
    holders += [(as_who(guarded, principals, who), name) for who, name in names.items()]
    for holder, name in holders:
        async with through(door, holder, "auto") as client:
            run = facts_of(await call(client, "pwsh_run", tenant=CONTOSO, command="1"))
        assert guarded.get(f"/runs/{run['run_id']}")["principal"] == name


@BOTH
async def test_tools_resources_and_completions_show_what_the_principal_may_see(
    guarded: Server, principals: Principals, door: str
) -> None:
    hidden = guarded.run("'hidden'", FABRIKAM)["run_id"]
    shown = guarded.run("'shown'")["run_id"]
    async with through(door, as_who(guarded, principals, "reader"), "auto") as client:
        sessions = facts_of(await call(client, "pwsh_sessions"))["sessions"]
        assert {one["session"] for one in sessions} == {f"{CONTOSO}:exo"}
        [resource] = (await client.read_resource(SESSIONS)).contents
        assert isinstance(resource, TextResourceContents)
        assert {one["tenant"] for one in json.loads(resource.text)["sessions"]} == {CONTOSO}
        tenants = await client.complete(
            ResourceTemplateReference(type="ref/resource", uri=STATUS),
            {"name": "tenant", "value": ""},
        )
        assert set(tenants.completion.values) == {CONTOSO, "con", *names_of(guarded)}
        runs = await client.complete(
            ResourceTemplateReference(type="ref/resource", uri=OUTPUT), {"name": "id", "value": ""}
        )
        assert shown in runs.completion.values
        assert hidden not in runs.completion.values
        found = await call(client, "pwsh_output", run_id=hidden)
        absent = await call(client, "pwsh_output", run_id="r-0000000000000000")
        assert text_of(found).replace(hidden, "R") == text_of(absent).replace(
            "r-0000000000000000", "R"
        )


def names_of(server: Server) -> set[str]:
    """Return all names of contoso."""
    tenants = server.get("/tenants")["tenants"]
    return {name for one in tenants if one["names"][0] == CONTOSO for name in one["names"]}


@BOTH
async def test_who_is_revoked_in_the_middle_of_an_mcp_session_gets_nothing_more(
    guarded: Server, principals: Principals, door: str
) -> None:
    principals.add(f"guest-{door}", grant(Verb.READ, tenant=EVERY))
    async with through(door, as_who(guarded, principals, f"guest-{door}"), "legacy") as client:
        assert not (await call(client, "pwsh_sessions")).is_error
        principals.revoke(f"guest-{door}")
        try:
            answer = text_of(await call(client, "pwsh_sessions"))
        except Exception as refused:  # noqa: BLE001 - over HTTP the SDK's client ends the call
            answer = str(refused)
    assert CONTOSO not in answer


async def test_a_listener_is_told_that_its_tools_have_changed_with_its_rights(
    guarded: Server, principals: Principals
) -> None:
    principals.add("growing", grant(Verb.SEE), kind=Kind.AGENT)
    one = as_who(guarded, principals, "growing")
    async with (
        through("http", one, "auto") as client,
        client.listen(tools_list_changed=True) as stream,
    ):
        before = {tool.name for tool in (await client.list_tools()).tools}
        more = with_grant(principals.text(), principals.known["growing"], grant(Verb.WRITE))
        principals.write(more)
        assert isinstance(await anext(aiter(stream)), ToolsListChanged)
        after = {tool.name for tool in (await client.list_tools()).tools}
    assert ("pwsh_run" in before, "pwsh_run" in after) == (False, True)
