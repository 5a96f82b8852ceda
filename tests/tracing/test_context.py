"""W3C trace context: what of a request's headers is taken, and what is passed on."""

import pytest

from pwsh_kernels.tracing.context import TraceContext, current_trace, read_trace, within

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GIVEN = f"00-{TRACE}-{SPAN}-01"


def test_a_traceparent_is_passed_on_as_it_came() -> None:
    headers = {"traceparent": GIVEN, "tracestate": "vendor=1,other=2"}
    found = read_trace(headers)
    assert found == TraceContext(TRACE, SPAN, "01", "vendor=1,other=2")
    assert found.headers() == headers


@pytest.mark.parametrize(
    "given",
    [
        "",
        "nonsense",
        GIVEN.upper(),
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-{SPAN}-01",
        f"{GIVEN}-more",
        f"00-{TRACE}-{SPAN}",
        f"{GIVEN}\nx: y",
        5,
        None,
    ],
)
def test_anything_else_is_no_trace(given: object) -> None:
    assert read_trace({"traceparent": given}) is None  # type: ignore[dict-item]


def test_a_later_version_may_say_more() -> None:
    found = read_trace({"traceparent": f"01-{TRACE}-{SPAN}-00-more"})
    assert found == TraceContext(TRACE, SPAN, "00")


@pytest.mark.parametrize("state", ["", "x" * 513, "a=1\nb=2", "ä=1"])
def test_a_tracestate_that_is_too_long_or_odd_is_left_out(state: str) -> None:
    assert read_trace({"traceparent": GIVEN, "tracestate": state}) == TraceContext(TRACE, SPAN)


def test_a_trace_is_known_within_its_span_only() -> None:
    outer, inner = TraceContext(TRACE, SPAN), TraceContext(TRACE, "1" * 16)
    with within(outer):
        with within(None):
            assert current_trace() == outer
        with within(inner):
            assert current_trace() == inner
        assert current_trace() == outer
    assert current_trace() is None
