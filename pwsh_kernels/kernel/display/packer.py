"""Many pieces of text in one message: everything that is written at once, of several kinds and with
its records.

For our own server, to which a message costs more than its content.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from pwsh_kernels.kernel.display.open_view import Publish
from pwsh_kernels.messages import packed_metadata

MAX_PIECES = 500
MAX_CHARS = 65_536
"""Characters at which a message is sent."""


class Packer:
    """Publishes messages, combining the text of one turn of the event loop into one `stream`
    message; messages of other kinds keep their place.
    """

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._pieces: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []
        self._chars = 0
        self._soon: asyncio.Handle | None = None

    def __call__(self, kind: str, content: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        if kind != "stream":
            self.flush()
            self._publish(kind, content, metadata)
            return
        self._pieces.append((content, metadata))
        self._chars += len(content["text"])
        if len(self._pieces) >= MAX_PIECES or self._chars >= MAX_CHARS:
            self.flush()
        elif self._soon is None:
            self._soon = asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Send what is waiting."""
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        pieces, self._pieces, self._chars = self._pieces, [], 0
        if len(pieces) == 1:
            self._publish("stream", *pieces[0])
        elif pieces:
            text = "".join(content["text"] for content, _ in pieces)
            content = {"name": pieces[0][0]["name"], "text": text}
            self._publish("stream", content, packed_metadata(pieces))
