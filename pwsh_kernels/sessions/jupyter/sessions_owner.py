"""The owner of the sessions whose kernels the manager runs: notified of their ends, asked for their
names.
"""

from typing import Protocol

from pwsh_kernels.sessions.key import SessionKey


class SessionsOwner(Protocol):
    """The owner of the sessions: asked about their kernels, and notified of changes."""

    def title(self, key: SessionKey) -> str:
        """Return a session's name for people."""
        ...

    def restart_refusal(self, key: SessionKey) -> str:
        """Return why a session must not be restarted now; "": nothing would be lost."""
        ...

    def started_elsewhere(self, key: SessionKey) -> None:
        """The kernel of a session was started, perhaps by a Jupyter client."""

    def ended(self, key: SessionKey, reason: str) -> None:
        """The kernel of a session has ended unexpectedly."""


class Nobody:
    """Owns no sessions: for the manager of a server that has none yet."""

    def title(self, key: SessionKey) -> str:
        """Return its key."""
        return str(key)

    def restart_refusal(self, key: SessionKey) -> str:  # noqa: ARG002 - SessionsOwner's shape
        """Refuse nothing: there is nothing to lose."""
        return ""

    def started_elsewhere(self, key: SessionKey) -> None:
        """Nobody has to know."""

    def ended(self, key: SessionKey, reason: str) -> None:
        """Nobody has to know."""
