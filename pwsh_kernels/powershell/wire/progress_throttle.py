"""Thins progress records to about ten a second before they are decoded, keeping the last of each
activity.
"""

import re

from psrpcore.types import PSRPMessageType

from pwsh_kernels.powershell.wire.packets import Message

INTERVAL_S = 0.1
MAX_HELD = 32
"""Activities whose newest state may wait; beyond that the oldest is reported early."""

_MARK = b"<ToString>WriteProgress</ToString>"
_MARK_AT = 1024
"""Bytes at the beginning of a call that contain its name."""
_ACTIVITY = re.compile(rb'N="ActivityId">(-?\d+)<')


def is_progress_call(message: Message) -> bool:
    """Return whether a host call is Write-Progress's, without parsing its XML."""
    return message.kind == PSRPMessageType.PipelineHostCall and _MARK in message.raw[:_MARK_AT]


class ProgressThrottle:
    """Holds the newest message of each activity until it is due.

    The clock is the caller's, in seconds.
    """

    def __init__(self) -> None:
        self.offered = 0
        """Messages that have come, ever."""
        self._held: dict[bytes, Message] = {}
        self._last = float("-inf")

    def offer(self, message: Message, now: float) -> list[Message]:
        """Take a progress message and return those to decode now."""
        self.offered += 1
        match = _ACTIVITY.search(message.body)
        key = match.group(1) if match else b""
        self._held.pop(key, None)
        self._held[key] = message
        if now >= self._last + INTERVAL_S:
            return self.due(now)
        return [self._held.pop(next(iter(self._held)))] if len(self._held) > MAX_HELD else []

    def next_due(self) -> float | None:
        """Return when the held messages are due, or None when nothing is held."""
        return self._last + INTERVAL_S if self._held else None

    def due(self, now: float) -> list[Message]:
        """Return the held messages if their time has come."""
        if not self._held or now < self._last + INTERVAL_S:
            return []
        self._last = now
        return self.flush()

    def flush(self) -> list[Message]:
        """Return everything that is held: the pipeline ends."""
        held, self._held = list(self._held.values()), {}
        return held
