"""A notebook as front ends are one: a WebSocket to a kernel of a Jupyter server, cells, answers to
prompts.
"""

import asyncio
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

WAIT_S = 40.0
Message = dict[str, Any]


@dataclass
class Cell:
    """What came back for one execute request."""

    messages: list[Message] = field(default_factory=list)

    def of_kind(self, kind: str) -> list[Message]:
        """Return the contents of the messages of one kind, in order."""
        return [one["content"] for one in self.messages if one["msg_type"] == kind]

    @property
    def text(self) -> str:
        """What it shows of its output, as text."""
        return "".join(_text(one) for one in self.messages)

    @property
    def ended(self) -> bool:
        """Whether the reply and the end of the output have come."""
        idle = any(one["execution_state"] == "idle" for one in self.of_kind("status"))
        return idle and bool(self.of_kind("execute_reply"))


def _text(message: Message) -> str:
    content = message["content"]
    if message["msg_type"] == "stream":
        return str(content["text"]) if content["name"] == "stdout" else ""
    return (
        str(content["data"].get("text/plain", "")) if message["msg_type"] == "display_data" else ""
    )


class Notebook:
    """`async with Notebook(url, token, kernel_id) as notebook: cell = await notebook.run("1")`."""

    def __init__(self, url: str, token: str, kernel_id: str) -> None:
        self.session = uuid.uuid4().hex
        self._address = f"{url.replace('http', 'ws', 1)}/api/kernels/{kernel_id}/channels?session_id={self.session}"  # noqa: E501
        self._token = token
        self.cells: dict[str, Cell] = {}

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"token {self._token}"}
        request = HTTPRequest(self._address, headers=headers, connect_timeout=WAIT_S)
        self.socket: WebSocketClientConnection = await websocket_connect(request)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    async def send(self, kind: str, content: Message, channel: str = "shell") -> str:
        """Send a message and return its id."""
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": kind,
            "username": "ada",
            "session": self.session,
            "version": "5.3",
        }
        message = {
            "header": header,
            "parent_header": {},
            "metadata": {},
            "content": content,
            "channel": channel,
        }
        self.cells[header["msg_id"]] = Cell()
        await self.socket.write_message(json.dumps({**message, "buffers": []}))
        return header["msg_id"]

    async def execute(self, code: str) -> str:
        """Send a cell and return its id; it may ask questions."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": True,
        }
        return await self.send("execute_request", {**content, "stop_on_error": True})

    async def run(self, code: str) -> Cell:
        """Run a cell to its end."""
        return await self.until(await self.execute(code), lambda cell: cell.ended)

    async def until(self, cell_id: str, condition: Callable[[Cell], bool]) -> Cell:
        """Read until the condition holds for a cell."""
        cell = self.cells[cell_id]
        async with asyncio.timeout(WAIT_S):
            while not condition(cell):
                raw = await self.socket.read_message()
                assert raw is not None, "the WebSocket was closed"
                message = json.loads(raw)
                owner = self.cells.get(message["parent_header"].get("msg_id", ""))
                if owner:
                    owner.messages.append(message)
        return cell
