"""Sessions, sign-ins and runs in the JSON shapes of docs/rest.md. Pure."""

from datetime import datetime

from pwsh_kernels import shapes
from pwsh_kernels.catalog import Explanation, Tenant
from pwsh_kernels.catalog.tenants.certificates import Ends
from pwsh_kernels.catalog.tenants.tenant import ModuleAccess
from pwsh_kernels.limits import MB
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.moment import now
from pwsh_kernels.sessions.runs.run import Run, utc
from pwsh_kernels.sessions.session import DeviceCode, Session, SignIn
from pwsh_kernels.sessions.sign_in.request_check import LoginRefusal
from pwsh_kernels.sessions.views.qr import qr_svg, qr_text
from pwsh_kernels.sessions.views.title import session_title
from pwsh_kernels.sessions.views.version import session_version

_SIGN_IN_STATES = {"signing_in": "pending", "signed_in": "succeeded"}
ONLY_ASKED_FOR = (
    "The route is not configured for this tenant, so somebody must ask for the sign-in again."
)


def busy_view(run: Run | None) -> shapes.Busy | None:
    """Return whom a session works for now, or None when it is idle."""
    if run is None:
        return None
    return {
        "run_id": run.id,
        "principal": run.principal,
        "client": run.client,
        "purpose": run.purpose,
        "state": run.state,
        "started_at": utc(run.started_at),
    }


def session_view(
    session: Session, current_run: str | None, queued_runs: int, active: Run | None = None
) -> shapes.Session:
    """Return the Session shape."""
    signed_in = session.signed_in
    return {
        "session": str(session.key),
        "tenant": session.key.tenant,
        "module": session.key.module,
        "tier": session.key.tier,
        "kernel_id": session.key.kernel_id,
        "version": session_version(session),
        "state": session.state,
        "reason": session.reason,
        "account": signed_in.account if signed_in else None,
        "tenant_id": signed_in.tenant_id if signed_in else None,
        "route": session.route.name if session.route else None,
        "token_expires_at": utc(signed_in.expires_at) if signed_in else None,
        **survival_view(session),
        "signed_in_at": utc(session.signed_in_at),
        "sandbox": session.tenant.sandbox,
        "modules": {} if session.gone else dict(session.modules),
        "place": session.place,
        "working_folder": session.working_folder,
        "memory_mb": memory_mb(session.memory),
        "title": session_title(session),
        "busy": busy_view(active),
        "current_run": current_run,
        "queued_runs": queued_runs,
        "conversation_id": session.conversation_id,
        "authenticated": session.state == "signed_in",
        "auth_pending": session.state == "signing_in",
        "auth_pending_since": utc(session.sign_in.started_at) if session.sign_in else None,
        "auth_completed_at": utc(session.signed_in_at),
        "connected": session.state == "signed_in",
        "created_at": utc(session.created_at),
        "last_used": utc(session.last_used),
        "last_health_check": utc(session.checked_at),
        "stuck": session.stuck_reason is not None,
        "stuck_reason": session.stuck_reason,
    }


def memory_mb(used: int | None) -> int | None:
    """Return bytes in megabytes, as people count them."""
    return None if used is None else round(used / MB)


def tenant_view(tenant: Tenant, ends: Ends) -> shapes.Tenant:
    """Return the Tenant shape: its names, and the route that each module is configured for with the
    end of its certificate; nothing of its secrets.
    """
    return {
        "tenant": tenant.name,
        "names": list(tenant.names),
        "sandbox": tenant.sandbox,
        "modules": {key: _access(access, ends) for key, access in tenant.modules.items()},
        "read": {key: _access(access, ends) for key, access in tenant.read.items()},
    }


def _access(access: ModuleAccess, ends: Ends) -> shapes.TenantModule:
    return {"route": access.route, "certificate_expires_at": utc(ends(access))}


def survival_view(session: Session) -> shapes.Survival:
    """Return whether the sign-in would survive the end of PowerShell, and a sentence about it."""
    route = session.route
    if route is None:
        return {"survives_restart": None, "survival": None}
    if route.survives == "again" and session.tenant.access(session.module.key).route != route.name:
        return {"survives_restart": False, "survival": ONLY_ASKED_FOR}
    return {"survives_restart": route.survives != "nothing", "survival": route.survival}


def code_view(sign_in: SignIn | None) -> shapes.DeviceCode:
    """Return the device code's fields, all null when there is no code to show."""
    if sign_in is None or sign_in.code is None:
        return {
            "device_code": None,
            "auth_url": None,
            "expires_at": None,
            "expires_in_s": None,
            "qr_text": None,
            "qr_svg": None,
        }
    return {
        "device_code": sign_in.code.code,
        "auth_url": sign_in.code.url,
        "expires_at": utc(sign_in.expires_at),
        "expires_in_s": max(0, int((sign_in.expires_at - now()).total_seconds())),
        "qr_text": qr_text(sign_in.code.url),
        "qr_svg": qr_svg(sign_in.code.url),
    }


