"""The TypeScript SDKs of both protocol eras, by which most MCP clients are built: a whole story
through each door.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from node_packages import NODE, package_folder, pinned_version

from pwsh_kernels.mcp.tools import TOOL_NAMES
from tests.fixtures.server import ADMIN, CONTOSO, Server

STORY = Path(__file__).with_name("story.mjs")
SCRIPT = Path(__file__).parent.parent / "mcp_server.py"
STORY_WAIT = 120.0
"""Seconds for the whole story: 15 were measured."""

LINES = "".join(f"line {number}\n" for number in range(1, 6001))
ABORTED = '"aborted"; Start-Sleep 300'
SDKS = {"legacy": "@modelcontextprotocol/sdk", "modern": "@modelcontextprotocol/client"}
Prove = Callable[[str], None]


async def told(server: Server, era: str, door: str) -> dict[str, Any]:
    """Let a client tell its story, type the code when it shows one, and return what each
    step told.
    """
    folder = package_folder(SDKS[era]).parents[2]
    process = await asyncio.create_subprocess_exec(
        *(str(NODE), str(STORY), str(folder), era, door, CONTOSO),
        env={
            **os.environ,
            **server.environment,
            "PWSH_MANAGER_TOKEN": server.token,
            "STORY_PYTHON": sys.executable,
            "STORY_SCRIPT": str(SCRIPT),
        },
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    assert process.stdout
    steps: dict[str, Any] = {}
    try:
        async with asyncio.timeout(STORY_WAIT):
            async for line in process.stdout:
                step = json.loads(line)
                steps[step.pop("step")] = step
                if code := step.get("code"):
                    assert "signed in" in (await asyncio.to_thread(server.approve, code)).lower()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return steps


@pytest.mark.parametrize(
    ("era", "door"),
    [
        pytest.param(
            era,
            door,
            marks=pytest.mark.proof(SDKS[era], pinned_version(SDKS[era]), f"product, {door}"),
        )
        for era in SDKS
        for door in ("http", "stdio")
    ],
)
async def test_a_client_signs_in_runs_pages_cancels_and_disconnects(
    server: Server, prove: Prove, era: str, door: str
) -> None:
    server.post("/disconnect", tenant=CONTOSO)
    steps = await told(server, era, door)
    assert steps["tools"] == {"tools": list(TOOL_NAMES), "era": era}
    assert steps["code"]["state"] == "signing_in"
    assert steps["signed_in"] == {"state": "signed_in", "account": ADMIN}
    assert (steps["paged"]["truncated"], steps["paged"]["total"]) == (True, len(LINES))
    assert steps["paged"]["text"] == LINES
    assert steps["paged"]["pages"] > 1
    assert steps["progress"]["told"] >= 2
    assert steps["progress"]["output"] == "counted\n"
    assert steps["cancelled"] == {"before": "running", "after": "cancelled", "output": "begun"}
    assert steps["aborted"] == {
        "refused": True,
        "wentOn": (era, door) == ("modern", "http"),
        "next": "free\n",
    }
    assert steps["disconnected"] == {"session": f"{CONTOSO}:exo", "state": "none"}
    last = server.get("/runs", tenant=CONTOSO, limit=3)[
        "runs"
    ]  # the sign-out, "free", the aborted one
    assert (last[2]["command"], last[2]["state"]) == (ABORTED, "cancelled")
    prove("sign-in, run, page, progress, cancel, abort, disconnect")
