"""Whether a session takes a command now, and what to do when it does not. Pure."""

from pwsh_kernels.errors import (
    NotSignedIn,
    SessionLost,
    SessionStarting,
    SignInPending,
    WaitingForInput,
)
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.sessions.session import Session
from pwsh_kernels.sessions.sign_in.verdict import SessionKey
from pwsh_kernels.sessions.views.session_views import code_view, question


def admit(
    key: SessionKey, session: Session | None, active: Run | None, *, run_signed_out: bool
) -> None:
    """Raise NotSignedIn, SessionStarting, SignInPending, SessionLost or WaitingForInput when a
    command may not be queued.
    """
    if session is None or session.state == "closed":
        raise NotSignedIn(tenant=key.tenant, module=key.module)
    if session.state == "lost":
        raise SessionLost(tenant=key.tenant, module=key.module, reason=session.reason)
    if session.state == "signing_in":
        raise _pending(session)
    if session.state == "starting":
        raise SessionStarting(tenant=key.tenant, module=key.module, reason=session.reason)
    if session.state == "signed_out" and not run_signed_out:
        raise NotSignedIn(tenant=key.tenant, module=key.module, reason=session.reason)
    if active is not None and active.prompt is not None:
        raise WaitingForInput(
            tenant=key.tenant, module=key.module, run_id=active.id, question=question(active)
        )


def _pending(session: Session) -> SignInPending:
    code = code_view(session.sign_in)
    return SignInPending(
        tenant=session.key.tenant,
        module=session.key.module,
        device_code=code["device_code"],
        auth_url=code["auth_url"],
        expires_at=code["expires_at"],
        route=session.sign_in.route.name if session.sign_in else "",
    )
