"""Which trace a request belongs to: W3C trace context, read from headers, written, and known to
whatever answers the request.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

PARENT, STATE = "traceparent", "tracestate"
_FIELDS = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[ -~]*)?")
_STATE = re.compile(r"[ -~]{1,512}")
_NOTHING = {"0" * 32, "0" * 16}


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A span that others are children of; `state` is passed on as it came."""

    trace_id: str
    span_id: str
    flags: str = "01"
    state: str = ""

    @property
    def parent(self) -> str:
        """The value of `traceparent`."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    def headers(self) -> dict[str, str]:
        """Return what a request within this span carries."""
        return {PARENT: self.parent, **({STATE: self.state} if self.state else {})}


_CURRENT: ContextVar[TraceContext | None] = ContextVar("pwsh_kernels_trace", default=None)


def read_trace(headers: Mapping[str, str]) -> TraceContext | None:
    """Return what a request's headers say; None: nothing that W3C's trace context allows."""
    given = headers.get(PARENT)
    found = _FIELDS.fullmatch(given.strip()) if isinstance(given, str) else None
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or {trace_id, span_id} & _NOTHING:
        return None
    state = headers.get(STATE, "").strip()
    return TraceContext(trace_id, span_id, flags, state if _STATE.fullmatch(state) else "")


def current_trace() -> TraceContext | None:
    """Return the span within which this is called; None: there is none."""
    return _CURRENT.get()


def enter(trace: TraceContext | None) -> None:
    """Be within a span until this task ends; None: change nothing."""
    if trace is not None:
        _CURRENT.set(trace)


@contextmanager
def within(trace: TraceContext | None) -> Iterator[None]:
    """Be within a span; None: change nothing."""
    if trace is None:
        yield
        return
    token = _CURRENT.set(trace)
    try:
        yield
    finally:
        _CURRENT.reset(token)
