"""An agent that sees nothing but the tools' answers does three real tasks; docs/transcripts.md is
what it wrote down.

`PWSH_KERNELS_WRITE_TRANSCRIPTS=1` writes that file; without it, it is compared.
"""

import asyncio
import json
import os
import re

import pytest

from tests.fixtures.repository import ROOT
from tests.fixtures.server import CONTOSO, FABRIKAM, Server
from tests.mcp.agent import Agent, Approve, folded, stable
from tests.mcp.client import connected, facts_of, text_of

pytestmark = [pytest.mark.xdist_group("server"), pytest.mark.slow]

PAGE = ROOT / "docs" / "transcripts.md"
HEAD = """\
# Transcripts

This page shows what an agent and the tools say to each other during three tasks in the sandbox. The
agent is a program (tests/mcp/agent.py). It knows PowerShell, the names of the tools and what the
person wants; everything else it learns from the tools' answers. A test plays the tasks and compares
this page with what happened. Times, ids, codes and addresses are replaced by fixed ones, long lines
are folded, and the middle of a long output is left out.
"""
LARGEST = (
    "Get-Mailbox -ResultSize Unlimited | Get-MailboxStatistics | Select-Object DisplayName,"
    " TotalItemSize, ItemCount"
)
LEAVER = "adele.gupta@contoso.example"
LEAVE = "param($User) Set-Mailbox -Identity $User -Type Shared -HiddenFromAddressListsEnabled $true"
LOOK = (
    "param($User) Get-Mailbox -Identity $User | Select-Object Name, RecipientTypeDetails,"
    " HiddenFromAddressListsEnabled"
)
RETURN = "Set-Mailbox -Identity {} -Type Regular -HiddenFromAddressListsEnabled $false"


def signing_in_as(server: Server, name: str) -> Approve:
    """Return a person who signs in as `name` of the tenant, on the page that they were told."""

    async def approve(address: str, code: str, tenant: str) -> None:
        assert address == f"{server.url}/sandbox/devicelogin"
        await asyncio.to_thread(server.approve, code, f"{name}@{tenant}")

    return approve


def size_of(line: str) -> int:
    """Return the bytes that a size of Exchange names."""
    return int(re.findall(r"\(([\d,]+) bytes\)", line)[0].replace(",", ""))


def truth(server: Server) -> list[str]:
    """Return the ten largest mailboxes as a script that knows the sandbox finds them."""
    found = []
    for tenant in (CONTOSO, FABRIKAM):
        rows = json.loads(server.run(LARGEST, tenant)["result"])
        found += [f"{tenant}: {row['DisplayName']} | {row['TotalItemSize']}" for row in rows]
    return sorted(found, key=size_of, reverse=True)[:10]


async def the_largest_mailboxes(server: Server, agent: Agent) -> None:
    """Find the ten largest mailboxes of two tenants, both signed out."""
    agent.say(
        "Person", f"Which are the ten largest mailboxes of {CONTOSO} and {FABRIKAM} together?"
    )
    found = await agent.reach("pwsh_find", tenant=CONTOSO, words="mailbox statistics size", limit=2)
    assert facts_of(found)["commands"][0]["name"] == "Get-MailboxStatistics"
    run = await agent.reach("pwsh_run", tenants=[CONTOSO, FABRIKAM], command=LARGEST)
    largest = []
    for one in facts_of(run)["results"]:
        wanted = {
            "sort_by": "TotalItemSize desc",
            "first": 10,
            "select": ["DisplayName", "TotalItemSize"],
        }
        rows = await agent.call("pwsh_output", run_id=one["run_id"], **wanted)
        largest += [
            f"{one['tenant']}: {line}" for line in facts_of(rows)["output"].splitlines()[1:]
        ]
    answer = sorted(largest, key=size_of, reverse=True)[:10]
    agent.say("Agent", "These are the ten largest:\n\n" + "\n".join(f"* {line}" for line in answer))
    assert answer == await asyncio.to_thread(truth, server)


async def somebody_leaves(server: Server, agent: Agent) -> None:
    """Make a mailbox shared and hide it, after a look at what would happen; find out what else
    there is to do.
    """
    values = {"tenant": CONTOSO, "parameters": {"User": LEAVER}}
    agent.say(
        "Person",
        f"{LEAVER} leaves today: make the mailbox shared, hide it, and see to it that nobody"
        " signs in.",
    )
    await agent.reach("pwsh_find", tenant=CONTOSO, words="Set-Mailbox", limit=1)
    await agent.reach("pwsh_run", command=LOOK, **values)
    preview = await agent.reach("pwsh_run", command=f"{LEAVE} -WhatIf", **values)
    agent.say("Agent", "That would be done. Shall I?")
    agent.say("Person", "Yes.")
    assert "What if" in text_of(preview)
    await agent.reach("pwsh_run", command=LEAVE, **values)
    done = await agent.reach("pwsh_run", command=LOOK, **values)
    assert "SharedMailbox | True" in text_of(done)
    block = "param($User) Update-MgUser -UserId $User -AccountEnabled:$false"
    refused = await agent.reach("pwsh_run", command=block, **values)
    assert facts_of(refused)["advice"] == "ask_person"
    agent.say(
        "Agent",
        "The mailbox is shared and hidden. The account still can sign in:"
        f" {facts_of(refused)['errors'][0]['suggestion']}",
    )
    server.run(RETURN.format(LEAVER))


async def why_a_sign_in_fails(server: Server, agent: Agent) -> None:
    """Find out why somebody cannot sign in."""
    agent.say("Person", f"I cannot get into Teams of {CONTOSO}. Why?")
    await agent.call("pwsh_status", tenant=CONTOSO, module="teams")
    refused = await agent.reach("pwsh_run", tenant=CONTOSO, module="teams", command="Get-CsTenant")
    assert refused.is_error
    reason = facts_of(refused)["session"]["reason"]
    agent.say("Agent", f"{reason}\n\nI have not tried again: it would fail in the same way.")
    assert "AADSTS53003" in reason


TASKS = (
    ("The ten largest mailboxes of two tenants", the_largest_mailboxes, "admin"),
    ("Somebody leaves", somebody_leaves, "admin"),
    ("Why a sign-in fails", why_a_sign_in_fails, "blocked"),
)


async def play(server: Server) -> str:
    """Let the agent do every task; return the page."""
    page = HEAD
    for title, task, person in TASKS:
        async with connected(server) as client:
            agent = Agent(client, signing_in_as(server, person))
            await task(server, agent)
        page += f"\n## {title}\n\n" + "\n".join(agent.story)
    return folded(stable(page))


async def test_an_agent_that_sees_only_answers_does_three_tasks_as_the_page_shows(
    server: Server,
) -> None:
    gone = [
        (tenant, module) for tenant in (CONTOSO, FABRIKAM) for module in ("exo", "graph", "teams")
    ]
    for tenant, module in gone:
        server.post("/disconnect", tenant=tenant, module=module)
    page = await play(server)
    for module in ("graph", "teams"):
        server.post("/disconnect", tenant=CONTOSO, module=module)
    if os.environ.get("PWSH_KERNELS_WRITE_TRANSCRIPTS"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page
