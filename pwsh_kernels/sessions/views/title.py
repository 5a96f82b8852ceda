"""What people read as the name of a session in Jupyter: kernel pickers, launchers, lists of running
kernels.

Pure.
"""

from pwsh_kernels.escapes import one_line
from pwsh_kernels.sessions.session import Session

_STATES = {
    "starting": "starting",
    "signed_out": "not signed in",
    "signing_in": "signing in",
    "lost": "lost, not signed in",
    "closed": "closed",
}


def session_title(session: Session) -> str:
    """Return `contoso.example · exo · signed in as admin@contoso.example`, or what else is true of
    the session.
    """
    account = session.signed_in.account if session.signed_in else None
    state = (
        f"signed in as {one_line(account)}"
        if account
        else _STATES.get(session.state, session.state)
    )
    return f"{session.key.tenant} · {session.key.module} · {state}"
