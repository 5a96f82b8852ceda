"""The name of a session in a sentence."""

from typing import Protocol


class OfSession(Protocol):
    """An error, or an answer, about a session."""

    @property
    def tenant(self) -> str:
        """The tenant's own name."""

    @property
    def module(self) -> str:
        """The key of the service."""

    @property
    def tier(self) -> str:
        """`read` or `write`."""


def session_name(error: OfSession) -> str:
    """Return `contoso.com:exo`, in the read tier `contoso.com:exo:read`."""
    return f"{error.tenant}:{error.module}{':read' if error.tier == 'read' else ''}"
