"""The state tables of runs and sessions: which state may follow which."""

from collections.abc import Mapping

from pwsh_kernels.shapes import RunState, SessionState

RUN_STATES: Mapping[RunState, frozenset[RunState]] = {
    "waiting_for_approval": frozenset({"queued", "cancelled", "lost"}),
    "queued": frozenset({"running", "failed", "cancelled", "lost"}),
    "running": frozenset({"waiting_for_input", "succeeded", "failed", "cancelled", "lost"}),
    "waiting_for_input": frozenset({"running", "succeeded", "failed", "cancelled", "lost"}),
    "succeeded": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
    "lost": frozenset(),
}
GONE: frozenset[SessionState] = frozenset({"lost", "closed"})
SESSION_STATES: Mapping[SessionState, frozenset[SessionState]] = {
    "starting": frozenset({"signed_out", "signed_in", "lost", "closed"}),
    "signed_out": frozenset({"signing_in", "lost", "closed"}),
    "signing_in": frozenset({"signed_in", "signed_out", "lost", "closed"}),
    "signed_in": frozenset({"signed_out", "lost", "closed"}),
    "lost": frozenset({"closed"}),
    "closed": frozenset(),
}
"""A lost or closed session never comes back: a new login makes a new session under the same key."""


def run_may_become(state: RunState, following: RunState) -> bool:
    """Return whether a run may change from `state` to `following`."""
    return following in RUN_STATES[state]


def session_may_become(state: SessionState, following: SessionState) -> bool:
    """Return whether a session may change from `state` to `following`."""
    return following in SESSION_STATES[state]
