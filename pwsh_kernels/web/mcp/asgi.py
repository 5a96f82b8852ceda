"""An ASGI application behind a Tornado handler: streams answers, and notices when a client has
gone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import unquote

from tornado.httputil import HTTPServerRequest
from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

Message = MutableMapping[str, Any]
AsgiApp = Callable[
    [dict[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]
HOP = "connection"
"""A header that applies to one connection only: Tornado writes its own."""


class ClientGone(OSError):
    """The client closed its connection; ASGI wants an OSError (specification 2.4)."""


def scope_of(request: HTTPServerRequest, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ASGI scope of a request; `extra` is what the server adds to it. Pure."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": request.version.partition("/")[2],
        "method": request.method,
        "scheme": request.protocol,
        "path": unquote(request.path),
        "raw_path": request.path.encode(),
        "query_string": request.query.encode(),
        "root_path": "",
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in request.headers.get_all()
        ],
        "client": (request.remote_ip, 0),
        "server": None,
        "state": {},
        **extra,
    }


class Exchange:
    """One request and its answer, as an ASGI application expects them."""

    def __init__(self, handler: RequestHandler, gone: asyncio.Event) -> None:
        """`gone` is set when the client has closed its connection."""
        self._handler = handler
        self._gone = gone
        self._bodies = [handler.request.body]

    async def receive(self) -> Message:
        """Return the body once, then wait for the client to go."""
        if self._bodies:
            return {"type": "http.request", "body": self._bodies.pop(), "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Write the head or a piece of the answer. Raises ClientGone."""
        if message["type"] == "http.response.start":
            self._begin(message)
            return
        if message.get("body"):
            self._handler.write(message["body"])
        if message.get("more_body"):
            await self._flush()

    def _begin(self, message: Message) -> None:
        self._handler.set_status(message["status"])
        self._handler.clear_header("Content-Type")
        for name, value in message.get("headers", ()):
            if name.decode("latin-1").lower() != HOP:
                self._handler.add_header(name.decode("latin-1"), value.decode("latin-1"))

    async def _flush(self) -> None:
        try:
            await self._handler.flush()
        except StreamClosedError:
            self._gone.set()
            raise ClientGone("the client has gone") from None


async def serve(
    app: AsgiApp, handler: RequestHandler, gone: asyncio.Event, extra: Mapping[str, Any]
) -> None:
    """Let an application answer the handler's request. A client that goes away is not an error."""
    exchange = Exchange(handler, gone)
    try:
        await app(scope_of(handler.request, extra), exchange.receive, exchange.send)
    except OSError:
        if not gone.is_set():
            raise
