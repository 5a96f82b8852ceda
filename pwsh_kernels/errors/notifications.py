"""Notifications that nobody gets."""

from dataclasses import dataclass
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError


@dataclass(eq=False)
class NotificationFailed(ProductError):
    """A message was not taken; `again`: another attempt may succeed."""

    code: ClassVar[str] = "notification_failed"
    status: ClassVar[int] = 502
    channel: str
    problem: str
    again: bool = True

    def text(self) -> str:
        return (
            f"Nobody was told by {self.channel}: {self.problem}. `pwsh-kernels notify test` tries"
            " it again."
        )


@dataclass(eq=False)
class NotificationsOff(ProductError):
    """No channel is set, so nobody can be told anything."""

    code: ClassVar[str] = "notifications_off"
    status: ClassVar[int] = 409

    def text(self) -> str:
        return (
            "The server tells nobody of approvals: set PWSH_MANAGER_NOTIFY_WEBHOOK, or"
            " PWSH_MANAGER_NOTIFY_SMTP_HOST with _FROM and _TO, and start it again."
        )
