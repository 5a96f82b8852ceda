"""Runs in the JSON shapes of docs/rest.md. Pure."""

from collections.abc import Mapping

from pwsh_kernels import shapes
from pwsh_kernels.records import OutputFormat
from pwsh_kernels.sessions.moment import now
from pwsh_kernels.sessions.queries.lines import LinesPage
from pwsh_kernels.sessions.runs.output_log import Page
from pwsh_kernels.sessions.runs.run import Run, failure_sentence, question, utc

RESULT_KINDS: Mapping[OutputFormat, frozenset[str]] = {
    "json": frozenset({"text"}),
    "csv": frozenset({"text"}),
    "text": frozenset({"text", "host", "console"}),
    "list": frozenset({"text", "host", "console"}),
    "compact": frozenset({"text", "host", "console"}),
}
"""Kinds of stdout entries that make up a run's result: text that a script only displays must not
break JSON or CSV.
"""
NO_OUTPUT = "OK"
LEFT = (
    "The server is stopping or restarting; the command continues, so do not run it again. Ask for"
    " run {id} again in a few seconds: GET /runs/{id}."
)


def run_view(run: Run) -> shapes.Run:
    """Return the Run shape without its result."""
    ended = run.ended_at or now()
    return {
        "success": run.state == "succeeded",
        "run_id": run.id,
        "session": str(run.key),
        "tenant": run.key.tenant,
        "module": run.key.module,
        "tier": run.key.tier,
        "account": run.account,
        "purpose": run.purpose,
        "state": run.state,
        "stopping": run.stopping,
        "format": run.options.format,
        "command": run.command,
        "class": run.judged,
        "principal": run.principal,
        "client": run.client,
        "trace_id": run.trace_id or None,
        "errors": [
            {**record.to_json(), "suggestion": advice.suggestion, "advice": advice.action}
            for record, advice in zip(run.errors, run.advice, strict=True)
        ],
        "warnings": [record.to_json() for record in run.warnings],
        "exit_code": run.summary.exit_code if run.summary else None,
        "objects": run.summary.kept_objects if run.summary else None,
        **_question(run),
        "created_at": utc(run.created_at),
        "started_at": utc(run.started_at),
        "ended_at": utc(run.ended_at),
        "duration_s": (
            round((ended - run.started_at).total_seconds(), 3) if run.started_at else None
        ),
        "total_chars": run.log.total_chars,
        "truncated": run.log.dropped_chars + (run.summary.truncated if run.summary else 0),
        "left_out": dict(run.summary.left_out) if run.summary else {},
        "prompt": run.prompt.to_json() if run.prompt else None,
        "progress": run.progress.to_json() if run.progress else None,
        "waits_behind": _ahead(run.behind),
        "approval": run.approval,
        "break_glass": run.break_glass,
        **_outcome(run),
    }


def listed_view(run: Run, shown: int) -> shapes.Run:
    """Return the Run shape for a list, with the first `shown` characters of its command."""
    view, length = run_view(run), len(run.command)
    if length > shown:
        view["command"] = f"{run.command[:shown]}… ({length:,} characters in all)"
    return view


def result_view(run: Run) -> shapes.RunResult:
    """Return the answer of POST /run: the Run shape with its result."""
    text = run.log.text(RESULT_KINDS[run.options.format])
    silent = run.state == "succeeded" and run.log.total_chars == 0
    if silent and run.purpose == "query":
        return {**run_view(run), "result": "[]" if run.options.format == "json" else ""}
    return {
        **run_view(run),
        "result": NO_OUTPUT if silent and run.options.format == "json" else text,
    }


def page_view(run: Run, page: Page, cursor: int) -> shapes.RunPage:
    """Return the answer of GET /runs/{id}."""
    return {
        **run_view(run),
        "entries": [entry.to_json() for entry in page.entries],
        "cursor": cursor,
        "next_cursor": page.next_cursor,
        "more": page.more,
    }


def lines_view(run: Run, page: LinesPage) -> shapes.LinesPage:
    """Return the answer of GET /runs/{id}/lines; in a search each line says whether it matches or
    is context.
    """
    return {
        "success": True,
        "run_id": run.id,
        "session": str(run.key),
        "state": run.state,
        "total_lines": page.total_lines,
        "matches": page.matches,
        "lines": [one.to_json(searched=page.matches is not None) for one in page.lines],
        "more": page.more,
    }


def _ahead(ahead: Run | None) -> shapes.RunAhead | None:
    return {"run_id": ahead.id, "state": ahead.state, "asker": ahead.asker} if ahead else None


def _question(run: Run) -> shapes.Question:
    if run.dry_run:
        return {"preview": run.preview}
    return {"query": run.query} if run.purpose == "query" else {}


def _outcome(run: Run) -> shapes.Failure:
    """Return `error` and `code` of a run that has not succeeded; they say how to continue."""
    if run.state == "succeeded":
        return {}
    return {"error": LEFT.format(id=run.id) if run.left else _sentence(run), "code": _code(run)}


def _code(run: Run) -> str:
    codes = {
        "failed": "command_failed",
        "cancelled": "run_cancelled",
        "lost": "session_lost",
        "waiting_for_input": "waiting_for_input",
        "waiting_for_approval": "waiting_for_approval",
    }
    return "server_restarting" if run.left else run.code or codes.get(run.state, "run_pending")


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
    return _open_sentence(run)


def _open_sentence(run: Run) -> str:
    ahead = run.behind
    if run.state == "waiting_for_approval" and run.approval:
        return (
            "Nothing has run yet: the command needs an approval by a person, who has until"
            f" {run.approval['expires_at']} for it: `pwsh-kernels approvals show"
            f" {run.approval['id']}`. Follow it with GET /runs/{run.id}, or take it back with POST"
            f" /runs/{run.id}/cancel."
        )
    if run.state == "waiting_for_input":
        return (
            f"The command is waiting for an answer from {run.asker} to: {question(run)!r}. Whoever"
            f" started it answers with POST /runs/{run.id}/input, or stops it with POST"
            f" /runs/{run.id}/cancel."
        )
    goes_on = (
        f"is queued behind run {ahead.id}, which is waiting for an answer from {ahead.asker}"
        if ahead and ahead.prompt
        else f"is {run.state} and continues"
    )
    return (
        f"The command {goes_on}. Follow it with GET /runs/{run.id}, or stop it with POST"
        f" /runs/{run.id}/cancel."
    )
