"""Sessions, sign-ins and runs in the JSON shapes of docs/rest.md. Pure."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from pwsh_kernels.catalog import Tenant
from pwsh_kernels.records import Record
from pwsh_kernels.sessions.queries.lines import LinesPage
from pwsh_kernels.sessions.runs.output_log import Page
from pwsh_kernels.sessions.runs.run import Run, now
from pwsh_kernels.sessions.session import Session, SignIn
from pwsh_kernels.sessions.sign_in.device_code import first_sentence
from pwsh_kernels.sessions.views.qr import qr_svg, qr_text
from pwsh_kernels.sessions.views.title import session_title
from pwsh_kernels.sessions.views.version import session_version

PENDING_CODES = frozenset({"run_pending", "waiting_for_input"})
"""Codes of answers that mean: not ended yet (status 202)."""
_SIGN_IN_STATES = {"signing_in": "pending", "signed_in": "succeeded"}
RESULT_KINDS = {
    "json": frozenset({"text"}),
    "csv": frozenset({"text"}),
    "text": frozenset({"text", "host", "console"}),
    "list": frozenset({"text", "host", "console"}),
    "compact": frozenset({"text", "host", "console"}),
}
"""Kinds of stdout entries that make a run's result: what a script only shows must not break JSON or
CSV.
"""
NO_OUTPUT = "OK"
ONLY_ASKED_FOR = (
    "The route is not configured for this tenant, so somebody must ask for the sign-in again."
)


def utc(time: datetime | None) -> str | None:
    """Return a time as ISO 8601 with Z."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z") if time else None


def busy_view(run: Run | None) -> dict[str, Any] | None:
    """Return whom a session works for now, or None when it is idle."""
    if run is None:
        return None
    who = {
        "run_id": run.id,
        "principal": run.principal,
        "client": run.client,
        "purpose": run.purpose,
    }
    return {**who, "state": run.state, "started_at": utc(run.started_at)}


