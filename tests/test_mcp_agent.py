"""An agent that sees nothing but the tools' answers does three real tasks; docs/transcripts.md is what it wrote down.

`PWSH_KERNELS_WRITE_TRANSCRIPTS=1` writes that file; without it, it is compared.
"""

import asyncio
import json
import os
import re
from pathlib import Path

from agent_fixtures import Agent, Approve
from server_fixtures import CONTOSO, FABRIKAM, Server
from test_mcp_tools import connected, facts_of

PAGE = Path(__file__).parent.parent / "docs" / "transcripts.md"
HEAD = """\
# Transcripts

What an agent and the tools say to each other in three tasks on the sandbox. The agent is a program (tests/agent_fixtures.py)
that knows the tools' names and what the person wants; every next step that it takes is one that an answer names. A test
plays the tasks and compares this page with what happened; times, ids, codes and addresses are put in place of those of the run.
"""
CHANGING = [
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://127.0.0.1:5100"),
    (re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z"), "2026-01-15T09:30:00Z"),
    (re.compile(r"\br-[0-9a-f]{16}"), "r-5e1f0c7a9b2d4836"),
    (re.compile(r"after \d+\.\d s"), "after 0.4 s"),
]
CODE = re.compile(r"enter the code ([A-Z0-9]+)")
LARGEST = "Get-Mailbox -ResultSize Unlimited | Get-MailboxStatistics"


def stable(text: str) -> str:
    """Return a transcript without what differs from one run to the next."""
    for code in set(CODE.findall(text)):
        text = text.replace(code, "ABCD12345")
    for pattern, shown in CHANGING:
        text = pattern.sub(shown, text)
    return text


def chapter(title: str, agent: Agent) -> str:
    """Return one task as Markdown."""
    return f"## {title}\n\n" + "\n".join(agent.story)


async def the_largest_mailboxes(server: Server) -> str:
    """Find the ten largest mailboxes of two tenants, both signed out."""
    async with connected(server) as client:
        agent = Agent(client, signing_in_as(server, "admin"))
        agent.say("Person", f"Which are the ten largest mailboxes of {CONTOSO} and {FABRIKAM} together?")
        found = await agent.reach("pwsh_find", tenant=CONTOSO, words="mailbox statistics size")
        assert "Get-MailboxStatistics" in [one["name"] for one in facts_of(found)["commands"]]
        run = await agent.call("pwsh_run", tenants=[CONTOSO, FABRIKAM], command=LARGEST)
        await agent.reach("pwsh_run", tenant=FABRIKAM, command="(Get-AcceptedDomain).Count")
        run = await agent.call("pwsh_run", tenants=[CONTOSO, FABRIKAM], command=LARGEST)
        largest: list[tuple[int, str]] = []
        for one in facts_of(run)["results"]:
            rows = await agent.call(
                "pwsh_output",
                run_id=one["run_id"],
                sort_by="TotalItemSize desc",
                first=10,
                select=["DisplayName", "TotalItemSize"],
            )
            largest += [(size_of(line), f"{one['tenant']}: {line}") for line in rows_of(facts_of(rows)["output"])]
        answer = [line for _, line in sorted(largest, reverse=True)[:10]]
        agent.say("Agent", "These are the ten largest:\n\n" + "\n".join(f"* {line}" for line in answer))
    assert answer == await asyncio.to_thread(truth, server)
    return chapter("The ten largest mailboxes of two tenants", agent)


def signing_in_as(server: Server, name: str) -> Approve:
    """Return a person who signs in as `name` of the tenant, on the page that they were told."""

    async def approve(address: str, code: str, tenant: str) -> None:
        assert address == f"{server.url}/sandbox/devicelogin"
        await asyncio.to_thread(server.approve, code, f"{name}@{tenant}")

    return approve


def rows_of(table: str) -> list[str]:
    """Return the rows of a table without its heading."""
    return table.splitlines()[1:]


def size_of(line: str) -> int:
    """Return the bytes that a size of Exchange names."""
    return int(re.findall(r"\(([\d,]+) bytes\)", line)[0].replace(",", ""))


def truth(server: Server) -> list[str]:
    """Return the ten largest mailboxes as a script that knows the sandbox finds them."""
    found = []
    for tenant in (CONTOSO, FABRIKAM):
        rows = json.loads(server.run(f"{LARGEST} | Select-Object DisplayName, TotalItemSize", tenant)["result"])
        found += [f"{tenant}: {row['DisplayName']} | {row['TotalItemSize']}" for row in rows]
    return sorted(found, key=size_of, reverse=True)[:10]


async def why_a_sign_in_fails(server: Server) -> str:
    """Find out why somebody cannot sign in."""
    async with connected(server) as client:
        agent = Agent(client, signing_in_as(server, "blocked"))
        agent.say("Person", f"I cannot get into Teams of {CONTOSO}. Why?")
        status = await agent.call("pwsh_status", tenant=CONTOSO, module="teams")
        assert facts_of(status)["state"] in ("none", "closed")
        refused = await agent.reach("pwsh_run", tenant=CONTOSO, module="teams", command="Get-CsTenant")
        assert refused.is_error
        reason = facts_of(refused)["session"]["reason"]
        agent.say("Agent", f"This is why: {reason}\n\nI have not tried again; it would fail in the same way.")
    assert "AADSTS53003" in reason
    server.post("/disconnect", tenant=CONTOSO, module="teams")
    return chapter("Why a sign-in fails", agent)


async def test_an_agent_that_sees_only_answers_does_three_tasks_as_the_page_shows(server: Server) -> None:
    for tenant in (CONTOSO, FABRIKAM):
        server.post("/disconnect", tenant=tenant)
    chapters = [await task(server) for task in (the_largest_mailboxes, why_a_sign_in_fails)]
    page = stable("\n".join([HEAD, *chapters]))
    if os.environ.get("PWSH_KERNELS_WRITE_TRANSCRIPTS"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page
