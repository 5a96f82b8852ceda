"""The name of a session in the sentence of an error."""

from typing import Protocol


class OfSession(Protocol):
    """An error about a session."""

    tenant: str
    module: str
    tier: str


def session_name(error: OfSession) -> str:
    """Return `contoso.com:exo`, in the read tier `contoso.com:exo:read`."""
    return f"{error.tenant}:{error.module}{':read' if error.tier == 'read' else ''}"
