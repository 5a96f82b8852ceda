"""Read a run's output again: a page, lines, matches of an expression, or its objects filtered,
sorted and projected.
"""

from pwsh_kernels.escapes import plain
from pwsh_kernels.mcp.answers.arguments import numbered
from pwsh_kernels.mcp.answers.excerpts import MAX_CHARS, Excerpt
from pwsh_kernels.mcp.answers.marks import Marks
from pwsh_kernels.mcp.answers.models import OutputResult
from pwsh_kernels.mcp.answers.run_results import (
    is_failure,
    no_output,
    output_part,
    page_step,
    run_step,
)
from pwsh_kernels.mcp.answers.words import lines
from pwsh_kernels.mcp.calls.call import Call
from pwsh_kernels.mcp.calls.waiting import read_output, wait_for_run
from pwsh_kernels.shapes import GOING, LinesArguments, LinesRange, QueryArguments, Run


async def read_page(call: Call, run_id: str, cursor: int) -> tuple[OutputResult, str]:
    """Return a run's output from a cursor on, from 0 head and tail, and the same in words."""
    run, shown = await read_output(call.backend, run_id, cursor)
    result = OutputResult(
        run_id=run_id,
        state=run["state"],
        output=shown.head.text,
        tail=shown.tail.text,
        unit="characters",
        total=shown.total,
        left_out=shown.left_out or shown.total - shown.end,
        next=shown.end if shown.more else None,
        next_step=run_step(run, shown),
        notice=call.notice,
    )
    advised, step = page_step(run, shown)
    return result, lines(
        call.notice,
        f"Run {run_id}: {run['state']}.",
        call.marks.closed(call.marks.part("advice", advised), output_part(shown, call.marks)),
        no_output(shown),
        step,
    )


async def read_lines(
    call: Call, run_id: str, place: LinesRange, search: str
) -> tuple[OutputResult, str]:
    """Return lines of a run's output, by number or by an expression, and the same in words."""
    asked: LinesArguments = {
        "from": place["from"],
        "count": place["count"],
        "search": search or None,
    }
    page = await call.backend.lines(run_id, asked)
    shown, count, more = numbered(page["lines"], MAX_CHARS)
    following = more or page["more"]
    result = OutputResult(
        run_id=run_id,
        state=page["state"],
        output=shown,
        unit="lines",
        total=page["total_lines"],
        matches=page["matches"],
        left_out=page["total_lines"] - count,
        next=following,
        next_step=_lines_step(run_id, following, search),
        notice=call.notice,
    )
    return result, _lines_text(result, call.marks)


def _lines_step(run_id: str, following: int | None, search: str) -> str:
    if following is None:
        return ""
    again = " and the same search" if search else ""
    return f'Call pwsh_output with run_id {run_id}{again} and lines "{following}" to go on.'


def _lines_text(result: OutputResult, marks: Marks) -> str:
    found = (
        f"{result.matches} matching of {result.total} lines"
        if result.matches is not None
        else f"{result.total} lines"
    )
    head = f"Run {result.run_id}: {result.state}, {found}."
    shown = marks.around("lines", result.output) or "(none)"
    return lines(result.notice, head, shown, result.next_step)


async def query(call: Call, run_id: str, asked: QueryArguments) -> tuple[OutputResult, str, bool]:
    """Return the requested kept objects of a run, the same in words, and whether that failed.

    The command is not run again.
    """
    asking = await call.backend.query(run_id, asked, wait_s=0)
    waited = await wait_for_run(call.backend, asking, call.waiting)
    run, shown = await read_output(call.backend, waited["run_id"], 0)
    counts = run["query"]
    matched, given = (counts["matched"], counts["shown"]) if counts else (None, 0)
    following = asked["skip"] + given
    left = following < (matched or 0)
    result = OutputResult(
        run_id=run["run_id"],
        state=run["state"],
        output=shown.head.text,
        tail=shown.tail.text,
        unit="objects",
        total=counts["kept"] if counts else 0,
        matches=matched,
        left_out=(matched or 0) - given,
        next=following if run["state"] == "succeeded" and left else None,
        next_step=_query_step(run, shown, run_id, following, matched or 0),
        notice=call.notice,
    )
    return result, _query_text(result, shown, run, call.marks), is_failure(run)


def _query_step(run: Run, shown: Excerpt, run_id: str, following: int, matched: int) -> str:
    if run["state"] in GOING:
        return f"The session is busy: call pwsh_wait with run_id {run['run_id']} for the answer."
    if run["state"] != "succeeded":
        return "Correct the arguments, or read the run's text with lines or search."
    if shown.left_out:
        return (
            "Only head and tail are shown: ask for fewer properties (select) or fewer objects"
            " (first)."
        )
    return (
        f"Call pwsh_output with run_id {run_id}, the same arguments and skip {following}."
        if following < matched
        else ""
    )


def _query_text(result: OutputResult, shown: Excerpt, run: Run, marks: Marks) -> str:
    if is_failure(run):
        error = marks.around("error", plain(run["error"] or ""))
        return lines(result.notice, f"The question is {run['state']}.", error, result.next_step)
    what = (
        f"{result.matches} of {result.total} objects match."
        if result.matches is not None
        else f"{result.state}."
    )
    output = marks.around("objects", shown.head.labelled + shown.tail.labelled)
    return lines(result.notice, what, output, result.next_step)
