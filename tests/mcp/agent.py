"""An agent that knows the names of the tools and what a person wants: how to get there it reads in
what the tools answer.
"""

import re
import textwrap
from collections.abc import Awaitable, Callable
from typing import Any

from mcp import Client
from mcp_types import CallToolResult

from tests.mcp.client import Json, text_of

STEP = re.compile(
    r"[Cc]all (pwsh_\w+)(?: with (.*?))?(?=[.,;](?:\s|$)|\s(?:to|for|again)\b|$)", re.MULTILINE
)
ARGUMENT = re.compile(r"\b(tenant|module|run_id|cursor) ([\w.@:-]+\w)")
SIGN_IN = re.compile(
    r"open (\S+) and enter the code (\S+).*?pwsh_wait with tenant (\S+)", re.DOTALL
)
OTHER_MODULE = re.compile(r"belongs to module (\w+) ")
FIRST = ("pwsh_login", "pwsh_wait")
"""Tools that prepare another's work."""
MOST_STEPS = 12
"""Steps for one wish: more would be going round in circles."""
SHOWN_LINES = 16
"""Lines of one answer that are written down."""
WIDTH = 100
"""Characters of a line of the page."""
CHANGING = [
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://127.0.0.1:5100"),
    (re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z"), "2026-01-15T09:30:00Z"),
    (re.compile(r"\d{4}-\d\d-\d\dT[0-9:]{8}(?![0-9.:Z])"), "2026-01-15T09:30:00"),
    (re.compile(r"\br-[0-9a-f]{16}"), "r-5e1f0c7a9b2d4836"),
    (
        re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        "7f6d1a52-0c3e-4b9a-8d21-5e4c9b7a1f00",
    ),
    (re.compile(r"after \d+\.\d s"), "after 0.4 s"),
    (re.compile(r"----- [0-9a-f]{8} "), "----- 7f3a9c1e "),
]
CODE = re.compile(r"enter the code ([A-Z0-9]+)")
Approve = Callable[[str, str, str], Awaitable[None]]
"""The person at the sign-in page: takes its address, the code, and the tenant that it is for."""


def stable(text: str) -> str:
    """Return a story without what differs from one run to the next."""
    for code in set(CODE.findall(text)):
        text = text.replace(code, "ABCD12345")
    for pattern, shown in CHANGING:
        text = pattern.sub(shown, text)
    return text


def folded(text: str) -> str:
    """Return a page whose long lines go on in the next one, by two spaces to the right."""
    fold = textwrap.TextWrapper(
        WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return "".join(
        line if len(line.rstrip("\n")) <= WIDTH else fold.fill(line) + "\n"
        for line in text.splitlines(keepends=True)
    )


def shortened(text: str) -> str:
    """Return the first and the last lines of a long answer."""
    lines = text.splitlines()
    if len(lines) <= SHOWN_LINES:
        return text
    half = SHOWN_LINES // 2
    return "\n".join(
        [*lines[:half], f"[{len(lines) - 2 * half} lines are not printed here]", *lines[-half:]]
    )


def next_call(text: str) -> tuple[str, Json] | None:
    """Return the tool and the arguments that an answer says to call next."""
    found = STEP.search(text)
    if found is None:
        return None
    arguments: Json = dict(ARGUMENT.findall(found[2] or ""))
    return found[1], {
        name: int(one) if name == "cursor" else one for name, one in arguments.items()
    }


class Agent:
    """Works for a person, and writes down every call, every answer, and what was said between the
    two.
    """

    def __init__(self, client: Client, approve: Approve) -> None:
        """`approve` is what the person does when the agent shows them a code."""
        self._client = client
        self._approve = approve
        self._codes: set[str] = set()
        self.story: list[str] = []

    def say(self, who: str, text: str) -> None:
        """Write down what the agent or the person says."""
        self.story.append(f"**{who}:** {text}\n")

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool once."""
        result = await self._client.call_tool(tool, arguments)
        given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        self.story.append(f"`{tool}({given})`\n\n```text\n{shortened(text_of(result))}\n```\n")
        return result

    async def reach(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool, and do as its answers say until it has done what was wanted, or an answer
        says to leave it.
        """
        result = await self.call(tool, **arguments)
        for _ in range(MOST_STEPS):
            if module := OTHER_MODULE.search(text_of(result)):
                arguments["module"] = module[1]
            elif refused := await self._prepare(result):
                return refused
            elif not self._is_on_the_way(result):
                return result
            result = await self.call(tool, **arguments)
        raise AssertionError(
            f"{tool} was not reached in {MOST_STEPS} steps:\n" + "\n".join(self.story)
        )

    def _is_on_the_way(self, result: CallToolResult) -> bool:
        step = next_call(text_of(result))
        return (
            step is not None and step[0] in FIRST and "do not retry" not in text_of(result).lower()
        )

    async def _prepare(self, result: CallToolResult) -> CallToolResult | None:
        """Do what an answer says has to come first.

        Return the answer that says to leave it, where one does.
        """
        while self._is_on_the_way(result):
            await self._show_code(text_of(result))
            tool, arguments = next_call(text_of(result)) or ("", {})
            result = await self.call(tool, **arguments)
            if "do not retry" in text_of(result).lower():
                return result
        return None

    async def _show_code(self, text: str) -> None:
        found = SIGN_IN.search(text)
        if found and found[2] not in self._codes:
            self._codes.add(found[2])
            self.say(
                "Agent",
                f"Please open {found[1]}, enter the code {found[2]} and sign in to {found[3]}.",
            )
            await self._approve(found[1], found[2], found[3])
            self.say("Person", "I have.")
