"""Fixed content that the conformance suites ask a server for: texts, a picture, a sound, resources,
prompts.
"""

import base64
import io
import json
import struct
import wave
import zlib
from typing import Any

import mcp_types as types
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import UserMessage

WATCHED = "test://watched-resource"


def picture() -> bytes:
    """Return a PNG of one red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\x00\xff\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


def sound() -> bytes:
    """Return a WAV of one silent sample."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(8000)
        written.writeframes(b"\x00\x00")
    return file.getvalue()


def text(words: str) -> types.TextContent:
    """Return a text block."""
    return types.TextContent(type="text", text=words)


def image_block() -> types.ImageContent:
    """Return the picture as a block."""
    return types.ImageContent(
        type="image", data=base64.b64encode(picture()).decode(), mime_type="image/png"
    )


def embedded(uri: str, mime_type: str, words: str) -> types.EmbeddedResource:
    """Return a resource inside a message."""
    contents = types.TextResourceContents(uri=uri, mime_type=mime_type, text=words)
    return types.EmbeddedResource(type="resource", resource=contents)


def add_content_tools(server: MCPServer[Any]) -> None:
    """Add a tool for each kind of content."""

    @server.tool(description="Return a text", structured_output=False)
    async def test_simple_text() -> types.TextContent:
        return text("This is a simple text response for testing.")

    @server.tool(description="Return a picture", structured_output=False)
    async def test_image_content() -> types.ImageContent:
        return image_block()

    @server.tool(description="Return a sound", structured_output=False)
    async def test_audio_content() -> types.AudioContent:
        return types.AudioContent(
            type="audio", data=base64.b64encode(sound()).decode(), mime_type="audio/wav"
        )

    @server.tool(description="Return a resource", structured_output=False)
    async def test_embedded_resource() -> types.EmbeddedResource:
        return embedded(
            "test://embedded-resource", "text/plain", "This is an embedded resource content."
        )

    @server.tool(description="Return several kinds of content", structured_output=False)
    async def test_multiple_content_types() -> list[types.ContentBlock]:
        resource = embedded(
            "test://mixed-content-resource",
            "application/json",
            json.dumps({"test": "data", "value": 123}),
        )
        return [text("Multiple content types test:"), image_block(), resource]

    @server.tool(description="Fail")
    async def test_error_handling() -> str:
        raise ToolError("This tool intentionally returns an error for testing")


def add_resources(server: MCPServer[Any]) -> None:
    """Add resources of each kind, and a template."""

    @server.resource("test://static-text", description="A text", mime_type="text/plain")
    async def static_text() -> str:
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", description="A picture", mime_type="image/png")
    async def static_binary() -> bytes:
        return picture()

    @server.resource(WATCHED, description="A text that can be watched", mime_type="text/plain")
    async def watched() -> str:
        return "Watched resource content"

    @server.resource(
        "test://template/{name}/data", description="Data of a name", mime_type="application/json"
    )
    async def template(name: str) -> str:
        return json.dumps({"id": name, "templateTest": True, "data": f"Data for ID: {name}"})


def add_prompts(server: MCPServer[Any]) -> None:
    """Add prompts with and without arguments, a resource, a picture."""

    @server.prompt(description="A text")
    async def test_simple_prompt() -> str:
        return "This is a simple prompt for testing."

    @server.prompt(description="A text with two arguments")
    async def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt(description="A resource and a text")
    async def test_prompt_with_embedded_resource(
        resourceUri: str,  # noqa: N803 - the suite's name
    ) -> list[UserMessage]:
        resource = embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
        return [UserMessage(resource), UserMessage("Please process the embedded resource above.")]

    @server.prompt(description="A picture and a text")
    async def test_prompt_with_image() -> list[UserMessage]:
        return [UserMessage(image_block()), UserMessage("Please analyze the image above.")]


def add_completion(server: MCPServer[Any]) -> None:
    """Complete every argument with the same few words."""

    async def complete(
        _ref: types.PromptReference | types.ResourceTemplateReference,
        argument: types.CompletionArgument,
        _context: types.CompletionContext | None,
    ) -> types.Completion:
        found = [one for one in ("paris", "park", "party") if one.startswith(argument.value)]
        return types.Completion(values=found, total=len(found), has_more=False)

    register: Any = server.completion
    register()(complete)
