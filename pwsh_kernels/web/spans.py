"""Which spans the server's work leaves: of a route that answers, and of a run with what became of
it. Never a command, output or a person.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.tracing.context import TraceContext, current_trace, enter, within
from pwsh_kernels.web.rest.route import Route

if TYPE_CHECKING:
    from pwsh_kernels.tracing.otlp import Exporter, Fact, Span

OURS = "pwsh_kernels."
FAILED = ("failed", "lost")
"""States of a run that count as errors; a cancelled one does not."""


@dataclass(frozen=True, slots=True)
class Part:
    """A span of the past, and those within it."""

    name: str
    begun: datetime
    ended: datetime
    facts: "Mapping[str, Fact]"
    error: str = ""
    parts: "Sequence[Part]" = ()


def parts_of(run: Run) -> Part:
    """Return the spans of a run that has ended: it waited, it ran, and in that time its PowerShell
    worked, by the kernel's own clock. Pure.
    """
    ended, began = run.ended_at or run.created_at, run.started_at
    parts = list(_waits(run, began or ended))
    if began:
        parts.append(Part("running", began, ended, {}, parts=_powershell(run)))
    error = (run.code or run.state) if run.state in FAILED else ""
    return Part(f"run {run.key.module}", run.created_at, ended, _facts(run), error, parts)


def _waits(run: Run, until: datetime) -> Iterator[Part]:
    """Yield how long it waited for an approval, and then for its turn."""
    if run.approval:
        yield Part("waiting_for_approval", run.created_at, run.queued_at or until, {})
    if run.queued_at or not run.approval:
        yield Part("queued", run.queued_at or run.created_at, until, {})


def _powershell(run: Run) -> Sequence[Part]:
    summary = run.summary
    if summary is None or not summary.began_at:
        return ()
    began = datetime.fromtimestamp(summary.began_at, UTC)
    return (Part("powershell", began, began + timedelta(seconds=summary.duration_s), {}),)


def _facts(run: Run) -> "Mapping[str, Fact]":
    summary = run.summary
    told: Mapping[str, Fact | None] = {
        "run_id": run.id,
        "tenant": run.key.tenant,
        "module": run.key.module,
        "tier": run.key.tier,
        "class": run.judged or None,
        "purpose": run.purpose,
        "state": run.state,
        "errors": summary.errors if summary else None,
        "warnings": summary.warnings if summary else None,
        "objects": summary.kept_objects if summary else None,
        "output_chars": run.log.total_chars,
    }
    return {f"{OURS}{name}": value for name, value in told.items() if value is not None}


def export_run(traces: "Exporter", run: Run) -> None:
    """Export the spans of a run that has ended, within the span that it was asked for in."""
    _export(traces, parts_of(run), run.trace)


def _export(traces: "Exporter", part: Part, parent: TraceContext | None) -> None:
    span = traces.begin(part.name, parent, part.facts, at=part.begun)
    for one in part.parts:
        _export(traces, one, span.context)
    span.end({}, part.error, part.ended)


def begin_route(
    traces: "Exporter | None", route: Route, given: TraceContext | None
) -> "Span | None":
    """Begin the span of a request over HTTP, and be within it until its task ends; without traces,
    within the one that the client gave.
    """
    if traces is None:
        enter(given)
        return None
    span = _begin(traces, route, given, serves=True)
    enter(span.context)
    return span


def end_route(span: "Span | None", status: int) -> None:
    """End the span of a request with the status of its answer."""
    if span is not None:
        span.end({"http.response.status_code": status}, str(status) if status >= 500 else "")


@contextmanager
def within_route(traces: "Exporter | None", route: Route) -> Iterator[None]:
    """Be within the span of a route that is asked without HTTP."""
    if traces is None:
        yield
        return
    span = _begin(traces, route, current_trace(), serves=False)
    error = ""
    try:
        with within(span.context):
            yield
    except Exception as failure:
        error = type(failure).__name__
        raise
    finally:
        span.end({}, error)


def _begin(
    traces: "Exporter", route: Route, parent: TraceContext | None, *, serves: bool
) -> "Span":
    facts = {"http.request.method": route.method, "http.route": route.path}
    return traces.begin(f"{route.method} {route.path}", parent, facts, serves=serves)


def within_call(
    traces: "Exporter | None", given: TraceContext | None
) -> AbstractContextManager[None]:
    """Be within what the headers of a call of MCP said; the MCP SDK makes the span of the call."""
    return traces.ambient(given) if traces else nullcontext()
