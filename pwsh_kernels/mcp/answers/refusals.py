"""All of our errors in words for a model that has only our tools: what happened, and the next step.

Pure.
"""

from collections.abc import Mapping
from typing import Any

from pwsh_kernels.errors import ProductError
from pwsh_kernels.escapes import plain
from pwsh_kernels.mcp.answers.marks import Marks, named
from pwsh_kernels.mcp.answers.session_results import Standing, sign_in_step, where_of
from pwsh_kernels.mcp.answers.words import lines

PERSON = "Tell the person; do not retry."


def error_text(error: ProductError, marks: Marks) -> str:
    """Return what happened and the next step; foreign text is between marks."""
    return refusal_text(error.to_json(), marks)


def refusal_text(facts: Mapping[str, Any], marks: Marks) -> str:
    """Return the same for the JSON of an error."""
    title, quoted = _quoted(facts)
    words = cause(facts) or _sentence(facts)
    if quoted and not cause(facts):
        words = f"Refused: {facts['code']}."
    step = refusal_step(facts)
    return lines(f"{words} {step}".strip(), marks.around(title, quoted))


def refusal_words(facts: Mapping[str, Any]) -> str:
    """Return what happened in one text for a field of a structured result, which needs no marks."""
    quoted = _quoted(facts)[1]
    said = f" {quoted}" if quoted and cause(facts) else ""
    return f"{cause(facts) or _sentence(facts)}{said}"


def refusal_step(facts: Mapping[str, Any]) -> str:
    """Return the next step after a refusal; "" if there is none."""
    return _steps(facts).get(facts["code"], "")


def _sentence(facts: Mapping[str, Any]) -> str:
    text: str = facts["error"]
    step = refusal_step(facts)
    return text if text.endswith(".") or not step else f"{text}."


def _quoted(facts: Mapping[str, Any]) -> tuple[str, str]:
    """Return the foreign text in an error, and its title."""
    code = facts["code"]
    if code == "waiting_for_input":
        return "question", plain(str(facts.get("question") or ""))
    if code == "not_signed_in":
        return "reason", plain(str(facts.get("reason") or ""))
    return "refusal", plain(facts["error"]) if code in _QUOTES else ""


def cause(facts: Mapping[str, Any]) -> str:
    """Return why a session does not accept a command, in our words and without the next step; ""
    for other refusals.
    """
    read = ":read" if facts.get("tier") == "read" else ""
    where, run = f"{facts.get('tenant')}:{facts.get('module')}{read}", f"un {facts.get('run_id')}"
    asker = named(str(facts.get("asker")))
    return {
        "not_signed_in": f"{where} is not signed in.",
        "sign_in_pending": f"The sign-in to {where} is waiting for a person.",
        "waiting_for_input": f"R{run} in {where} is waiting for an answer.",
        "session_lost": (
            f"The PowerShell of {where} has died ({facts.get('reason')}), and its sign-in with it."
        ),
        "waits_behind_question": (
            f"The command was not run: r{run} in {where} is waiting for an answer from {asker}."
        ),
        "answer_of_another": f"R{run} is waiting for an answer from {asker}, who started it.",
    }.get(facts["code"], "")


def _steps(facts: Mapping[str, Any]) -> dict[str, str]:
    where = where_of(str(facts.get("tenant")), str(facts.get("module")), str(facts.get("tier")))
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
            "Ask the person where it decides something, then answer it with pwsh_answer and run_id"
            f" {run_id}, or call pwsh_cancel with run_id {run_id}."
        ),
        "waits_behind_question": (
            f"Call pwsh_wait with run_id {run_id}, then run it again; or tell the person. Do not"
            " answer that run's question."
        ),
        "answer_of_another": PERSON,
        "forbidden": (
            f"Call pwsh_read with {where} for what only reads."
            if facts.get("instead") == "read"
            else PERSON
        ),
        "not_carried": (
            f"Or call pwsh_run with {where}, if the person agrees."
            if facts.get("may_write")
            else ""
        ),
        "not_only_reading": (
            f"Or call pwsh_run with {where}, if the person wants the change."
            if facts.get("may_write")
            else ""
        ),
        "reader_not_configured": PERSON,
        "run_not_waiting": f"Call pwsh_wait with run_id {run_id}.",
        "unknown_session": "pwsh_sessions lists the sessions.",
        "unknown_run": "pwsh_status of its tenant lists the newest runs.",
        "unknown_tenant": "Use one of these names, or ask the person.",
        "unauthorized": f"PWSH_MANAGER_TOKEN must be set for this MCP server. {PERSON}",
        "answer_lost": "Call pwsh_status to see what is going on before you try again.",
        "server_starting": "Retry in a few seconds.",
        "too_many_classifications": "Send fewer texts, each with more in it.",
        "secret_not_taken": "Do not retry.",
        **dict.fromkeys(_FOR_A_PERSON, PERSON),
    }


def _pending(facts: Mapping[str, Any]) -> Standing:
    """Return the pending sign-in because of which a session does not accept a command."""
    return Standing(
        tenant=facts["tenant"],
        module=facts["module"],
        tier=facts.get("tier", "write"),
        state="signing_in",
        device_code=facts["device_code"],
        auth_url=facts["auth_url"],
        expires_at=facts["expires_at"],
    )


_QUOTES = frozenset(
    {
        "sign_in_failed",
        "sign_in_ended",
        "sign_in_blocked",
        "sign_in_unreachable",
        "wrong_account",
        "wrong_tenant",
        "answer_not_usable",
        "secret_not_taken",
        "unknown_property",
        "command_search_failed",
        "objects_lost",
    }
)
"""Codes whose sentence quotes a service, a script or a session."""
_FOR_A_PERSON = (
    "sign_in_blocked",
    "sign_in_unreachable",
    "too_many_sign_ins",
    "wrong_account",
    "wrong_tenant",
    "account_not_allowed",
    "already_signed_in",
    "already_signing_in",
    "route_not_configured",
    "unsupported_module",
    "server_unreachable",
    "server_start_failed",
    "not_our_server",
    "powershell_not_found",
    "powershell_too_old",
)
"""Codes of errors that only a person can resolve."""
