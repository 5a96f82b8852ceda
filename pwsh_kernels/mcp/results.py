"""Runs, sessions and errors in the words of the tools: models, short texts, and the next step. Pure."""

from typing import Any

from pwsh_kernels.errors import ProductError
from pwsh_kernels.mcp.models import Fault, RunResult, SessionResult, SessionsResult, TenantResult
from pwsh_kernels.mcp.output import Excerpt, plain

Json = dict[str, Any]

LISTED_RECORDS = 10
"""Error records and warnings that are listed in one answer; the output has them all."""

FOR_A_PERSON = frozenset({"blocked", "wrong_account", "wrong_tenant"})
"""Ends of a sign-in that another try would not change."""

RECORD_CHARS = 1_000
"""Characters of one listed message."""


def session_result(facts: Json, notice: str = "") -> SessionResult:
    """Return a session from the JSON of /login, /status or /sessions."""
    return SessionResult(
        session=facts.get("session") or f"{facts.get('tenant')}:{facts.get('module')}",
        state=facts.get("state") or "none",
        account=facts.get("account") or "",
        route=facts.get("route") or "",
        sign_in_as=facts.get("expected_account") or "",
        signed_in_at=facts.get("signed_in_at") or "",
        token_expires_at=facts.get("token_expires_at") or "",
        survives_restart=facts.get("survives_restart"),
        device_code=facts.get("device_code") or "",
        auth_url=facts.get("auth_url") or "",
        expires_at=facts.get("expires_at") or "",
        reason=plain(facts.get("reason") or ""),
        current_run=facts.get("current_run") or "",
        next_step=session_step(facts),
        notice=notice,
    )


def session_step(facts: Json) -> str:
    """Return what to do next in a session of that state."""
    where = f"tenant {facts.get('tenant')} and module {facts.get('module')}"
    if facts.get("state") == "signed_in":
        return f"Call pwsh_run with {where}."
    if facts.get("device_code"):
        return sign_in_step(facts)
    if (facts.get("sign_in") or {}).get("state") in FOR_A_PERSON:
        return "Tell the person; do not retry."
    if facts.get("auth_pending") or facts.get("state") in ("starting", "signing_in"):
        return f"The sign-in shows no code yet: call pwsh_login with {where} again."
    return f"Call pwsh_login with {where}."


