"""Runs in the words of the tools: the model, a short text, what to do about it, and the next step.

Pure.
"""

from typing import TypeVar

from pwsh_kernels.escapes import plain
from pwsh_kernels.mcp.answers.excerpts import Excerpt
from pwsh_kernels.mcp.answers.marks import Marks, escaped, named
from pwsh_kernels.mcp.answers.models import Advice, Fault, RunResult, StartedResult, TenantResult
from pwsh_kernels.mcp.answers.questions import (
    asker,
    is_decision,
    is_own,
    is_secret,
    question,
    step_to_answer,
)
from pwsh_kernels.mcp.answers.refusals import refusal_step, refusal_words
from pwsh_kernels.mcp.answers.session_results import (
    Standing,
    session_advice,
    session_step,
    where_of,
)
from pwsh_kernels.mcp.answers.words import ended, lines
from pwsh_kernels.preview_text import preview_text
from pwsh_kernels.records import PromptFacts
from pwsh_kernels.shapes import FAILED, GOING, OPEN, ErrorRecord, Refused, Run

AnyResult = TypeVar("AnyResult", bound=RunResult)
LISTED_RECORDS = 10
"""Error records and warnings that are listed in one answer; the output has them all."""

RECORD_CHARS = 1_000
"""Characters of one listed message."""

SIGNED_OUT = frozenset({"sign_in_ended", "wrong_account", "wrong_tenant", "not_signed_in"})
"""Codes of runs after which nobody is signed in any more."""


TOLD = frozenset({"output_lost", "approval_declined", "approval_expired", "approval_outdated"})
"""Codes of runs whose error is all that there is to say."""


def run_result(run: Run, shown: Excerpt, notice: str = "") -> RunResult:
    """Return a run with an excerpt of its output."""
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
        preview=_preview(run),
        advice=run_advice(run),
        next_step=run_step(run, shown),
        notice=notice,
    )


def declined(result: AnyResult) -> AnyResult:
    """Return the result of a run that was stopped because its question was declined, according to
    the client: some decline forms that they never showed.
    """
    where = f"{result.tenant} {result.session.partition(':')[2]}"
    stopped = "was stopped" if result.state == "cancelled" else "is being stopped"
    step = (
        f"Its question was declined, or this client did not show it; the command {stopped}. Tell"
        " the person, and do not retry until they ask for it. If they saw no question, they can run"
        f" the command themselves in a terminal, which asks them: `pwsh-kernels run {where}"
        " 'COMMAND'`."
    )
    return result.model_copy(update={"advice": "do_not_retry", "next_step": step})


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


def _preview(run: Run) -> str:
    preview = run.get("preview")
    return plain(preview_text(preview)) if preview else ""


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
    """Return whether a run ended without success."""
    return run["state"] in FAILED


def run_advice(run: Run) -> Advice:
    """Return what to do about a run in that state."""
    if run["state"] == "waiting_for_input" and not is_own(run):
        return "wait"
    if run["state"] in ("waiting_for_input", "waiting_for_approval"):
        asks = run["state"] == "waiting_for_approval" or _for_a_person(run["prompt"])
        return "ask_person" if asks else "answer"
    if is_open(run):
        return "wait"
    if run["state"] == "lost" or _signed_out(run):
        return "sign_in"
    if run["state"] != "failed":
        return ""
    found = [record["advice"] for record in run["errors"] if record["advice"]]
    usual: Advice = "do_not_retry" if run.get("code") == "output_lost" else "fix_command"
    return found[0] if found and usual == "fix_command" else usual


def _for_a_person(prompt: PromptFacts | None) -> bool:
    return prompt is not None and (is_secret(prompt) or is_decision(prompt))


def _signed_out(run: Run) -> bool:
    """Return whether the run failed because nobody is signed in any more."""
    return run["state"] in FAILED and run["code"] in SIGNED_OUT


