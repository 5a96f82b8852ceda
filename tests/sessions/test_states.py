"""The state tables of runs and sessions."""

from pathlib import Path
from typing import get_args

import pytest

from pwsh_kernels.records import Prompt, Record, Summary
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.runs.output_log import OutputLog
from pwsh_kernels.sessions.runs.run import RECORDS_KEPT, Run, end_state
from pwsh_kernels.sessions.states import (
    GONE,
    RUN_STATES,
    SESSION_STATES,
    run_may_become,
    session_may_become,
)
from pwsh_kernels.shapes import ENDED, OPEN, RunState, SessionState


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run("r-1", SessionKey("contoso.example", "exo"), "1", OutputLog(tmp_path / "r", 1000))


def test_every_state_has_its_row() -> None:
    assert set(RUN_STATES) == set(get_args(RunState)) == OPEN | ENDED
    assert set(SESSION_STATES) == set(get_args(SessionState))


def test_an_ended_run_becomes_nothing_else() -> None:
    assert not [
        (ended, other) for ended in ENDED for other in RUN_STATES if run_may_become(ended, other)
    ]


def test_every_run_that_has_not_ended_can_be_lost_or_cancelled() -> None:
    assert all(run_may_become(state, end) for state in OPEN for end in ("lost", "cancelled"))


def test_a_queued_run_succeeds_only_by_running() -> None:
    assert not run_may_become("queued", "succeeded")
    assert not run_may_become("queued", "waiting_for_input")


def test_nobody_is_signed_in_without_a_sign_in_or_a_check_at_start() -> None:
    assert {state for state in SESSION_STATES if session_may_become(state, "signed_in")} == {
        "starting",
        "signing_in",
    }


def test_every_living_session_can_be_lost_and_closed() -> None:
    living = set(SESSION_STATES) - GONE
    assert all(
        session_may_become(state, "lost") and session_may_become(state, "closed")
        for state in living
    )


def test_a_lost_session_never_lives_again() -> None:
    assert not [state for state in set(SESSION_STATES) - GONE if session_may_become("lost", state)]


def test_a_run_keeps_the_end_that_came_first(run: Run) -> None:
    run.become("running")
    run.finish("cancelled")
    run.finish("succeeded")
    run.become("running")
    assert run.state == "cancelled"
    assert run.ended_at is not None


def test_the_start_is_the_first_time_that_it_ran(run: Run) -> None:
    run.become("running")
    started = run.started_at
    run.ask(Prompt("line", message="Name"))
    assert (run.state, run.prompt) == ("waiting_for_input", Prompt("line", message="Name"))
    run.become("running")
    assert run.started_at == started
    assert run.prompt is None


def test_an_ended_run_asks_nothing(run: Run) -> None:
    run.finish("lost", reason="killed")
    run.ask(Prompt("line"))
    assert (run.state, run.prompt, run.reason) == ("lost", None, "killed")


def test_only_a_bounded_number_of_records_is_kept_and_native_stderr_is_no_error(run: Run) -> None:
    run.add_record(Record("error", "native line", native=True))
    for index in range(RECORDS_KEPT + 5):
        run.add_record(Record("error", f"{index}"))
    assert len(run.errors) == RECORDS_KEPT
    assert run.errors[0].message == "0"


@pytest.mark.parametrize(
    ("summary", "status", "state"),
    [
        (Summary("completed"), "ok", "succeeded"),
        (Summary("completed", errors=1), "ok", "failed"),
        (Summary("completed", exit_code=3, exit_called=True), "ok", "failed"),
        (Summary("completed", exit_code=0, exit_called=True), "ok", "succeeded"),
        (Summary("completed", exit_code=3), "ok", "succeeded"),
        (Summary("failed"), "error", "failed"),
        (Summary("stopped"), "error", "cancelled"),
        (Summary("died"), "error", "lost"),
        (None, "ok", "succeeded"),
        (None, "error", "failed"),
        (None, "aborted", "cancelled"),
        (None, "something new", "failed"),
    ],
)
def test_the_end_follows_the_engines_summary(
    summary: Summary | None, status: str, state: str
) -> None:
    assert end_state(summary, status) == state