def session_view(
    session: Session, current_run: str | None, queued_runs: int, active: Run | None = None
) -> dict[str, Any]:
    """Return the Session shape."""
    signed_in = session.signed_in
    return {
        "session": str(session.key),
        "tenant": session.key.tenant,
        "module": session.key.module,
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


def tenant_view(tenant: Tenant) -> dict[str, Any]:
    """Return the Tenant shape: its names, and the route that each module is configured for; nothing
    of its secrets.
    """
    return {
        "tenant": tenant.name,
        "names": list(tenant.names),
        "sandbox": tenant.sandbox,
        "modules": {key: {"route": access.route} for key, access in tenant.modules.items()},
    }


def survival_view(session: Session) -> dict[str, Any]:
    """Return what the end of PowerShell would leave of the sign-in: whether it survives, and a
    sentence.
    """
    route = session.route
    if route is None:
        return {"survives_restart": None, "survival": None}
    if route.survives == "again" and session.tenant.access(session.module.key).route != route.name:
        return {"survives_restart": False, "survival": ONLY_ASKED_FOR}
    return {"survives_restart": route.survives != "nothing", "survival": route.survival}


def code_view(sign_in: SignIn | None) -> dict[str, Any]:
    """Return the device code's fields, all null when there is no code to show."""
    if sign_in is None or sign_in.code is None:
        return dict.fromkeys(
            ("device_code", "auth_url", "expires_at", "expires_in_s", "qr_text", "qr_svg")
        )
    return {
        "device_code": sign_in.code.code,
        "auth_url": sign_in.code.url,
        "expires_at": utc(sign_in.expires_at),
        "expires_in_s": max(0, int((sign_in.expires_at - now()).total_seconds())),
        "qr_text": qr_text(sign_in.code.url),
        "qr_svg": qr_svg(sign_in.code.url),
    }


def sign_in_view(session: Session) -> dict[str, Any] | None:
    """Return how the present or last sign-in stands: its state, route, the account to use, and why
    it failed.
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
        "explanation": asdict(failure.explanation) if failure and failure.explanation else None,
    }


def status_view(
    session: Session,
    current_run: str | None,
    queued_runs: int,
    active: Run | None = None,
    *,
    was_pending: bool,
) -> dict[str, Any]:
    """Return the Status shape."""
    facts = {
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


def no_session_view(tenant: str, module: str, *, sandbox: bool) -> dict[str, Any]:
    """Return the Status shape of a session that does not exist."""
    return {
        "success": True,
        "session": f"{tenant}:{module}",
        "tenant": tenant,
        "module": module,
        "state": "none",
        "reason": "",
        "account": None,
        "sandbox": sandbox,
        "modules": {},
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


def login_view(session: Session) -> dict[str, Any]:
    """Return the Sign-in shape."""
    signed_in = session.signed_in
    view = {
        "success": True,
        "result": _login_sentence(session),
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
        "state": session.state,
        "reason": session.reason,
    }
    if session.state not in ("signed_out", "lost", "closed"):
        return view
    code = session.failure.code if session.failure else "sign_in_failed"
    reason = (
        session.failure.reason
        if session.failure
        else f"The sign-in to {session.key} ended: {session.reason}"
    )
    return {**view, "success": False, "result": reason, "error": reason, "code": code}


def _login_sentence(session: Session) -> str:
    if session.signed_in:
        return f"Connected to {session.key} as {session.signed_in.account}."
    if session.sign_in and session.sign_in.code:
        return first_sentence(
            session.sign_in.code, session.sign_in.expires_at, session.wanted_account
        )
    if session.sign_in and not session.sign_in.route.asks_person:
        return f"{session.key} signs in by itself ({session.sign_in.route.name}). Ask /status."
    return f"The sign-in to {session.key} has started and shows no code yet. Ask /status."


def run_view(run: Run) -> dict[str, Any]:
    """Return the Run shape without its result."""
    ended = run.ended_at or now()
    return {
        "success": run.state == "succeeded",
        "run_id": run.id,
        "session": str(run.key),
        "tenant": run.key.tenant,
        "module": run.key.module,
        "account": run.account,
        "purpose": run.purpose,
        "state": run.state,
        "stopping": run.stopping,
        "format": run.options.format,
        "command": run.command,
        "principal": run.principal,
        "client": run.client,
        "errors": [
            {**record.to_json(), "suggestion": advice.suggestion, "advice": advice.action}
            for record, advice in zip(run.errors, run.advice, strict=True)
        ],
        "warnings": [record.to_json() for record in run.warnings],
        "exit_code": run.summary.exit_code if run.summary else None,
        "objects": run.summary.kept_objects if run.summary else None,
        **({"query": run.query} if run.purpose == "query" else {}),
        "created_at": utc(run.created_at),
        "started_at": utc(run.started_at),
        "ended_at": utc(run.ended_at),
        "duration_s": (
            round((ended - run.started_at).total_seconds(), 3) if run.started_at else None
        ),
        "total_chars": run.log.total_chars,
        "truncated": run.log.dropped_chars + (run.summary.truncated if run.summary else 0),
        "prompt": run.prompt.to_json() if run.prompt else None,
        "progress": run.progress.to_json() if run.progress else None,
        **_outcome(run),
    }


def result_view(run: Run) -> dict[str, Any]:
    """Return the answer of POST /run: the Run shape with its result."""
    text = run.log.text(RESULT_KINDS[run.options.format])
    silent = run.state == "succeeded" and run.log.total_chars == 0
    if silent and run.purpose == "query":
        return {**run_view(run), "result": "[]" if run.options.format == "json" else ""}
    return {
        **run_view(run),
        "result": NO_OUTPUT if silent and run.options.format == "json" else text,
    }


def page_view(run: Run, page: Page, cursor: int) -> dict[str, Any]:
    """Return the answer of GET /runs/{id}."""
    entries = [entry.to_json() for entry in page.entries]
    return {
        **run_view(run),
        "entries": entries,
        "cursor": cursor,
        "next_cursor": page.next_cursor,
        "more": page.more,
    }


def lines_view(run: Run, page: LinesPage) -> dict[str, Any]:
    """Return the answer of GET /runs/{id}/lines; of a search each line says whether it matches or
    stands around one.
    """
    searched = page.matches is not None
    return {
        "success": True,
        "run_id": run.id,
        "session": str(run.key),
        "state": run.state,
        "total_lines": page.total_lines,
        "matches": page.matches,
        "lines": [
            {**one.to_json(), **({"match": one.at is not None} if searched else {})}
            for one in page.lines
        ],
        "more": page.more,
    }


def _outcome(run: Run) -> dict[str, Any]:
    """Return `error` and `code`, which say how to go on, of a run that has not succeeded."""
    if run.state == "succeeded":
        return {}
    return {"error": _sentence(run), "code": _code(run)}


def _code(run: Run) -> str:
    codes = {
        "failed": "command_failed",
        "cancelled": "run_cancelled",
        "lost": "session_lost",
        "waiting_for_input": "waiting_for_input",
    }
    return run.code or codes.get(run.state, "run_pending")


def _sentence(run: Run) -> str:
    if run.state == "failed":
        return failure_sentence(run)
    if run.state == "cancelled":
        return run.reason or "The command was cancelled before it ended."
    if run.state == "lost":
        if run.started_at is None:
            return f"The command was not run: {run.reason}. Sign in again."
        return (
            f"The session ended while the command ran ({run.reason}); how the command ended is"
            " unknown. Sign in again."
        )
    if run.state == "waiting_for_input":
        return (
            f"The command waits for an answer to: {question(run)!r}. Answer it with POST"
            f" /runs/{run.id}/input, or cancel it with POST /runs/{run.id}/cancel."
        )
    return (
        f"The command is {run.state} and goes on. Follow it with GET /runs/{run.id}, "
        f"or stop it with POST /runs/{run.id}/cancel."
    )


def failure_sentence(run: Run) -> str:
    """Return why a run failed: the first error's message, else its exit code."""
    if run.code:
        return run.reason
    if run.errors:
        return _words(run.errors[0])
    if run.summary and run.summary.terminating_error:
        return _words(run.summary.terminating_error)
    if run.summary and run.summary.exit_called:
        return f"The command ended with exit code {run.summary.exit_code}."
    return run.reason or "The command failed without an error message."


def _words(error: Record) -> str:
    """Return an error's message; one that ends where its reason should follow is completed by its
    causes.
    """
    unfinished = error.causes and error.message.rstrip().endswith(":")
    return " ".join((error.message.rstrip(), *error.causes)) if unfinished else error.message


def question(run: Run) -> str:
    """Return the words of a run's open prompt."""
    if run.prompt is None:
        return ""
    # The message of a prompt for one value holds the value's name already.
    fields = (
        ", ".join(one.label or one.name for one in run.prompt.fields)
        if run.prompt.kind == "fields"
        else ""
    )
    texts = (run.prompt.caption, run.prompt.message, fields)
    return ": ".join(text.strip() for text in texts if text.strip()) or run.prompt.kind
