"""A server with what the MCP conformance suites ask for, behind our own door: `python
fixture_server.py` prints its port.
"""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import mcp_types as types
from fixture_content import add_completion, add_content_tools, add_prompts, add_resources, text
from fixture_questions import (
    Ctx,
    add_asking_prompt,
    add_legacy_questions,
    add_single_questions,
    add_stateful_questions,
)
from mcp.server import MCPServer
from mcp.server.mcpserver.tools.base import Tool
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from pydantic import Field
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from pwsh_kernels.mcp.http import HttpApp
from pwsh_kernels.mcp.sdk_compat import low_level_server
from pwsh_kernels.web.guard import Guard
from pwsh_kernels.web.mcp.door import McpDoor, mcp_rules

TOKEN_VARIABLE = "FIXTURE_TOKEN"
LOOPBACK = "127.0.0.1"
STEP = 0.05
"""Seconds between two messages of one call, as the suite asks for."""

RETRY_MS = 100
"""Milliseconds after which a client asks again for a stream that was closed."""

RECONNECT_WAIT = 0.2
SCHEMA_TOOL = "json_schema_2020_12_tool"
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


class KeptEvents(EventStore):
    """Every event of every stream, so that a client can go on where its connection broke."""

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self._events: list[tuple[str, types.JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: types.JSONRPCMessage | None) -> str:
        """Keep an event; its id is its place."""
        self._events.append((stream_id, message))
        return str(len(self._events) - 1)

    async def replay_events_after(
        self, last_event_id: str, send_callback: EventCallback
    ) -> str | None:
        """Send again what followed on the stream of an event."""
        if not last_event_id.isdigit() or int(last_event_id) >= len(self._events):
            return None
        stream = self._events[int(last_event_id)][0]
        for place in range(int(last_event_id) + 1, len(self._events)):
            where, message = self._events[place]
            if where == stream and message is not None:
                await send_callback(EventMessage(message, str(place)))
        return stream


def add_telling_tools(server: MCPServer[Any]) -> None:
    """Add the tools that tell something while they work."""

    @server.tool(description="Log three messages")
    async def test_tool_with_logging(ctx: Ctx) -> str:
        await in_steps(
            ctx.info, "Tool execution started", "Tool processing data", "Tool execution completed"
        )
        return "Logged"

    @server.tool(description="Log a message")
    async def test_logging_tool(ctx: Ctx) -> str:
        await ctx.info("Tool execution started")
        return "Logged"

    @server.tool(description="Tell of progress")
    async def test_tool_with_progress(ctx: Ctx) -> str:
        await in_steps(lambda done: ctx.report_progress(done, 100), 0, 50, 100)
        return "Progress was told"

    @server.tool(description="Close the stream during the call")
    async def test_reconnection(ctx: Ctx) -> str:
        await ctx.close_sse_stream()
        await asyncio.sleep(RECONNECT_WAIT)
        return "The client has come back"


async def in_steps(tell: Callable[[Any], Awaitable[None]], *messages: Any) -> None:
    """Tell messages with a pause between two."""
    for place, message in enumerate(messages):
        if place:
            await asyncio.sleep(STEP)
        await tell(message)


def add_changing_tools(server: MCPServer[Any]) -> None:
    """Add the tools that change the lists of tools and prompts."""

    @server.tool(description="Change the list of tools")
    async def test_trigger_tool_change(ctx: Ctx) -> str:
        await ctx.notify_tools_changed()
        return "Told"

    @server.tool(description="Change the list of prompts")
    async def test_trigger_prompt_change(ctx: Ctx) -> str:
        await ctx.notify_prompts_changed()
        return "Told"


def add_schema_tools(server: MCPServer[Any]) -> None:
    """Add the tools of a rich schema and of a parameter that travels as a header."""

    @server.tool(structured_output=False, description="Take a parameter that is also a header")
    async def test_custom_headers(
        region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})],
    ) -> types.TextContent:
        return text(region)


def schema_tool() -> Tool:
    """Return the tool whose schema uses JSON Schema 2020-12."""

    async def nothing() -> str:
        return "ok"

    tool = Tool.from_function(
        nothing, name=SCHEMA_TOOL, description="Tool with JSON Schema 2020-12 features"
    )
    tool.parameters = SCHEMA
    return tool


def add_legacy_requests(server: MCPServer[Any]) -> None:
    """Answer the requests of the legacy era for which MCPServer has no decorator."""

    async def done(_ctx: Any, _params: Any) -> types.EmptyResult:
        return types.EmptyResult()

    requests = low_level_server(server)
    requests.add_request_handler("logging/setLevel", types.SetLevelRequestParams, done)
    requests.add_request_handler("resources/subscribe", types.SubscribeRequestParams, done)
    requests.add_request_handler("resources/unsubscribe", types.UnsubscribeRequestParams, done)


PARTS = (
    add_content_tools,
    add_resources,
    add_prompts,
    add_completion,
    add_legacy_questions,
    add_single_questions,
    add_stateful_questions,
    add_asking_prompt,
    add_telling_tools,
    add_changing_tools,
    add_schema_tools,
    add_legacy_requests,
)


def build() -> MCPServer[Any]:
    """Return the whole server."""
    server: MCPServer[Any] = MCPServer(
        "conformance-fixture", version="1.0.0", tools=[schema_tool()]
    )
    for add in PARTS:
        add(server)
    return server


async def load() -> HttpApp:
    """Return the server as our door wants it."""
    return HttpApp(build(), (), event_store=KeptEvents(), retry_interval=RETRY_MS)


async def serve(token: str) -> None:
    """Serve until stdin closes, so that a dead test leaves nothing behind."""
    door = McpDoor(Guard(token), load)
    [socket] = bind_sockets(0, LOOPBACK)
    web = HTTPServer(Application(list(mcp_rules(door, "/"))))
    web.add_sockets([socket])
    sys.stdout.write(json.dumps({"port": socket.getsockname()[1]}) + "\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    web.stop()
    await door.close()
    await web.close_all_connections()


if __name__ == "__main__":
    asyncio.run(serve(os.environ[TOKEN_VARIABLE]))
