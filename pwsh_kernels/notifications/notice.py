"""What a notification tells: who wants to change what, where, why, and where to decide. Pure."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pwsh_kernels.escapes import one_line, whole_characters

COMMAND_CHARS = 1500
"""Characters of a command that are sent: Slack and Teams refuse messages that are too long."""
REASON_CHARS = 300
MOST_TENANTS = 20
"""Tenants that a message names; the others are counted."""
Occasion = Literal["approval_requested", "glass_broken", "test"]
DECIDE = "Look at it and decide"
DECIDE_NOTE = (
    "The link approves nothing by itself: it asks you to sign in and to prove that it is you."
)
LOOK = "Look at it"
LOOK_NOTE = "It runs already: the owner of the server needs no approval for it."


@dataclass(frozen=True, slots=True)
class Notice:
    """One approval that waits, a run that needed none because the owner broke the glass, or a test.
    `command` is the canonical text without secrets.
    """

    approval: str
    requester: str
    tenants: tuple[str, ...]
    module: str
    kind: str
    """The class of the change: `write`, `unknown`, `destructive`."""
    command: str
    reason: str
    expires_at: datetime
    link: str
    occasion: Occasion = "approval_requested"

    @property
    def title(self) -> str:
        """Return it as a heading."""
        if self.occasion == "test":
            return "A test of pwsh-kernels: approvals are told here"
        if self.occasion == "glass_broken":
            return one_line(f"{self.requester} runs a command in {self.places} without an approval")
        return one_line(f"{self.requester} asks to change something in {self.places}")

    @property
    def button(self) -> str:
        """Return what to do with the link."""
        return LOOK if self.occasion == "glass_broken" else DECIDE

    @property
    def note(self) -> str:
        """Return what the link does not do."""
        return LOOK_NOTE if self.occasion == "glass_broken" else DECIDE_NOTE

    @property
    def places(self) -> str:
        """Return the tenants in words."""
        named = ", ".join(self.tenants[:MOST_TENANTS])
        more = len(self.tenants) - MOST_TENANTS
        return one_line(f"{named} and {more} more" if more > 0 else named)

    @property
    def shown_command(self) -> str:
        """Return the command, cut."""
        return whole_characters(cut(self.command, COMMAND_CHARS))

    @property
    def shown_reason(self) -> str:
        """Return the requester's reason in one line, cut."""
        return cut(one_line(self.reason), REASON_CHARS) or "none given"

    @property
    def until(self) -> str:
        """Return when it expires, for people."""
        return f"{self.expires_at:%Y-%m-%d %H:%M} UTC"

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Return its facts with their names, for people."""
        until = () if self.occasion == "glass_broken" else (("Valid until", self.until),)
        return (
            ("Asked by", one_line(self.requester)),
            ("Tenants", self.places),
            ("Service", one_line(self.module)),
            ("Class", one_line(self.kind)),
            ("Reason", self.shown_reason),
            *until,
        )


def trial(link: str, requester: str, at: datetime) -> Notice:
    """Return a notice that is only a test."""
    return Notice(
        approval="none",
        requester=requester,
        tenants=("contoso.example",),
        module="exo",
        kind="write",
        command="Set-Mailbox ada -Office Other",
        reason="Nothing happens: this is a test",
        expires_at=at,
        link=link,
        occasion="test",
    )


def cut(text: str, length: int) -> str:
    """Return the beginning of a text, with a mark where something is left out."""
    return text if len(text) <= length else f"{text[:length]}…"
