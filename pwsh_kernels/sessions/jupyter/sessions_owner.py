"""Who owns the sessions whose kernels the manager runs: told of their ends, asked their names."""

from typing import Protocol

from pwsh_kernels.sessions.key import SessionKey


class SessionsOwner(Protocol):
    """Who owns the sessions: asked and told of what happens to their kernels."""

    def title(self, key: SessionKey) -> str:
        """Return what people read as a session's name."""
        ...

    def restart_refusal(self, key: SessionKey) -> str:
        """Return why a session must not be restarted now; "": nothing would be lost."""
        ...

    def started_elsewhere(self, key: SessionKey) -> None:
        """The kernel of a session was started, perhaps by a Jupyter client."""

    def ended(self, key: SessionKey, reason: str) -> None:
        """The kernel of a session has ended by itself."""


class Nobody:
    """Owns no sessions: the manager of a server that has none yet."""

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
