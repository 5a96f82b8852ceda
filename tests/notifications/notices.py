"""Notices for tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pwsh_kernels.notifications.notice import Notice

LINK = "https://pwsh.contoso.example/approvals/a1?link=sealed"


def notice(**more: Any) -> Notice:
    """Return a notice; `more` says what is different."""
    usual = Notice(
        approval="a1",
        requester="agent:claude",
        tenants=("contoso.example",),
        module="exo",
        kind="write",
        command="Set-Mailbox ada -Office Other",
        reason="she moved",
        expires_at=datetime.now(UTC) + timedelta(minutes=15),
        link=LINK,
    )
    return replace(usual, **more)
