"""Spans, exported over OTLP/HTTP by OpenTelemetry's SDK, which reads the standard `OTEL_` variables
itself: endpoint, headers, sampler, service name.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from opentelemetry import context as ambient
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.span import TraceState

from pwsh_kernels import __version__
from pwsh_kernels.tracing.context import TraceContext

SERVICE = "pwsh-kernels"
NAME_VARIABLE = "OTEL_SERVICE_NAME"
FLUSH_WAIT = 3.0
"""Seconds that the last spans may take to leave when the server stops."""
Fact = str | int | bool


class Span:
    """One span that has begun."""

    def __init__(self, span: OtelSpan) -> None:
        self._span = span
        self.context = _context_of(span.get_span_context())

    def end(self, facts: Mapping[str, Fact], error: str = "", at: datetime | None = None) -> None:
        """End it, now or then. `error`: the kind of a failure; no text of anybody's."""
        self._span.set_attributes(dict(facts))
        if error:
            self._span.set_attribute("error.type", error)
            self._span.set_status(StatusCode.ERROR)
        self._span.end(_nanoseconds(at))


class Exporter:
    """Sends spans in the background; what cannot be sent is dropped."""

    def __init__(self) -> None:
        """Become the process's provider of tracers as well: the MCP SDK traces its calls by it."""
        name = os.environ.get(NAME_VARIABLE) or SERVICE
        resource = Resource.create({"service.name": name, "service.version": __version__})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        trace.set_tracer_provider(self._provider)
        self._tracer = self._provider.get_tracer(SERVICE, __version__)

    def begin(
        self,
        name: str,
        parent: TraceContext | None,
        facts: Mapping[str, Fact],
        *,
        at: datetime | None = None,
        serves: bool = False,
    ) -> Span:
        """Begin a span, now or then; `serves`: it answers a request from outside."""
        kind = SpanKind.SERVER if serves else SpanKind.INTERNAL
        begun = self._tracer.start_span(
            name, _parent(parent), kind, dict(facts), start_time=_nanoseconds(at)
        )
        return Span(begun)

    @contextmanager
    def ambient(self, parent: TraceContext | None) -> Iterator[None]:
        """Let spans of other libraries be children of `parent`, unless they know better."""
        token = ambient.attach(_parent(parent))
        try:
            yield
        finally:
            ambient.detach(token)

    def close(self) -> None:
        """Send what is left, for a bounded time."""
        last = threading.Thread(target=self._provider.shutdown, daemon=True)
        last.start()
        last.join(FLUSH_WAIT)


def _parent(parent: TraceContext | None) -> ambient.Context:
    if parent is None:
        return ambient.Context()
    told = SpanContext(
        int(parent.trace_id, 16),
        int(parent.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(parent.flags, 16)),
        trace_state=TraceState.from_header([parent.state]) if parent.state else None,
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(told), ambient.Context())


def _context_of(told: SpanContext) -> TraceContext:
    return TraceContext(
        f"{told.trace_id:032x}",
        f"{told.span_id:016x}",
        f"{told.trace_flags:02x}",
        told.trace_state.to_header(),
    )


def _nanoseconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * 1_000_000) * 1000
