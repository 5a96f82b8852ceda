"""Every error of ours in words for a model that has only our tools: what happened, and the next
step.

Pure.
"""

from collections.abc import Mapping
from typing import Any

from pwsh_kernels.errors import ProductError
from pwsh_kernels.mcp.answers.session_results import Standing, sign_in_step

PERSON = "Tell the person; do not retry."


def error_text(error: ProductError) -> str:
    """Return what happened and the next step."""
    return refusal_text(error.to_json())


def refusal_text(facts: Mapping[str, Any]) -> str:
    """Return the same for the JSON of an error."""
    step = _steps(facts).get(facts["code"], "")
    if facts["code"] in ("not_signed_in", "sign_in_pending", "waiting_for_input", "session_lost"):
        return f"{cause(facts)} {step}".rstrip()
    text: str = facts["error"]
    return f"{text if text.endswith('.') else text + '.'} {step}" if step else text


def cause(facts: Mapping[str, Any]) -> str:
    """Return what keeps a session from taking a command, without the next step."""
    where = f"{facts.get('tenant')}:{facts.get('module')}"
    return {
        "not_signed_in": (
            f"{where} is not signed in." + (f" {facts['reason']}" if facts.get("reason") else "")
        ),
        "sign_in_pending": f"The sign-in to {where} waits for a person.",
        "waiting_for_input": (
            f"Run {facts.get('run_id')} in {where} waits for an answer to: {facts.get('question')}"
        ),
        "session_lost": (
            f"The PowerShell of {where} has died ({facts.get('reason')}), and its sign-in with it."
        ),
    }[facts["code"]]


def _steps(facts: Mapping[str, Any]) -> dict[str, str]:
    where = f"tenant {facts.get('tenant')} and module {facts.get('module')}"
    sign_in = f"Call pwsh_login with {where}."
    run_id = facts.get("run_id")
    return {
        "not_signed_in": "" if facts.get("unconfigured") else sign_in,
        "session_lost": sign_in,
        "sign_in_ended": sign_in,
        "sign_in_needs_person": sign_in,
        "sign_in_pending": (
            sign_in_step(_pending(facts))
            if facts.get("device_code")
            else f"{sign_in[:-1]} for the code."
        ),
        "sign_in_failed": f"Call pwsh_login with {where} to try again.",
        "sign_in_cancelled": f"Call pwsh_login with {where} to try again.",
        "sign_in_expired": f"Call pwsh_login with {where} for a new code when the person is ready.",
        "sign_in_declined": (
            f"Call pwsh_login with {where} for a new code when the person wants to sign in."
        ),
        "waiting_for_input": (
            f"Answer it with pwsh_answer and run_id {run_id}, or call pwsh_cancel with run_id"
            f" {run_id}."
        ),
        "run_not_waiting": f"Call pwsh_wait with run_id {run_id}.",
        "unknown_session": "pwsh_sessions lists the sessions.",
        "unknown_run": "pwsh_status of its tenant lists the newest runs.",
        "unknown_tenant": "Use one of these names, or ask the person.",
        "unauthorized": f"PWSH_MANAGER_TOKEN must be set for this MCP server. {PERSON}",
        "answer_lost": "Call pwsh_status to see what goes on before you try again.",
        "server_starting": "Retry in a few seconds.",
        "secret_not_taken": "Do not retry.",
        **dict.fromkeys(_FOR_A_PERSON, PERSON),
    }


def _pending(facts: Mapping[str, Any]) -> Standing:
    """Return the pending sign-in that keeps a session from taking a command."""
    return Standing(
        tenant=facts["tenant"],
        module=facts["module"],
        state="signing_in",
        device_code=facts["device_code"],
        auth_url=facts["auth_url"],
        expires_at=facts["expires_at"],
    )


_FOR_A_PERSON = (
    "sign_in_blocked",
    "sign_in_unreachable",
    "too_many_sign_ins",
    "wrong_account",
    "wrong_tenant",
    "route_not_configured",
    "unsupported_module",
    "server_unreachable",
    "server_start_failed",
    "not_our_server",
    "powershell_not_found",
    "powershell_too_old",
)
"""Codes of errors that only a person can mend."""
