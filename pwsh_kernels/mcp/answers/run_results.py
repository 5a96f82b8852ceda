"""Runs in the words of the tools: the model, a short text, what to do about it, and the next step.

Pure.
"""

from typing import Any

from pwsh_kernels.escapes import plain
from pwsh_kernels.mcp.answers.excerpts import Excerpt
from pwsh_kernels.mcp.answers.models import Advice, Fault, RunResult, StartedResult, TenantResult
from pwsh_kernels.mcp.answers.questions import how_to_answer, is_secret, question
from pwsh_kernels.mcp.answers.refusals import refusal_text
from pwsh_kernels.mcp.answers.session_results import session_advice, session_step
from pwsh_kernels.mcp.answers.words import END, ended, lines, output_text

Json = dict[str, Any]

LISTED_RECORDS = 10
"""Error records and warnings that are listed in one answer; the output has them all."""

RECORD_CHARS = 1_000
"""Characters of one listed message."""

SIGNED_OUT = frozenset({"sign_in_ended", "wrong_account", "wrong_tenant", "not_signed_in"})
"""Codes of runs after which nobody is signed in any more."""


def run_result(run: Json, shown: Excerpt, notice: str = "") -> RunResult:
    """Return a run from its JSON and what is shown of its output."""
    return RunResult(**_facts(run, shown), notice=notice)


def started_result(run: Json, shown: Excerpt, notice: str = "") -> StartedResult:
    """Return the same for the tool that started the run."""
    return StartedResult(**_facts(run, shown), notice=notice)


def sign_in_first(facts: Json, notice: str = "") -> StartedResult:
    """Return that a sign-in has to come before the command, which was not run; `facts` of /login or
    /status.
    """
    return StartedResult(
        state=facts.get("state") or "none",
        session=f"{facts.get('tenant')}:{facts.get('module')}",
        tenant=facts.get("tenant") or "",
        sign_in_as=facts.get("expected_account") or "",
        device_code=facts.get("device_code") or "",
        auth_url=facts.get("auth_url") or "",
        expires_at=facts.get("expires_at") or "",
        advice=session_advice(facts),
        next_step=(
            f"The command was not run: a person has to sign in first. {session_step(facts)} Then"
            " run it again."
        ),
        notice=lines(notice, facts.get("lost") or ""),
    )


def sign_in_text(result: StartedResult) -> str:
    """Return that a sign-in has to come first, in words."""
    return lines(result.notice, f"{result.session}: {result.state}.", result.next_step)


def _facts(run: Json, shown: Excerpt) -> Json:
    return {
        "run_id": run["run_id"],
        "session": run["session"],
        "tenant": run.get("tenant") or "",
        "state": run["state"],
        "account": run.get("account") or "",
        "output": shown.head.text,
        "tail": shown.tail.text,
        "truncated": shown.left_out > 0 or bool(run.get("truncated")),
        "total_chars": shown.total,
        "next_cursor": shown.end if shown.more or is_open(run) else None,
        "errors": [_fault(record) for record in _records(run, "errors")],
        "warnings": [_short(record.get("message")) for record in _records(run, "warnings")],
        "exit_code": run.get("exit_code"),
        "duration_s": run.get("duration_s"),
        "question": question(run),
        "advice": run_advice(run),
        "next_step": run_step(run, shown),
    }


def _fault(record: Json) -> Fault:
    return Fault(
        message=_short(record.get("message")),
        error_id=record.get("error_id") or "",
        category=record.get("category") or "",
        line=record.get("line"),
        column=record.get("column"),
        suggestion=_short(record.get("suggestion")),
    )


def is_open(run: Json) -> bool:
    """Return whether a run has not ended."""
    return run["state"] in ("queued", "running", "waiting_for_input")


def is_failure(run: Json) -> bool:
    """Return whether a run ended other than well."""
    return run["state"] in ("failed", "cancelled", "lost")


def run_advice(run: Json) -> Advice:
    """Return what to do about a run in that state."""
    if run["state"] == "waiting_for_input":
        return "ask_person" if is_secret(run.get("prompt") or {}) else "answer"
    if is_open(run):
        return "wait"
    if run["state"] == "lost" or run.get("code") in SIGNED_OUT:
        return "sign_in"
    if run["state"] != "failed":
        return ""
    found: list[Advice] = [
        record["advice"] for record in run.get("errors") or () if record.get("advice")
    ]
    return found[0] if found else "fix_command"