def sign_in_view(session: Session) -> shapes.Attempt | None:
    """Return the state of the present or last sign-in, its route, the account to use, and why it
    failed.
    """
    if session.route is None:
        return None
    failure = session.failure
    state = (
        failure.code.removeprefix("sign_in_")
        if failure
        else _SIGN_IN_STATES.get(session.state, "none")
    )
    return {
        "state": state,
        "route": session.route.name,
        "expected_account": session.wanted_account,
        "reason": failure.reason if failure else "",
        "explanation": explanation_view(failure.explanation) if failure else None,
    }


def explanation_view(explanation: Explanation | None) -> shapes.Explanation | None:
    """Return the explanation of a known error; None for an unknown one."""
    if explanation is None:
        return None
    return {
        "code": explanation.code,
        "sentence": explanation.sentence,
        "remedy": explanation.remedy,
        "link": explanation.link,
        "ends_sign_in": explanation.ends_sign_in,
        "blocks_route": explanation.blocks_route,
    }


def status_view(
    session: Session,
    current_run: str | None,
    queued_runs: int,
    active: Run | None = None,
    *,
    was_pending: bool,
) -> shapes.SessionStatus:
    """Return the Status shape."""
    facts: shapes.SessionStatus = {
        "success": True,
        **session_view(session, current_run, queued_runs, active),
        "was_pending": was_pending,
        **code_view(session.sign_in),
        "expected_account": session.wanted_account,
        "sign_in": sign_in_view(session),
        "auth_duration_seconds": None,
    }
    if session.signed_in_at and session.signing_in_since:
        facts["auth_duration_seconds"] = round(
            (session.signed_in_at - session.signing_in_since).total_seconds(), 3
        )
    return facts


def no_session_view(key: SessionKey, *, sandbox: bool) -> shapes.NoSession:
    """Return the Status shape of a session that does not exist."""
    return {
        "success": True,
        "session": str(key),
        "tenant": key.tenant,
        "module": key.module,
        "tier": key.tier,
        "state": "none",
        "reason": "",
        "account": None,
        "sandbox": sandbox,
        "modules": {},
        "working_folder": "",
        "connected": False,
        "authenticated": False,
        "auth_pending": False,
        "was_pending": False,
        "conversation_id": None,
        **code_view(None),
        "expected_account": None,
        "sign_in": None,
        "auth_duration_seconds": None,
    }


def login_view(session: Session, refused: LoginRefusal | None = None) -> shapes.Login:
    """Return the Sign-in shape; `refused`: the session is signed in, or signing in, in a different
    way.
    """
    signed_in = session.signed_in
    failure = _login_failure(session, refused)
    return {
        "success": not failure,
        "result": failure["error"] if failure else _login_sentence(session),
        "auth_pending": session.state in ("signing_in", "starting"),
        **code_view(session.sign_in),
        "expected_account": session.wanted_account,
        "sign_in": sign_in_view(session),
        "account": signed_in.account if signed_in else None,
        "route": session.route.name if session.route else None,
        "signed_in_at": utc(session.signed_in_at),
        "token_expires_at": utc(signed_in.expires_at) if signed_in else None,
        "survives_restart": session.route.survives != "nothing" if session.route else None,
        "session": str(session.key),
        "tenant": session.key.tenant,
        "module": session.key.module,
        "tier": session.key.tier,
        "state": session.state,
        "reason": session.reason,
        **failure,
    }


def _login_failure(session: Session, refused: LoginRefusal | None) -> shapes.Failure:
    """Return why a sign-in did not succeed; empty if it has, or still may."""
    if refused:
        return {"error": refused.reason, "code": refused.code}
    if session.state not in ("signed_out", "lost", "closed"):
        return {}
    if session.failure:
        return {"error": session.failure.reason, "code": session.failure.code}
    reason = f"The sign-in to {session.key} ended: {session.reason}"
    return {"error": reason, "code": "sign_in_failed"}


def _login_sentence(session: Session) -> str:
    if session.signed_in:
        return f"Connected to {session.key} as {session.signed_in.account}."
    if session.sign_in and session.sign_in.code:
        return first_sentence(
            session.sign_in.code, session.sign_in.expires_at, session.wanted_account
        )
    if session.sign_in and not session.sign_in.route.asks_person:
        return f"{session.key} signs in unattended ({session.sign_in.route.name}). Ask /status."
    return f"The sign-in to {session.key} has started and shows no code yet. Ask /status."


def first_sentence(code: DeviceCode, expires_at: datetime, account: str | None = None) -> str:
    """Return what a person has to do; `account` is the one that must sign in."""
    until = expires_at.strftime("%H:%M:%S UTC")
    who = f" Sign in as {account}." if account else ""
    return (
        f"To sign in, open {code.url} in a web browser and enter the code {code.code} (until"
        f" {until}).{who}"
    )
