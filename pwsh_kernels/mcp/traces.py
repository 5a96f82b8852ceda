"""The trace of an MCP message, from `params._meta` or the HTTP request: the requests that a tool
makes belong to it.
"""

from typing import Any

from mcp.server.context import (
    CallNext,
    HandlerResult,
    ServerRequestContext,
)
from opentelemetry import trace

from pwsh_kernels.tracing.context import TraceContext, within


async def keep_trace(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Answer a message within its span. The SDK has read `_meta`, and has begun a span of its own
    if this process exports any.
    """
    with within(given_trace()):
        return await call_next(ctx)


def given_trace() -> TraceContext | None:
    """Return the span that OpenTelemetry says we are within."""
    told = trace.get_current_span().get_span_context()
    if not told.is_valid:
        return None
    ids = (f"{told.trace_id:032x}", f"{told.span_id:016x}", f"{told.trace_flags:02x}")
    return TraceContext(*ids, told.trace_state.to_header())
