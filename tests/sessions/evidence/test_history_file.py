"""The history file of a session: other writers are noticed at the end of the next run, and delay
nothing.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pwsh_kernels.sessions.evidence.history import FULL_BYTES, RUNS_KEPT, SessionHistory
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.runs.output_log import OutputLog
from pwsh_kernels.sessions.runs.run import Run

KEY = SessionKey("contoso.example", "exo")


def ended(name: str, folder: Path, command: str = "Get-Mailbox") -> Run:
    run = Run(name, KEY, command, OutputLog(folder / name, 1000), principal="token")
    run.become("running")
    run.finish("succeeded")
    return run


def lines_of(history: SessionHistory) -> list[dict[str, Any]]:
    return [json.loads(line) for line in history.file(KEY).read_bytes().splitlines()]


def states_of(history: SessionHistory) -> list[str]:
    return [line["state"] for line in lines_of(history)]


@pytest.fixture
def history(tmp_path: Path) -> SessionHistory:
    """A history of three runs."""
    history = SessionHistory(tmp_path / "history")
    for name in ("r-1", "r-2", "r-3"):
        history.add(ended(name, tmp_path))
    return history


def test_a_file_that_nobody_touches_says_nothing_but_runs(
    history: SessionHistory, tmp_path: Path
) -> None:
    later = SessionHistory(tmp_path / "history")  # of the next server
    later.add(ended("r-4", tmp_path))
    assert [line["run_id"] for line in lines_of(later)] == ["r-1", "r-2", "r-3", "r-4"]
    assert history.file(KEY).stat().st_mode & 0o777 == 0o600


TAMPERINGS: dict[str, Callable[[Path], Any]] = {
    "emptied": lambda file: file.write_bytes(b""),
    "removed": lambda file: file.unlink(),
    "cut": lambda file: file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:1])),
    "cut in a line": lambda file: os.truncate(file, 20),
    "altered": lambda file: file.write_bytes(file.read_bytes().replace(b"Mailbox", b"Nothing")),
    "added to": lambda file: file.write_bytes(file.read_bytes() + b'{"run_id": "r-0"}\n'),
    "damaged": lambda file: file.write_bytes(b"\xff\xfe no JSON"),
}


@pytest.mark.parametrize("tamper", TAMPERINGS.values(), ids=TAMPERINGS)
@pytest.mark.parametrize("restarted", [False, True])
def test_whoever_else_writes_to_it_is_noticed_when_the_next_run_ends(
    history: SessionHistory, tmp_path: Path, tamper: Callable[[Path], Any], restarted: bool
) -> None:
    tamper(history.file(KEY))
    server = SessionHistory(tmp_path / "history") if restarted else history
    server.add(ended("r-4", tmp_path))
    server.add(ended("r-5", tmp_path))
    *_, notice, fourth, fifth = (
        json.loads(line) for line in server.file(KEY).read_bytes().splitlines()[-3:]
    )
    assert (notice["state"], notice["principal"]) == ("changed", "pwsh-kernels")
    assert "at the latest during run r-4" in notice["error"]
    assert restarted or "since run r-3" in notice["error"]
    assert (fourth["run_id"], fifth["run_id"]) == ("r-4", "r-5")


MAKERS: dict[str, Callable[[Path], Any]] = {
    "a pipe": os.mkfifo,
    "a folder": os.mkdir,
    "a link": lambda path: path.symlink_to(path.with_name("elsewhere")),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_is_no_file_any_more_is_put_aside_and_nothing_waits(
    history: SessionHistory, tmp_path: Path, make: Callable[[Path], Any]
) -> None:
    file = history.file(KEY)
    elsewhere = file.with_name("elsewhere")
    elsewhere.write_text("of somebody")
    file.unlink()
    make(file)
    history.add(ended("r-4", tmp_path))
    assert states_of(history) == ["changed", "succeeded"]
    assert elsewhere.read_text() == "of somebody"


def test_a_long_file_is_cut_and_stays_the_servers_own(
    history: SessionHistory, tmp_path: Path
) -> None:
    long = "x" * 3900
    for number in range(FULL_BYTES // 3900 + 2):
        history.add(ended(f"r-long-{number}", tmp_path, long))
    assert RUNS_KEPT <= len(lines_of(history)) < FULL_BYTES // 3900 + 2
    assert set(states_of(history)) == {"succeeded"}


def test_a_forgotten_session_begins_anew(history: SessionHistory, tmp_path: Path) -> None:
    history.forget(KEY)
    assert list((tmp_path / "history").iterdir()) == []
    history.add(ended("r-4", tmp_path))
    assert states_of(history) == ["succeeded"]