def run_step(run: Run, shown: Excerpt) -> str:
    """Return what to do next with a run of that state."""
    run_id, state = run["run_id"], run["state"]
    if state == "waiting_for_input":
        return _question_step(run)
    if state == "waiting_for_approval":
        return _approval_step(run)
    if state in GOING:
        return (
            f"Still {state}{_behind(run)}: call pwsh_wait with run_id {run_id} and cursor"
            f" {shown.end} to continue, pwsh_cancel to stop it."
        )
    if state == "lost":
        return f"How far the command got is unknown: check before you repeat it. {_died(run)}"
    if _signed_out(run) or run.get("code") in TOLD:
        return plain(run["error"])
    listed = run["errors"][:LISTED_RECORDS]
    suggestions = dict.fromkeys(_short(one["suggestion"]) for one in listed if one["suggestion"])
    more = (
        f"Call pwsh_output with run_id {run_id} and cursor {shown.end} for the rest, or with"
        " search, lines or where."
    )
    beside = (
        "What the command printed besides its result is not shown here: pwsh_output with run_id"
        f' {run_id} and lines "1-200" has it.'
    )
    asides = [beside] if shown.head.has_asides or shown.tail.has_asides else []
    return " ".join([*suggestions, *asides, *([more] if shown.more else [])])


def _behind(run: Run) -> str:
    ahead = run.get("waits_behind")
    if not ahead:
        return ""
    asks = ahead["state"] == "waiting_for_input"
    waits = f", which is waiting for an answer from {named(ahead['asker'])}" if asks else ""
    return f" behind run {ahead['run_id']}{waits}"


def _died(run: Run) -> str:
    return (
        "The session's PowerShell has died, with its variables and its sign-in. Call pwsh_login"
        f" with tenant {run['tenant']} and module {run['module']} to start a new one."
    )


def _approval_step(run: Run) -> str:
    run_id, approval = run["run_id"], run["approval"]
    asked = (
        f"{approval['id']}, {approval['class']}; {', '.join(map(named, approval['approvers']))} may"
        f" decide until {approval['expires_at']}"
        if approval
        else "not known"
    )
    return (
        f"Nothing has run: a person must approve this change first (approval {asked}). Tell them:"
        f" on the page, or `pwsh-kernels approvals`. Then call pwsh_wait with run_id {run_id}, or"
        " pwsh_cancel to take it back. Do not run it in another way."
    )


def _question_step(run: Run) -> str:
    run_id, prompt = run["run_id"], run["prompt"]
    if not is_own(run):
        return (
            f"It is waiting for an answer from {named(asker(run))}, who started it. Do not answer"
            f" it: call pwsh_wait with run_id {run_id} to wait for its end."
        )
    if prompt and is_secret(prompt):
        return (
            "Only a person can answer this, because it is a secret: ask them to run `pwsh-kernels"
            f" follow {run_id}` in a terminal, then call pwsh_wait. Or call pwsh_cancel."
        )
    if prompt and is_decision(prompt):
        return (
            "A person decides this: show them the tenant, the account and the exact command, and"
            f" ask them. With their answer call pwsh_answer with run_id {run_id} and"
            f" {step_to_answer(prompt)}; without one call pwsh_cancel. Do not decide for them, and"
            " do not run the command in a way that does not ask."
        )
    return (
        f"Call pwsh_answer with run_id {run_id} and {step_to_answer(prompt)}; ask the person first"
        " when it confirms a change. Or call pwsh_cancel and run the command with the value as a"
        " parameter."
    )


def refused_result(one: Refused) -> TenantResult:
    """Return why a command was not run in one of several tenants."""
    return TenantResult(
        tenant=one["tenant"],
        state=one["state"],
        error=refusal_words(one),
        next_step=refusal_step(one),
    )


def tenant_result(run: Run, shown: Excerpt) -> TenantResult:
    """Return a command's result in one of several tenants."""
    return TenantResult(
        tenant=run["tenant"],
        state=run["state"],
        run_id=run["run_id"],
        output=shown.head.text,
        tail=shown.tail.text,
        truncated=shown.left_out > 0 or run["truncated"] > 0,
        error="" if run["state"] in GOING or run["state"] == "succeeded" else plain(run["error"]),
        next_step=_approval_step(run) if run["state"] == "waiting_for_approval" else "",
    )


def tenants_result(results: list[TenantResult], notice: str) -> StartedResult:
    """Return a command's results in all tenants."""
    states = {one.state for one in results}
    whole = "succeeded" if states == {"succeeded"} else ("running" if states & GOING else "failed")
    waiting = [one.run_id for one in results if one.state in GOING]
    asked = "waiting_for_approval" in states
    whole = "waiting_for_approval" if asked else whole
    advice: Advice = "ask_person" if asked else ("wait" if waiting else "")
    return StartedResult(
        state=whole,
        results=results,
        advice=advice,
        next_step=_rest_of(results, waiting),
        notice=notice,
    )


