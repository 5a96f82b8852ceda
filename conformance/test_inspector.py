"""The MCP Inspector's command line, with which people look at servers: it lists and calls every
tool through both doors.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from node_packages import node_command, pinned_version
from tool_calls import ASKS, CALLS, arguments

from pwsh_kernels.mcp.tools import TOOL_NAMES
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

PACKAGE = "@modelcontextprotocol/inspector"
PROGRAM = "clients/launcher/build/index.js"
SCRIPT = Path(__file__).parent.parent / "mcp_server.py"
ANSWER_WAIT = 60.0
"""Seconds for one command: 1.5 were measured."""

Json = dict[str, Any]
Prove = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Inspector:
    """The Inspector with a configuration file of its own: no token is in a command line."""

    folder: Path
    door: str
    era: str

    @classmethod
    def of(cls, server: Server, folder: Path, door: str, era: str) -> "Inspector":
        """Write the configuration for a server."""
        headers = {"Authorization": f"Bearer {server.token}"}
        doors = {
            "http": {"type": "http", "url": f"{server.url}/mcp", "headers": headers},
            "stdio": {"command": sys.executable, "args": [str(SCRIPT)], "env": server.environment},
        }
        (folder / "mcp.json").write_text(json.dumps({"mcpServers": doors}), encoding="utf-8")
        return cls(folder, door, era)

    async def ask(self, method: str, *options: str) -> Json:
        """Return the result of a request; fail when the Inspector does."""
        where = [
            "--config",
            str(self.folder / "mcp.json"),
            "--server",
            self.door,
            "--protocol-era",
            self.era,
        ]
        process = await asyncio.create_subprocess_exec(
            *node_command(PACKAGE, PROGRAM),
            *("--cli", *where, "--method", method, "--format", "json", *options),
            env={**os.environ, "HOME": str(self.folder), "MCP_INSPECTOR_SECRET_STORE": "memory"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            said, wrong = await asyncio.wait_for(process.communicate(), ANSWER_WAIT)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, (
            method,
            options,
            process.returncode,
            said.decode(),
            wrong.decode(),
        )
        answer: Json = json.loads(said)["result"]
        return answer

    async def call(self, tool: str, given: Json) -> Json:
        """Return what a tool answers."""
        options = ("--tool-name", tool, "--tool-args-json", json.dumps(given))
        return await self.ask("tools/call", *options)

    def asking_run(self) -> str:
        """Start a command that asks; return its id."""
        run_id: str = asyncio.run(self.call("pwsh_run", ASKS))["structuredContent"]["run_id"]
        return run_id


@pytest.mark.parametrize(
    ("door", "era"),
    [
        pytest.param(
            door,
            era,
            marks=pytest.mark.proof(PACKAGE, pinned_version(PACKAGE), f"product, {door}, {era}"),
        )
        for door, era in (("http", "modern"), ("stdio", "legacy"))
    ],
)
async def test_the_inspector_lists_and_calls_every_tool(
    server: Server, tmp_path: Path, prove: Prove, door: str, era: str
) -> None:
    inspector = Inspector.of(server, tmp_path, door, era)
    listed = [tool["name"] for tool in (await inspector.ask("tools/list", "--strict"))["tools"]]
    assert listed == list(TOOL_NAMES)
    assert set(listed) <= CALLS.keys(), "a tool without a call: conformance/tool_calls.py"
    for tenant in (CONTOSO, FABRIKAM):
        assert (await asyncio.to_thread(server.sign_in, tenant))["state"] == "signed_in"
    for tool in listed:
        given = await asyncio.to_thread(arguments, tool, server, inspector.asking_run)
        answer = await inspector.call(tool, given)
        assert not answer.get("isError"), answer
        assert answer["structuredContent"], answer
    for kind in ("resources", "prompts"):
        assert isinstance((await inspector.ask(f"{kind}/list"))[kind], list)
    prove(f"{len(listed)} tools listed, {len(listed)} called; schemas portable")
