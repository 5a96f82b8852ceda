"""One way to tell people something: a webhook, or mail."""

from typing import Protocol

from pwsh_kernels.notifications.notice import Notice

SEND_S = 15.0
"""Longest time of one attempt."""


class Channel(Protocol):
    """Sends a notice once."""

    @property
    def name(self) -> str:
        """What it is called in the log, in the audit log and in metrics."""

    async def send(self, notice: Notice) -> None:
        """Send it. Raises NotificationFailed."""
