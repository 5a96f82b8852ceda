"""The name of a session for people in Jupyter: in kernel pickers, launchers and lists of running
kernels.

Pure.
"""

import re

from pwsh_kernels.escapes import one_line
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.session import Session

_CLIENT_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_STATES = {
    "starting": "starting",
    "signed_out": "not signed in",
    "signing_in": "signing in",
    "lost": "lost, not signed in",
    "closed": "closed",
}


def session_title(session: Session) -> str:
    """Return `contoso.example · exo · signed in as admin@contoso.example`, or the session's other
    state.
    """
    account = session.signed_in.account if session.signed_in else None
    state = (
        f"signed in as {_kind(session, account)}{one_line(account)}"
        if account
        else _STATES.get(session.state, session.state)
    )
    return f"{heading(session.key)} · {state}"


def heading(key: SessionKey) -> str:
    """Return `contoso.example · exo`, or `contoso.example · exo · reads`."""
    return f"{key.tenant} · {key.module}{' · reads' if key.reads else ''}"


def _kind(session: Session, account: str) -> str:
    """Return a description of an account without a name: its client id alone would mean nothing to
    a person.
    """
    if not _CLIENT_ID.fullmatch(account):
        return ""
    identity = session.route is not None and session.route.name == "managed_identity"
    return "managed identity " if identity else "application "
