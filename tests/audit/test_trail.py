"""What must not be done unrecorded is refused; what has happened is counted."""

import json
from pathlib import Path
from typing import Any

import pytest

from pwsh_kernels.audit.event import PROGRAMS, Door, Event, Kind, door_of
from pwsh_kernels.audit.files import named_lines
from pwsh_kernels.audit.flood import FloodLimit
from pwsh_kernels.audit.log import AuditLog
from pwsh_kernels.audit.trail import AuditTrail
from pwsh_kernels.audit.verification import verify
from pwsh_kernels.cli.console import CLIENT_NAME
from pwsh_kernels.discovery import MCP_CLIENT
from pwsh_kernels.errors import AuditUnavailable
from pwsh_kernels.web.pages.page_handler import CLIENT

WRITE = Event(Kind.RUN_ACCEPTED, principal="token")


def broken(tmp_path: Path) -> tuple[AuditTrail, Path]:
    """Return a trail whose folder cannot be made, and what is in its way."""
    obstacle = tmp_path / "audit"
    obstacle.write_text("a file")
    return AuditTrail(AuditLog(obstacle)), obstacle


def kinds(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for _, lines in named_lines(folder) for line in lines]


def test_what_cannot_be_recorded_is_refused_with_what_to_do(tmp_path: Path) -> None:
    trail, obstacle = broken(tmp_path)
    with pytest.raises(AuditUnavailable) as refused:
        trail.require(WRITE)
    assert str(obstacle) in refused.value.text()
    assert "File exists" in refused.value.text()
    assert (trail.state, trail.failures) == ("failed", 1)


def test_what_has_happened_is_not_held_up_and_counted(tmp_path: Path) -> None:
    trail, obstacle = broken(tmp_path)
    trail.note(Event(Kind.RUN_ENDED))
    trail.note(Event(Kind.RUN_ENDED))
    obstacle.unlink()
    trail.require(WRITE)
    assert trail.state == "on"
    said = kinds(obstacle)
    assert [one["kind"] for one in said] == ["log.opened", "log.resumed", "run.accepted"]
    assert said[1]["unrecorded"] == 2
    assert verify(named_lines(obstacle)).problems == ()


def test_a_log_that_was_out_of_order_is_tried_again_without_an_event(tmp_path: Path) -> None:
    trail, obstacle = broken(tmp_path)
    trail.note(WRITE)
    trail.retry()
    assert trail.problem
    obstacle.unlink()
    trail.retry()
    assert not trail.problem
    trail.retry()
    assert [one["kind"] for one in kinds(obstacle)] == ["log.opened", "log.resumed"]


def test_a_trail_without_a_log_refuses_nothing_and_tells_who_listens() -> None:
    heard: list[Event] = []
    trail = AuditTrail(None, heard.append)
    trail.require(WRITE)
    trail.note(WRITE)
    assert (trail.state, heard) == ("off", [WRITE, WRITE])


def test_refusals_beyond_the_limit_are_counted_and_told_with_the_next() -> None:
    limit = FloodLimit(most=2, window=60, began=100)
    assert [limit.take(at) for at in (101, 102, 103, 104)] == [0, 0, None, None]
    assert [limit.take(at) for at in (160, 161)] == [2, 0]


def test_our_own_programs_are_known_by_their_names() -> None:
    assert {CLIENT_NAME: Door.CLI, MCP_CLIENT: Door.MCP, CLIENT: Door.PAGE} == PROGRAMS
    assert door_of("pwsh-kernels-mcp:claude-code") is Door.MCP
    assert door_of("curl") is door_of("") is Door.REST
