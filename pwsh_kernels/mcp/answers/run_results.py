"""Runs in the words of the tools: the model, a short text, what to do about it, and the next step.

Pure.
"""

from pwsh_kernels.escapes import plain
from pwsh_kernels.mcp.answers.excerpts import Excerpt
from pwsh_kernels.mcp.answers.models import Advice, Fault, RunResult, StartedResult, TenantResult
from pwsh_kernels.mcp.answers.questions import how_to_answer, is_secret, question
from pwsh_kernels.mcp.answers.refusals import refusal_text
from pwsh_kernels.mcp.answers.session_results import Standing, session_advice, session_step
from pwsh_kernels.mcp.answers.words import END, ended, lines, output_text
from pwsh_kernels.shapes import FAILED, GOING, OPEN, ErrorRecord, Refused, Run

LISTED_RECORDS = 10
"""Error records and warnings that are listed in one answer; the output has them all."""

RECORD_CHARS = 1_000
"""Characters of one listed message."""


def run_result(run: Run, shown: Excerpt, notice: str = "") -> RunResult:
    """Return a run and what is shown of its output."""
    return RunResult(
        run_id=run["run_id"],
        session=run["session"],
        tenant=run["tenant"],
        state=run["state"],
        account=run["account"] or "",
        output=shown.head.text,
        tail=shown.tail.text,
        truncated=shown.left_out > 0 or run["truncated"] > 0,
        total_chars=shown.total,
        next_cursor=shown.end if shown.more or is_open(run) else None,
        errors=[_fault(record) for record in run["errors"][:LISTED_RECORDS]],
        warnings=[_short(record["message"]) for record in run["warnings"][:LISTED_RECORDS]],
        exit_code=run["exit_code"],
        duration_s=run["duration_s"],
        question=question(run),
        advice=run_advice(run),
        next_step=run_step(run, shown),
        notice=notice,
    )


def started_result(run: Run, shown: Excerpt, notice: str = "") -> StartedResult:
    """Return the same for the tool that started the run."""
    return StartedResult(**dict(run_result(run, shown, notice)))


def sign_in_first(facts: Standing, notice: str = "") -> StartedResult:
    """Return that a sign-in has to come before the command, which was not run."""
    return StartedResult(
        state=facts.state,
        session=f"{facts.tenant}:{facts.module}",
        tenant=facts.tenant,
        sign_in_as=facts.expected_account,
        device_code=facts.device_code,
        auth_url=facts.auth_url,
        expires_at=facts.expires_at,
        advice=session_advice(facts),
        next_step=(
            f"The command was not run: a person has to sign in first. {session_step(facts)} Then"
            " run it again."
        ),
        notice=lines(notice, facts.lost),
    )


def sign_in_text(result: StartedResult) -> str:
    """Return that a sign-in has to come first, in words."""
    return lines(result.notice, f"{result.session}: {result.state}.", result.next_step)


def _fault(record: ErrorRecord) -> Fault:
    return Fault(
        message=_short(record["message"]),
        error_id=record["error_id"],
        category=record["category"],
        line=record["line"],
        column=record["column"],
        suggestion=_short(record["suggestion"]),
    )


def is_open(run: Run) -> bool:
    """Return whether a run has not ended."""
    return run["state"] in OPEN


def is_failure(run: Run) -> bool:
    """Return whether a run ended other than well."""
    return run["state"] in FAILED


def run_advice(run: Run) -> Advice:
    """Return what to do about a run in that state."""
    if run["state"] == "waiting_for_input":
        return "ask_person" if run["prompt"] and is_secret(run["prompt"]) else "answer"
    if is_open(run):
        return "wait"
    if run["state"] == "lost" or _signed_out(run):
        return "sign_in"
    if run["state"] != "failed":
        return ""
    found = [record["advice"] for record in run["errors"] if record["advice"]]
    return found[0] if found else "fix_command"


def _signed_out(run: Run) -> bool:
    """Return whether the run failed because nobody is signed in any more."""
    return run["state"] in FAILED and run["code"] == "sign_in_ended"


def run_step(run: Run, shown: Excerpt) -> str:
    """Return what to do next with a run of that state."""
    run_id, state = run["run_id"], run["state"]
    if state == "waiting_for_input":
        return _question_step(run)
    if state in GOING:
        return (
            f"Still {state}: call pwsh_wait with run_id {run_id} and cursor {shown.end} to go on,"
            " pwsh_cancel to stop it."
        )
    if state == "lost":
        return f"How far the command came is unknown: look before you repeat it. {_died(run)}"
    if _signed_out(run):
        return plain(run["error"])
    listed = run["errors"][:LISTED_RECORDS]
    suggestions = dict.fromkeys(_short(one["suggestion"]) for one in listed if one["suggestion"])
    more = (
        f"Call pwsh_output with run_id {run_id} and cursor {shown.end} for the rest, or with"
        " search, lines or where."
    )
    beside = (
        "What the command said beside its result is not shown here: pwsh_output with run_id"
        f' {run_id} and lines "1-200" has it.'
    )
    asides = [beside] if shown.head.has_asides or shown.tail.has_asides else []
    return " ".join([*suggestions, *asides, *([more] if shown.more else [])])


def _died(run: Run) -> str:
    return (
        "The session's PowerShell has died, with its variables and its sign-in. Call pwsh_login"
        f" with tenant {run['tenant']} and module {run['module']} to start a new one."
    )


def _question_step(run: Run) -> str:
    run_id, prompt = run["run_id"], run["prompt"]
    if prompt and is_secret(prompt):
        return (
            "Only a person can answer this, it is a secret: ask them to run `pwsh-kernels follow"
            f" {run_id}` in a terminal, then call pwsh_wait. Or call pwsh_cancel."
        )
    return (
        f"Call pwsh_answer with run_id {run_id} and {how_to_answer(prompt)}; ask the person first"
        " when it confirms a change. Or call pwsh_cancel and run the command with the value as a"
        " parameter."
    )


def refused_result(one: Refused) -> TenantResult:
    """Return why a command was not run in one of several tenants."""
    return TenantResult(tenant=one["tenant"], state=one["state"], error=refusal_text(one))


def tenant_result(run: Run, shown: Excerpt) -> TenantResult:
    """Return what a command gave in one of several tenants."""
    return TenantResult(
        tenant=run["tenant"],
        state=run["state"],
        run_id=run["run_id"],
        output=shown.head.text,
        tail=shown.tail.text,
        truncated=shown.left_out > 0 or run["truncated"] > 0,
        error="" if run["state"] in GOING or run["state"] == "succeeded" else plain(run["error"]),
    )


def tenants_result(results: list[TenantResult], notice: str) -> StartedResult:
    """Return what a command gave in all tenants."""
    states = {one.state for one in results}
    whole = "succeeded" if states == {"succeeded"} else ("running" if states & GOING else "failed")
    waiting = [one.run_id for one in results if one.state in GOING]
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


def _short(text: str) -> str:
    shown = plain(text)
    return shown if len(shown) <= RECORD_CHARS else shown[: RECORD_CHARS - 1] + "…"
