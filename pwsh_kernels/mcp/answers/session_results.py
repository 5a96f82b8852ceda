"""Sessions in the words of the tools: the model, a short text, and the next step. Pure."""

from typing import Any

from pwsh_kernels.escapes import plain
from pwsh_kernels.mcp.answers.models import Advice, SessionResult, SessionsResult, StatusResult
from pwsh_kernels.mcp.answers.words import lines

Json = dict[str, Any]

FOR_A_PERSON = frozenset({"blocked", "wrong_account", "wrong_tenant"})
"""Ends of a sign-in that another try would not change."""
COMMAND_CHARS = 80
"""Characters of a command by which an agent knows its own run again."""


def session_result(facts: Json, notice: str = "") -> SessionResult:
    """Return a session from the JSON of /login, /status or /sessions."""
    return SessionResult(**_facts(facts), notice=notice)


def status_result(facts: Json, runs: list[Json], agent: str, notice: str) -> StatusResult:
    """Return a session with its newest runs; `agent` is the client name of runs whose commands may
    be shown.
    """
    newest = [run_line(run, agent) for run in runs]
    return StatusResult(
        **_facts(facts), modules=facts.get("modules") or {}, recent_runs=newest, notice=notice
    )


def _facts(facts: Json) -> Json:
    return {
        "session": facts.get("session") or f"{facts.get('tenant')}:{facts.get('module')}",
        "state": facts.get("state") or "none",
        "account": facts.get("account") or "",
        "route": facts.get("route") or "",
        "sign_in_as": facts.get("expected_account") or "",
        "signed_in_at": facts.get("signed_in_at") or "",
        "token_expires_at": facts.get("token_expires_at") or "",
        "survives_restart": facts.get("survives_restart"),
        "device_code": facts.get("device_code") or "",
        "auth_url": facts.get("auth_url") or "",
        "expires_at": facts.get("expires_at") or "",
        "reason": plain(facts.get("reason") or ""),
        "current_run": facts.get("current_run") or "",
        "advice": session_advice(facts),
        "next_step": session_step(facts),
    }


def run_line(run: Json, agent: str) -> str:
    """Return a run in one line.

    What a person typed in a notebook or a terminal is theirs: only agents' commands show.
    """
    command = (
        " ".join(plain(run.get("command") or "").split()) if run.get("client") == agent else ""
    )
    shown = (
        f": {command[:COMMAND_CHARS]}{'…' if len(command) > COMMAND_CHARS else ''}"
        if command
        else ""
    )
    return (
        f"{run['run_id']} {run['state']}, begun"
        f" {run.get('started_at') or run.get('created_at')}{shown}"
    )


def session_advice(facts: Json) -> Advice:
    """Return what to do about a session of that state."""
    if facts.get("state") == "signed_in":
        return ""
    if facts.get("declined") or (facts.get("sign_in") or {}).get("state") in FOR_A_PERSON:
        return "do_not_retry"
    return "ask_person" if facts.get("device_code") else "sign_in"


def session_step(facts: Json) -> str:
    """Return what to do next in a session of that state."""
    where = f"tenant {facts.get('tenant')} and module {facts.get('module')}"
    if facts.get("state") == "signed_in":
        return f"Call pwsh_run with {where}."
    if facts.get("declined"):
        return "The person does not want to sign in now: do not retry until they ask for it."
    if facts.get("device_code"):
        return sign_in_step(facts)
    if (facts.get("sign_in") or {}).get("state") in FOR_A_PERSON:
        return "Tell the person; do not retry."
    if facts.get("auth_pending") or facts.get("state") in ("starting", "signing_in"):
        return f"The sign-in shows no code yet: call pwsh_login with {where} again."
    return f"Call pwsh_login with {where}."


def sign_in_step(facts: Json) -> str:
    """Return what a person has to do for a pending sign-in, and what the model does then."""
    account = (
        f" and to sign in as {facts['expected_account']}" if facts.get("expected_account") else ""
    )
    return (
        f"Ask the person to open {facts.get('auth_url')} and enter the code"
        f" {facts.get('device_code')} (valid until {facts.get('expires_at')}){account}. Then call"
        f" pwsh_wait with tenant {facts.get('tenant')} and module {facts.get('module')}. Do not"
        " open the page yourself and do not ask for another code."
    )


def page_message(facts: Json) -> str:
    """Return what the person is told beside the offer to open the sign-in page."""
    account = f" as {facts['expected_account']}" if facts.get("expected_account") else ""
    return (
        f"Sign in to {facts.get('tenant')} ({facts.get('module')}){account}: enter the code"
        f" {facts.get('device_code')} on the page. Do it only if you asked for this; the code is"
        f" valid until {facts.get('expires_at')}."
    )


def session_text(result: SessionResult) -> str:
    """Return a session in words."""
    who = f" as {result.account}" if result.account else ""
    who += f" by {result.route}" if result.account and result.route else ""
    if result.state == "signed_in":
        who += f" since {result.signed_in_at}" if result.signed_in_at else ""
        who += f", token until {result.token_expires_at}" if result.token_expires_at else ""
        who += ", survives a restart" if result.survives_restart else ", lost at a restart"
    busy = f", running {result.current_run}" if result.current_run else ""
    reason = f" ({result.reason})" if result.reason else ""
    return lines(
        result.notice, f"{result.session}: {result.state}{who}{busy}{reason}", result.next_step
    )


def status_text(result: StatusResult) -> str:
    """Return a session with its newest runs, in words."""
    runs = (
        [f"Newest runs (pwsh_output shows their output): {'; '.join(result.recent_runs)}"]
        if result.recent_runs
        else []
    )
    pinned = ", ".join(f"{name} {version}" for name, version in result.modules.items())
    return lines(session_text(result), *([f"Modules: {pinned}"] if pinned else []), *runs)


def sessions_result(sessions: Json, modules: Json, notice: str) -> SessionsResult:
    """Return all sessions from the JSON of /sessions and /modules."""
    return SessionsResult(
        sessions=[session_result(one) for one in sessions["sessions"]],
        modules={key: facts["name"] for key, facts in modules["details"].items()},
        notice=notice,
    )


def sessions_text(result: SessionsResult) -> str:
    """Return all sessions in words, one line each."""
    shown = [session_text(one.model_copy(update={"next_step": ""})) for one in result.sessions]
    modules = ", ".join(f"{key} ({name})" for key, name in result.modules.items())
    return lines(
        result.notice,
        *(shown or ["No sessions. Call pwsh_login with a tenant."]),
        f"Modules: {modules}",
    )
