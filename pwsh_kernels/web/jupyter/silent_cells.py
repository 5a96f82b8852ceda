"""A notebook's silent cells that have not ended: nothing else tells how they end."""

import json
from typing import Any

from pwsh_kernels.audit.event import Event
from pwsh_kernels.web.audit_events import cell_ended

MOST = 1000
"""Cells that are remembered; a kernel answers every one, unless it dies."""
DELIMITER = b"<IDS|MSG>"


class SilentCells:
    """Waits for the replies to the silent cells of one WebSocket."""

    def __init__(self) -> None:
        self._open: dict[str, Event] = {}

    def begun(self, message_id: str, accepted: Event) -> None:
        """Remember a cell that is passed on."""
        if len(self._open) >= MOST:
            del self._open[next(iter(self._open))]
        self._open[message_id] = accepted

    def ended(self, stream: Any, parts: list[Any]) -> Event | None:
        """Return the end of a cell, if this message of the kernel is the reply to one."""
        if not self._open or getattr(stream, "channel", stream) != "shell":
            return None
        frames = [bytes(one) for one in parts]
        _, _, parent, _, content = frames[frames.index(DELIMITER) + 1 :][:5]
        accepted = self._open.pop(json.loads(parent).get("msg_id", ""), None)
        return cell_ended(accepted, str(json.loads(content).get("status"))) if accepted else None
