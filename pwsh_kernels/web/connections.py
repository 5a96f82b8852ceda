"""Limits for the number of connections and for the time that a request takes to arrive: neither
needs a token.
"""

from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream, StreamClosedError

TOO_MANY_CONNECTIONS = "too_many_connections"
REFUSAL = (
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
    "Connection: close\r\nRetry-After: 1\r\n\r\n"
    f'{{"success": false, "code": "{TOO_MANY_CONNECTIONS}", "error": "The server has as many'
    " connections as PWSH_MANAGER_CONNECTIONS allows. Close some, or try again"
    ' in a moment."}\n'
).encode()


def bound_connections(server: HTTPServer, most: int, arrival_s: float) -> None:
    """Let a server refuse connections beyond `most`, and drop one whose request's head, or body,
    does not arrive within `arrival_s`.
    """
    server.conn_params.header_timeout = server.conn_params.body_timeout = arrival_s
    server.handle_stream = Door(server, most).handle_stream  # type: ignore[method-assign]


class Door:
    """Counts the open connections of a server."""

    def __init__(self, server: HTTPServer, most: int) -> None:
        self._let_in = server.handle_stream
        self._most = most
        self._open: list[IOStream] = []

    def handle_stream(self, stream: IOStream, address: Any) -> None:
        """Accept a connection, or say that there is no room."""
        if len(self._open) >= self._most:
            self._open = [one for one in self._open if not one.closed()]
        if len(self._open) >= self._most:
            refuse(stream)
            return
        self._open.append(stream)
        self._let_in(stream, address)


def refuse(stream: IOStream) -> None:
    """Send the refusal and close."""
    try:
        stream.write(REFUSAL).add_done_callback(lambda _: stream.close())
    except StreamClosedError:
        stream.close()