def sign_in_step(facts: Json) -> str:
    """Return what a person has to do for a pending sign-in, and what the model does then."""
    account = f" and to sign in as {facts['expected_account']}" if facts.get("expected_account") else ""
    return (
        f"Ask the person to open {facts.get('auth_url')} and enter the code {facts.get('device_code')} "
        f"(valid until {facts.get('expires_at')}){account}. Then call pwsh_wait with tenant {facts.get('tenant')} and "
        f"module {facts.get('module')}. Do not open the page yourself and do not ask for another code."
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
    return _lines(result.notice, f"{result.session}: {result.state}{who}{busy}{reason}", result.next_step)


def sessions_result(sessions: Json, modules: Json, notice: str) -> SessionsResult:
    """Return all sessions from the JSON of /sessions and /modules."""
    return SessionsResult(
        sessions=[session_result(one) for one in sessions["sessions"]],
        modules={key: facts["name"] for key, facts in modules["details"].items()},
        notice=notice,
    )


def sessions_text(result: SessionsResult) -> str:
    """Return all sessions in words, one line each."""
    lines = [session_text(one.model_copy(update={"next_step": ""})) for one in result.sessions]
    modules = ", ".join(f"{key} ({name})" for key, name in result.modules.items())
    return _lines(result.notice, *(lines or ["No sessions. Call pwsh_login with a tenant."]), f"Modules: {modules}")


def run_result(run: Json, shown: Excerpt, notice: str = "") -> RunResult:
    """Return a run from its JSON and what is shown of its output."""
    records = [*_records(run, "errors")]
    return RunResult(
        run_id=run["run_id"],
        session=run["session"],
        state=run["state"],
        account=run.get("account") or "",
        output=shown.head.text,
        tail=shown.tail.text,
        truncated=shown.left_out > 0 or bool(run.get("truncated")),
        total_chars=shown.total,
        next_cursor=shown.end if shown.more or is_open(run) else None,
        errors=[Fault(message=_message(one), error_id=one.get("error_id") or "", line=one.get("line")) for one in records],
        warnings=[_message(one) for one in _records(run, "warnings")],
        exit_code=run.get("exit_code"),
        duration_s=run.get("duration_s"),
        question=question(run),
        next_step=run_step(run, shown),
        notice=notice,
    )


def is_open(run: Json) -> bool:
    """Return whether a run has not ended."""
    return run["state"] in ("queued", "running", "waiting_for_input")


def is_failure(run: Json) -> bool:
    """Return whether a run ended other than well."""
    return run["state"] in ("failed", "cancelled", "lost")


def question(run: Json) -> str:
    """Return what a run asks for, or an empty text."""
    prompt = run.get("prompt") or {}
    parts = [prompt.get("caption"), prompt.get("message")]
    parts += [field.get("label") or field.get("name") for field in prompt.get("fields") or ()]
    parts += [choice.get("label") for choice in prompt.get("choices") or ()]
    return plain(" | ".join(dict.fromkeys(part for part in parts if part))) or prompt.get("kind", "")


def run_step(run: Json, shown: Excerpt) -> str:
    """Return what to do next with a run of that state."""
    run_id, state = run["run_id"], run["state"]
    if state == "waiting_for_input":
        return (
            f"The command asks a question, and only a person can answer it: ask them to run `pwsh-kernels follow {run_id}` "
            "in a terminal, then call pwsh_wait. Or call pwsh_cancel and run the command with the value as a parameter."
        )
    if state in ("queued", "running"):
        return (
            f"Still {state}: call pwsh_wait with run_id {run_id} and cursor {shown.end} to go on, or pwsh_cancel to stop it."
        )
    if state == "lost":
        return "The session's PowerShell has died, and its sign-in with it. Call pwsh_login to start a new session."
    if run.get("code") == "sign_in_ended":
        return plain(run.get("error") or "")
    if shown.more:
        return f"Call pwsh_wait with run_id {run_id} and cursor {shown.end} for the rest, or run a narrower command."
    return ""


def tenant_result(run: Json, shown: Excerpt | None) -> TenantResult:
    """Return what a command gave in one of several tenants; `shown` is None where it was not run."""
    return TenantResult(
        tenant=run["tenant"],
        state=run["state"],
        run_id=run.get("run_id") or "",
        output=shown.head.text if shown else "",
        tail=shown.tail.text if shown else "",
        truncated=bool(shown and shown.left_out) or bool(run.get("truncated")),
        error=plain(run.get("error") or "") if run["state"] not in ("queued", "running") else "",
    )


def tenants_result(results: list[TenantResult], notice: str) -> RunResult:
    """Return what a command gave in all tenants."""
    states = {one.state for one in results}
    whole = "succeeded" if states == {"succeeded"} else ("running" if states & {"queued", "running"} else "failed")
    waiting = [one.run_id for one in results if one.state in ("queued", "running")]
    step = f"Still running: call pwsh_wait with run_id {', then '.join(waiting)}." if waiting else ""
    return RunResult(state=whole, results=results, next_step=step, notice=notice)


def tenants_text(result: RunResult) -> str:
    """Return what a command gave in all tenants, in words."""
    blocks = [_tenant_block(one) for one in result.results]
    succeeded = sum(one.state == "succeeded" for one in result.results)
    return _lines(result.notice, f"{succeeded} of {len(result.results)} tenants succeeded.", *blocks, result.next_step)


def _tenant_block(one: TenantResult) -> str:
    error = f": {one.error}" if one.error else ""
    left_out = "----- more left out -----\n" if one.truncated else ""
    output = f"----- output -----\n{_ended(one.output)}{left_out}{_ended(one.tail) if one.tail else ''}----- end -----"
    run = f" (run {one.run_id})" if one.run_id else ""
    return _lines(f"{one.tenant}: {one.state}{run}{error}", output if one.output else "")


def run_text(result: RunResult, shown: Excerpt) -> str:
    """Return a run in words: one line of facts, the output with labels between two marks, the next step."""
    seconds = f" after {result.duration_s:.1f} s" if result.duration_s is not None else ""
    who = f" as {result.account}" if result.account else ""
    code = f", exit code {result.exit_code}" if result.exit_code is not None else ""
    fault = f": {result.errors[0].message}" if result.errors else ""
    facts = f"{result.session}{who}: {result.state}{seconds}{code} (run {result.run_id}){fault}"
    asked = f"It asks: {result.question}" if result.question else ""
    return _lines(result.notice, facts, asked, output_text(shown), result.next_step)


def output_text(shown: Excerpt) -> str:
    """Return the output between two marks, so that what a command printed is not taken for our own words."""
    if not shown.total:
        return "(no output)"
    if not shown.head.labelled:
        return f"(no output after character {shown.start})"
    of = f"characters {shown.start} to {shown.end} of {shown.total}"
    head = f"----- output, {of} -----\n{_ended(shown.head.labelled)}"
    if not shown.tail.labelled:
        return f"{head}----- end -----"
    return f"{head}----- {shown.left_out} characters left out -----\n{_ended(shown.tail.labelled)}----- end -----"


def error_text(error: ProductError) -> str:
    """Return what happened and the next step, for a model that has only our tools."""
    facts = error.to_json()
    step = _steps(facts).get(facts["code"], "")
    if facts["code"] in ("not_signed_in", "sign_in_pending", "waiting_for_input", "session_lost"):
        return f"{_cause(facts)} {step}"
    text = error.text()
    return f"{text if text.endswith('.') else text + '.'} {step}" if step else text


def _cause(facts: Json) -> str:
    where = f"{facts.get('tenant')}:{facts.get('module')}"
    return {
        "not_signed_in": f"{where} is not signed in." + (f" {facts['reason']}" if facts.get("reason") else ""),
        "sign_in_pending": f"The sign-in to {where} waits for a person.",
        "waiting_for_input": f"Run {facts.get('run_id')} in {where} waits for an answer to: {facts.get('question')}",
        "session_lost": f"The PowerShell of {where} has died ({facts.get('reason')}), and its sign-in with it.",
    }[facts["code"]]


def _steps(facts: Json) -> dict[str, str]:
    where = f"tenant {facts.get('tenant')} and module {facts.get('module')}"
    person = "Tell the person; do not retry."
    pending = sign_in_step(facts) if facts.get("device_code") else f"Call pwsh_login with {where} for the code."
    return {
        "not_signed_in": f"Call pwsh_login with {where}.",
        "sign_in_pending": pending,
        "waiting_for_input": (
            f"Ask the person to run `pwsh-kernels follow {facts.get('run_id')}` in a terminal, "
            f"or call pwsh_cancel with run_id {facts.get('run_id')}."
        ),
        "session_lost": f"Call pwsh_login with {where}.",
        "unknown_session": "pwsh_sessions lists the sessions.",
        "unknown_run": "pwsh_sessions shows the runs that are going on.",
        "sign_in_failed": f"Call pwsh_login with {where} to try again.",
        "sign_in_expired": f"Call pwsh_login with {where} for a new code when the person is ready.",
        "sign_in_declined": f"Call pwsh_login with {where} for a new code when the person wants to sign in.",
        "sign_in_cancelled": f"Call pwsh_login with {where} to try again.",
        "sign_in_ended": f"Call pwsh_login with {where}.",
        "sign_in_needs_person": f"Call pwsh_login with {where}.",
        "sign_in_blocked": person,
        "wrong_account": person,
        "wrong_tenant": person,
        "route_not_configured": person,
        "unknown_tenant": "Use one of these names, or ask the person.",
        "unsupported_module": person,
        "unauthorized": f"PWSH_MANAGER_TOKEN must be set for this MCP server. {person}",
        "answer_lost": "Call pwsh_sessions to see what goes on before you try again.",
        "server_unreachable": person,
        "server_start_failed": person,
        "not_our_server": person,
        "powershell_not_found": person,
        "powershell_too_old": person,
    }


def _records(run: Json, name: str) -> list[Json]:
    return list(run.get(name) or ())[:LISTED_RECORDS]


def _message(record: Json) -> str:
    message = plain(record.get("message") or "")
    return message if len(message) <= RECORD_CHARS else message[: RECORD_CHARS - 1] + "…"


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


def _lines(*parts: str) -> str:
    return "\n".join(part for part in parts if part)