def _rest_of(results: list[TenantResult], waiting: list[str]) -> str:
    if waiting:
        return f"Not ended: call pwsh_wait with run_id {', then '.join(waiting)}."
    cut = [one.run_id for one in results if one.truncated]
    return f"Cut off: pwsh_output has the rest, by run_id {', '.join(cut)}." if cut else ""


def tenants_text(result: StartedResult, marks: Marks) -> str:
    """Return what a command gave in all tenants, in words."""
    blocks = [_tenant_block(one, marks) for one in result.results]
    succeeded = sum(one.state == "succeeded" for one in result.results)
    return lines(
        result.notice,
        f"{succeeded} of {len(result.results)} tenants succeeded.",
        *blocks,
        result.next_step,
    )


def _tenant_block(one: TenantResult, marks: Marks) -> str:
    left_out = f"{marks.line('more left out')}\n" if one.truncated else ""
    tail = ended(escaped(one.tail)) if one.tail else ""
    output = f"{marks.part('output', one.output)}{left_out}{tail}" if one.output else ""
    run = f" (run {one.run_id})" if one.run_id else ""
    told = marks.closed(marks.part("error", one.error), output)
    return lines(f"{one.tenant}: {one.state}{run}", told, one.next_step)


def run_text(result: RunResult, shown: Excerpt, marks: Marks) -> str:
    """Return a run in words: one line of facts; between marks its error, its question and its
    output with labels; the next step.
    """
    seconds = f" after {result.duration_s:.1f} s" if result.duration_s is not None else ""
    who = f" as {named(result.account)}" if result.account else ""
    code = f", exit code {result.exit_code}" if result.exit_code is not None else ""
    facts = f"{result.session}{who}: {result.state}{seconds}{code} (run {result.run_id})"
    advised, step = _advised(result)
    told = marks.closed(
        marks.part("error", result.errors[0].message if result.errors else ""),
        marks.part("advice", advised),
        marks.part("question", result.question),
        marks.part("preview", result.preview),
        output_part(shown, marks),
    )
    return lines(result.notice, facts, told, no_output(shown), step)


def _advised(result: RunResult) -> tuple[str, str]:
    if result.state == "failed" and result.advice == "sign_in":
        module, _, tier = result.session.partition(":")[2].partition(":")
        return result.next_step, sign_in_again(result.tenant, module, tier)
    return split_step(result.next_step, [one.suggestion for one in result.errors])


def page_step(run: Run, shown: Excerpt) -> tuple[str, str]:
    """Return the next step of a run, split into foreign words and ours."""
    if _signed_out(run):
        return run_step(run, shown), sign_in_again(run["tenant"], run["module"], run["tier"])
    suggestions = [_short(one["suggestion"]) for one in run["errors"][:LISTED_RECORDS]]
    return split_step(run_step(run, shown), suggestions)


def split_step(step: str, suggestions: list[str]) -> tuple[str, str]:
    """Return the foreign words in a next step, such as the name of a command, and the rest."""
    advised = " ".join(dict.fromkeys(filter(None, suggestions)))
    return (advised, step.removeprefix(advised).strip()) if advised else ("", step)


def sign_in_again(tenant: str, module: str, tier: str) -> str:
    """Return the next step after an ended sign-in."""
    return f"Call pwsh_login with {where_of(tenant, module, tier)}."


def no_output(shown: Excerpt) -> str:
    """Return a line that says that there is no output, if so."""
    if not shown.total:
        return "(no output)"
    return "" if shown.head.labelled else f"(no output after character {shown.start})"


def output_part(shown: Excerpt, marks: Marks) -> str:
    """Return an output, or the shown parts of it, under its mark."""
    if no_output(shown):
        return ""
    title = f"output, characters {shown.start} to {shown.end} of {shown.total}"
    head = marks.part(title, shown.head.labelled)
    if not shown.tail.labelled:
        return head
    left_out = marks.line(f"{shown.left_out} characters left out")
    return f"{head}{left_out}\n{ended(escaped(shown.tail.labelled))}"


def _short(text: str) -> str:
    shown = plain(text)
    return shown if len(shown) <= RECORD_CHARS else shown[: RECORD_CHARS - 1] + "…"