def run_step(run: Json, shown: Excerpt) -> str:
    """Return what to do next with a run of that state."""
    run_id, state = run["run_id"], run["state"]
    if state == "waiting_for_input":
        return _question_step(run)
    if state in ("queued", "running"):
        return (
            f"Still {state}: call pwsh_wait with run_id {run_id} and cursor {shown.end} to go on,"
            " pwsh_cancel to stop it."
        )
    if state == "lost":
        return f"How far the command came is unknown: look before you repeat it. {_died(run)}"
    if run.get("code") in SIGNED_OUT:
        return plain(run.get("error") or "")
    suggestions = dict.fromkeys(
        _short(one.get("suggestion")) for one in _records(run, "errors") if one.get("suggestion")
    )
    more = (
        f"Call pwsh_output with run_id {run_id} and cursor {shown.end} for the rest, or with"
        " search, lines or where."
    )
    return " ".join([*suggestions, *([more] if shown.more else [])])


def _died(run: Json) -> str:
    return (
        "The session's PowerShell has died, with its variables and its sign-in. Call pwsh_login"
        f" with tenant {run.get('tenant')} and module {run.get('module')} to start a new one."
    )


def _question_step(run: Json) -> str:
    run_id, prompt = run["run_id"], run.get("prompt") or {}
    if is_secret(prompt):
        return (
            "Only a person can answer this, it is a secret: ask them to run `pwsh-kernels follow"
            f" {run_id}` in a terminal, then call pwsh_wait. Or call pwsh_cancel."
        )
    return (
        f"Call pwsh_answer with run_id {run_id} and {how_to_answer(prompt)}; ask the person first"
        " when it confirms a change. Or call pwsh_cancel and run the command with the value as a"
        " parameter."
    )


def tenant_result(run: Json, shown: Excerpt | None) -> TenantResult:
    """Return what a command gave in one of several tenants; `shown` is None where it was
    not run.
    """
    error = refusal_text(run) if run["state"] == "refused" else plain(run.get("error") or "")
    return TenantResult(
        tenant=run["tenant"],
        state=run["state"],
        run_id=run.get("run_id") or "",
        output=shown.head.text if shown else "",
        tail=shown.tail.text if shown else "",
        truncated=bool(shown and shown.left_out) or bool(run.get("truncated")),
        error=error if run["state"] not in ("queued", "running") else "",
    )


def tenants_result(results: list[TenantResult], notice: str) -> StartedResult:
    """Return what a command gave in all tenants."""
    states = {one.state for one in results}
    whole = (
        "succeeded"
        if states == {"succeeded"}
        else ("running" if states & {"queued", "running"} else "failed")
    )
    waiting = [one.run_id for one in results if one.state in ("queued", "running")]
    advice: Advice = "wait" if waiting else ""
    return StartedResult(
        state=whole,
        results=results,
        advice=advice,
        next_step=_rest_of(results, waiting),
        notice=notice,
    )


def _rest_of(results: list[TenantResult], waiting: list[str]) -> str:
    if waiting:
        return f"Still running: call pwsh_wait with run_id {', then '.join(waiting)}."
    cut = [one.run_id for one in results if one.truncated]
    return f"Not all is shown: pwsh_output has the rest, by run_id {', '.join(cut)}." if cut else ""


def tenants_text(result: StartedResult) -> str:
    """Return what a command gave in all tenants, in words."""
    blocks = [_tenant_block(one) for one in result.results]
    succeeded = sum(one.state == "succeeded" for one in result.results)
    return lines(
        result.notice,
        f"{succeeded} of {len(result.results)} tenants succeeded.",
        *blocks,
        result.next_step,
    )


def _tenant_block(one: TenantResult) -> str:
    error = f": {one.error}" if one.error else ""
    left_out = "----- more left out -----\n" if one.truncated else ""
    output = (
        "----- output"
        f" -----\n{ended(one.output)}{left_out}{ended(one.tail) if one.tail else ''}{END}"
    )
    run = f" (run {one.run_id})" if one.run_id else ""
    return lines(f"{one.tenant}: {one.state}{run}{error}", output if one.output else "")


def run_text(result: RunResult, shown: Excerpt) -> str:
    """Return a run in words: one line of facts, the output with labels between two marks, the next
    step.
    """
    seconds = f" after {result.duration_s:.1f} s" if result.duration_s is not None else ""
    who = f" as {result.account}" if result.account else ""
    code = f", exit code {result.exit_code}" if result.exit_code is not None else ""
    fault = f": {result.errors[0].message}" if result.errors else ""
    facts = f"{result.session}{who}: {result.state}{seconds}{code} (run {result.run_id}){fault}"
    asked = f"It asks: {result.question}" if result.question else ""
    return lines(result.notice, facts, asked, output_text(shown), result.next_step)


def _records(run: Json, name: str) -> list[Json]:
    return list(run.get(name) or ())[:LISTED_RECORDS]


def _short(text: str | None) -> str:
    shown = plain(text or "")
    return shown if len(shown) <= RECORD_CHARS else shown[: RECORD_CHARS - 1] + "…"
