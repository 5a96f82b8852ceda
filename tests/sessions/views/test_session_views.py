"""What callers get: admission of a command, and the JSON shapes of docs/rest.md."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pwsh_kernels.errors import (
    NotSignedIn,
    ProductError,
    SessionLost,
    SessionStarting,
    SignInPending,
    WaitingForInput,
    WaitsBehindQuestion,
)
from pwsh_kernels.records import Prompt, PromptField, Record, Summary
from pwsh_kernels.sessions.admission import admit
from pwsh_kernels.sessions.runs.output_log import OutputLog
from pwsh_kernels.sessions.runs.run import Run, utc
from pwsh_kernels.sessions.session import Session
from pwsh_kernels.sessions.views.run_views import page_view, result_view
from pwsh_kernels.sessions.views.session_views import login_view, session_view, status_view
from pwsh_kernels.shapes import SessionState
from tests.fixtures.repository import ROOT
from tests.sessions.views.session_steps import CODE, KEY, make_session

REST = (ROOT / "docs" / "rest.md").read_text(encoding="utf-8")


def documented(title: str) -> dict[str, Any]:
    """Return the first JSON example behind a bold title of docs/rest.md."""
    match = re.search(rf"\*\*{title}\*\*.*?```json\n(.*?)```", REST, re.DOTALL)
    assert match
    facts: dict[str, Any] = json.loads(match.group(1).replace("[Record]", "[]"))
    return facts


@dataclass
class Candidate:
    """A session that is asked whether it takes a command."""

    session: Session
    active: Run | None = None


@pytest.fixture
def run(tmp_path: Path) -> Run:
    one = Run("r-1", KEY, "Get-Mailbox", OutputLog(tmp_path / "r", 10_000), principal="token")
    one.become("running")
    return one


def test_an_error_that_ends_where_its_reason_should_follow_is_told_with_its_cause(run: Run) -> None:
    run.add_record(
        Record(
            "error", "DeviceCodeCredential authentication failed: ", causes=("invalid_grant: no",)
        )
    )
    run.finish("failed", Summary("completed", errors=1))
    assert (
        result_view(run)["error"] == "DeviceCodeCredential authentication failed: invalid_grant: no"
    )


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ((), SessionStarting),
        (("signed_out",), NotSignedIn),
        (("signed_out", "signing_in"), SignInPending),
        (("lost",), SessionLost),
        (("closed",), NotSignedIn),
    ],
)
def test_each_state_without_a_sign_in_refuses_with_its_own_code(
    path: tuple[SessionState, ...], error: type[ProductError]
) -> None:
    with pytest.raises(error) as refused:
        admit(KEY, Candidate(make_session(*path)), run_signed_out=False)
    assert refused.value.to_json()["tenant"] == KEY.tenant


def test_no_session_is_not_signed_in_in_the_originals_words() -> None:
    with pytest.raises(NotSignedIn, match=r"^Not authenticated. Call /login first.$"):
        admit(KEY, None, run_signed_out=False)


def test_signed_in_sessions_and_allowed_signed_out_ones_take_commands(run: Run) -> None:
    signed_in = Candidate(make_session("signed_out", "signing_in", "signed_in"), run)
    assert admit(KEY, signed_in, run_signed_out=False) is signed_in
    signed_out = Candidate(make_session("signed_out"))
    assert admit(KEY, signed_out, run_signed_out=True) is signed_out


def test_an_open_question_refuses_another_command_and_names_it(run: Run) -> None:
    run.ask(Prompt("fields", message="Details", fields=(PromptField("Name"),)))
    signed_in = Candidate(make_session("signed_out", "signing_in", "signed_in"), run)
    with pytest.raises(WaitingForInput) as refused:
        admit(KEY, signed_in, run_signed_out=False)
    assert (refused.value.run_id, refused.value.question) == ("r-1", "Details: Name")


def test_an_open_question_is_told_to_others_as_the_askers(run: Run) -> None:
    run.ask(Prompt("line", message="Sure?"))
    signed_in = Candidate(make_session("signed_out", "signing_in", "signed_in"), run)
    with pytest.raises(WaitsBehindQuestion) as refused:
        admit(KEY, signed_in, run_signed_out=False, client="another")
    assert "is waiting for an answer from token" in refused.value.text()
    assert "Sure?" not in refused.value.text()


def test_the_session_has_exactly_the_documented_fields() -> None:
    view = session_view(make_session("signed_out", "signing_in", "signed_in"), None, 0)
    match = re.search(r"\*\*Session\*\*.*?```json\n(.*?)```", REST, re.DOTALL)
    assert match
    assert set(view) == set(json.loads(match.group(1)))


def test_the_sign_in_has_exactly_the_documented_fields() -> None:
    assert set(login_view(make_session("signed_out", "signing_in"))) == set(documented("Sign-in"))


def test_the_run_has_the_documented_fields_and_an_error_only_without_success(run: Run) -> None:
    assert set(documented("Run")) - {"yours"} <= set(result_view(run))
    assert {"error", "code"} <= set(result_view(run))
    run.finish("succeeded", Summary("completed"))
    assert not {"error", "code"} & set(result_view(run))


def test_every_view_is_json(run: Run) -> None:
    run.ask(Prompt("line", message="?"))
    run.add_record(Record("error", "x", tags=("a",)))
    run.log.append("stderr", "error", "x\n", run.errors[0])
    session = make_session("signed_out", "signing_in")
    views = (
        result_view(run),
        page_view(run, run.log.read(0, 10), 0),
        status_view(session, None, 0, was_pending=False),
    )
    assert json.loads(json.dumps(views))


def test_the_code_is_shown_only_while_it_is_pending() -> None:
    pending, done = (
        make_session("signed_out", "signing_in"),
        make_session("signed_out", "signing_in", "signed_in"),
    )
    assert status_view(pending, None, 0, was_pending=False)["device_code"] == CODE.code
    assert CODE.code not in str(status_view(done, None, 0, was_pending=False))


def test_times_end_with_z() -> None:
    assert utc(datetime(2026, 11, 22, 17, 0, tzinfo=UTC)) == "2026-11-22T17:00:00.000Z"
    assert utc(None) is None


def test_what_a_script_only_shows_does_not_break_json(run: Run) -> None:
    run.log.append("stdout", "host", "Working...\n")
    run.log.append("stdout", "text", "[1]")
    assert result_view(run)["result"] == "Working...\n[1]"
    run.options = type(run.options)(format="json")
    assert result_view(run)["result"] == "[1]"
