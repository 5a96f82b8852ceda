"""An agent that knows the names of the tools and what a person wants: how to get there it reads in what the tools answer."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from mcp import Client
from mcp_types import CallToolResult
from test_mcp_tools import Json, text_of

STEP = re.compile(r"[Cc]all (pwsh_\w+)(?: with (.*?))?(?=[.,;](?:\s|$)|\s(?:to|for|again)\b|$)", re.MULTILINE)
ARGUMENT = re.compile(r"\b(tenant|module|run_id|cursor) ([\w.@:-]+\w)")
SIGN_IN = re.compile(r"open (\S+) and enter the code (\S+).*?pwsh_wait with tenant (\S+)", re.DOTALL)
MOST_STEPS = 12
"""Steps for one wish: more would be going round in circles."""
Approve = Callable[[str, str, str], Awaitable[None]]
"""The person at the sign-in page: takes its address, the code, and the tenant that it is for."""


def next_call(text: str) -> tuple[str, Json] | None:
    """Return the tool and the arguments that an answer says to call next."""
    found = STEP.search(text)
    if found is None:
        return None
    arguments: Json = dict(ARGUMENT.findall(found[2] or ""))
    return found[1], {name: int(one) if name == "cursor" else one for name, one in arguments.items()}


class Agent:
    """Works for a person, and writes down every call, every answer, and what was said between the two."""

    def __init__(self, client: Client, approve: Approve) -> None:
        """`approve` is what the person does when the agent shows them a code."""
        self._client = client
        self._approve = approve
        self.story: list[str] = []
        self._shown: set[str] = set()

    def say(self, who: str, text: str) -> None:
        """Write down what the agent or the person says."""
        self.story.append(f"**{who}:** {text}\n")

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool once."""
        result = await self._client.call_tool(tool, arguments)
        shown = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        self.story.append(f"`{tool}({shown})`\n\n```text\n{text_of(result)}\n```\n")
        return result

    async def reach(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool, and do as its answers say until it has done what was wanted, or an answer says to leave it."""
        result = await self.call(tool, **arguments)
        for _ in range(MOST_STEPS):
            step = await self._on_the_way(result)
            if step is None:
                return result
            reached = await self.call(step[0], **step[1])
            while (wait := next_call(text_of(reached))) and wait[0] == "pwsh_wait":
                await self._show_code(text_of(reached))
                reached = await self.call(wait[0], **wait[1])
            if "do not retry" in text_of(reached).lower():
                return reached
            result = await self.call(tool, **arguments)
        raise AssertionError(f"{tool} was not reached in {MOST_STEPS} steps: {chr(10).join(self.story)}")

    async def _on_the_way(self, result: CallToolResult) -> tuple[str, Json] | None:
        """Return the call that has to come before the one that gave this result can do its work."""
        text = text_of(result)
        step = next_call(text)
        if step is None or "do not retry" in text.lower() or step[0] not in ("pwsh_login", "pwsh_wait"):
            return None
        await self._show_code(text)
        return step

    async def _show_code(self, text: str) -> None:
        code = SIGN_IN.search(text)
        if code and code[2] not in self._shown:
            self._shown.add(code[2])
            self.say("Agent", f"Please open {code[1]}, enter the code {code[2]} and sign in to {code[3]}.")
            await self._approve(code[1], code[2], code[3])
            self.say("Person", "I have.")
