"""The channels of a session's kernel through the server: a Jupyter client over the WebSocket that
notebooks use, since a kernel does only what its server grants.
"""

import json
import queue
import threading
from collections.abc import Callable
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.jsonutil import json_default
from websocket import WebSocket, WebSocketException, create_connection

from pwsh_kernels.cli.console import CLIENT_NAME
from pwsh_kernels.client import CONNECT_TIMEOUT
from pwsh_kernels.discovery import ServerAddress

NAMES = ("shell", "iopub", "stdin", "control", "hb")
Message = dict[str, Any]


class Channel:
    """One channel of the WebSocket, as jupyter_console uses those of ZeroMQ."""

    def __init__(self, name: str, write: Callable[[str], object]) -> None:
        self._name = name
        self._write = write
        self._arrived: queue.Queue[Message] = queue.Queue()
        self.socket = self
        """Asked whether there is something, with `poll`."""

    def send(self, message: Message) -> None:
        """Send a message to the kernel."""
        self._write(json.dumps({**message, "channel": self._name}, default=json_default))

    def take(self, message: Message) -> None:
        """A message has arrived."""
        self._arrived.put(message)

    def get_msg(self, timeout: float | None = None) -> Message:
        """Wait for a message. Raises queue.Empty."""
        return self._arrived.get(timeout=timeout)

    def msg_ready(self) -> bool:
        """Return whether a message has arrived."""
        return not self._arrived.empty()

    def poll(self, timeout: int = 0) -> bool:  # noqa: ARG002 - as a socket of ZeroMQ
        """Return whether a message has arrived."""
        return self.msg_ready()

    def unpause(self) -> None:
        """A WebSocket that is open beats."""


class SessionClient(BlockingKernelClient):
    """A client of a session's kernel through its server."""

    def __init__(self, address: ServerAddress, kernel_id: str, **given: Any) -> None:
        """`given`: what jupyter_console passes to its client."""
        super().__init__(**given)
        self._server = address
        self._kernel_id = kernel_id
        self._open: WebSocket | None = None
        self._ours = {name: Channel(name, self._write) for name in NAMES}

    def start_channels(self, *_: object, **__: object) -> None:
        """Connect. Raises OSError, WebSocketException for a server that does not let us."""
        url = self._server.url.replace("http", "ws", 1)
        self._open = create_connection(
            f"{url}/api/kernels/{self._kernel_id}/channels?session_id={self.session.session}",
            timeout=CONNECT_TIMEOUT,
            header={"Authorization": f"token {self._server.token}", "User-Agent": CLIENT_NAME},
            suppress_origin=True,
            http_no_proxy=["*"] if self._server.is_loopback else None,
        )
        self._open.settimeout(None)
        threading.Thread(target=self._read, args=(self._open,), daemon=True).start()

    def stop_channels(self) -> None:
        """Hang up; the session stays."""
        if self._open:
            self._open.close()

    def is_alive(self) -> bool:
        """Return whether the server still listens."""
        return self._open is not None and bool(self._open.connected)

    @property
    def shell_channel(self) -> Any:
        """Where cells go, and their replies come from."""
        return self._ours["shell"]

    @property
    def iopub_channel(self) -> Any:
        """Where output comes from."""
        return self._ours["iopub"]

    @property
    def stdin_channel(self) -> Any:
        """Where questions come from."""
        return self._ours["stdin"]

    @property
    def control_channel(self) -> Any:
        """Where interrupts go."""
        return self._ours["control"]

    @property
    def hb_channel(self) -> Any:
        """Nothing is asked there."""
        return self._ours["hb"]

    def _write(self, text: str) -> None:
        if self._open:
            self._open.send(text)

    def _read(self, opened: WebSocket) -> None:
        """Sort messages until the server hangs up."""
        try:
            while text := opened.recv():
                message = json.loads(text)
                self._ours[message["channel"]].take(message)
        except (OSError, WebSocketException):
            opened.close()
