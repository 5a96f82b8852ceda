"""Records for people and other programs: chosen, in forms that neither lose nor run anything."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pwsh_kernels.audit.event import Door, Event, Kind
from pwsh_kernels.audit.export import COLUMNS, FORMATS
from pwsh_kernels.audit.files import log_files, named_lines
from pwsh_kernels.audit.log import AuditLog
from pwsh_kernels.audit.selection import LOOKED_AT, Selection, read_newest, read_page, records
from tests.audit.records import event

EVENTS = (
    Event(Kind.RUN_ACCEPTED, Door.REST, "token", tenant="contoso.example", module="exo"),
    Event(Kind.DENIED, Door.MCP, "agent:claude", tenant="fabrikam.example", outcome="forbidden"),
    Event(Kind.RUN_ENDED, Door.MCP, "token/agent:claude-code", tenant="contoso.example"),
    Event(Kind.RUN_ENDED, Door.CLI, "token2", tenant="contoso.example", command="=1|2\n\\a=b,\"'"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A log with a few records, one an hour."""
    hours = iter(range(24))
    log = AuditLog(tmp_path, now=lambda: datetime(2026, 11, 30, next(hours), tzinfo=UTC))
    for one in EVENTS:
        log.append(one)
    return tmp_path


def chosen(folder: Path, **wanted: Any) -> list[int]:
    return [one["seq"] for one in records(named_lines(folder), Selection(**wanted))]


def test_records_are_chosen_by_who_where_what_and_when(folder: Path) -> None:
    assert chosen(folder) == [1, 2, 3, 4, 5]
    assert chosen(folder, who="token") == [2, 4]
    assert chosen(folder, who="token/agent:claude-code") == [4]
    assert chosen(folder, tenant="Contoso.example") == [2, 4, 5]
    assert chosen(folder, kind="run") == [2, 4, 5]
    assert chosen(folder, kind="run.ended", who="token2") == [5]
    assert chosen(folder, since=datetime(2026, 11, 30, 3, tzinfo=UTC)) == [4, 5]
    assert chosen(folder, since=datetime.fromisoformat("2026-11-30T04:30:00+01:00")) == [5]
    assert chosen(folder, since=datetime.fromisoformat("0001-01-01T00:00+14:00")) == chosen(folder)


def test_what_is_no_record_is_passed_over(folder: Path) -> None:
    [file] = log_files(folder)
    file.write_bytes(file.read_bytes() + b'rubbish\n{"seq":')
    assert chosen(folder) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("after", range(0, 26, 3))
def test_a_page_begins_behind_a_number_whatever_file_that_is_in(tmp_path: Path, after: int) -> None:
    log = AuditLog(tmp_path, file_bytes=2000)
    for number in range(20):
        log.append(event(number))
    found = [one["seq"] for one in read_page(tmp_path, Selection(), after, 4)]
    assert found == list(range(after + 1, min(after + 5, log.last + 1)))


@pytest.mark.parametrize("before", [0, 1, 2, 7, 20, 100])
def test_the_newest_come_first_and_go_on_before_a_number(tmp_path: Path, before: int) -> None:
    log = AuditLog(tmp_path, file_bytes=2000)
    for number in range(20):
        log.append(event(number))
    expected = list(range(min(log.last, (before or 100) - 1), 0, -1))
    found, more = [], True
    while more:
        page = read_newest(tmp_path, Selection(), before, 4)
        found += [one["seq"] for one in page.records]
        before, more = page.before, page.more
        assert len(page.records) <= 4
    assert found == expected


def test_a_search_from_the_end_says_where_it_has_stopped_looking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pwsh_kernels.audit.selection.LOOKED_AT", LOOKED_AT // 4000)
    log = AuditLog(tmp_path)
    for number in range(9):
        log.append(event(number))
    nothing = read_newest(tmp_path, Selection(who="nobody"), 0, 4)
    assert nothing == ([], log.last - 4, True)
    first = read_newest(tmp_path, Selection(kind="log"), 0, 4)
    assert first.records == []
    rest = read_newest(tmp_path, Selection(kind="log"), first.before, 4)
    assert [one["seq"] for one in rest.records] == [1]


def test_a_search_since_a_time_stops_a_day_before_it(folder: Path) -> None:
    late = datetime(2026, 12, 3, tzinfo=UTC)
    assert read_newest(folder, Selection(since=late), 0, 4) == ([], 5, False)
    newest = read_newest(folder, Selection(since=datetime(2026, 11, 30, 3, tzinfo=UTC)), 0, 4)
    assert [one["seq"] for one in newest.records] == [5, 4]


def lines(folder: Path, form: str) -> list[str]:
    return list(FORMATS[form](records(named_lines(folder), Selection())))


def test_json_lines_are_the_records(folder: Path) -> None:
    said = [json.loads(line) for line in lines(folder, "jsonl")]
    assert said == [json.loads(line) for line in log_files(folder)[0].read_bytes().splitlines()]


def test_a_table_reads_back_and_no_cell_is_a_formula(folder: Path) -> None:
    text = "\n".join(lines(folder, "csv"))
    head, *rows = csv.reader(io.StringIO(text))
    assert tuple(head) == COLUMNS
    last = dict(zip(head, rows[-1], strict=True))
    assert last["command"] == "'=1|2\n\\a=b,\"'"
    assert (last["seq"], last["principal"], last["kind"]) == ("5", "token2", "run.ended")
    assert not [cell for row in rows for cell in row if re.match(r"[=+@-]", cell)]


def test_an_event_in_cef_is_one_line_whose_values_are_escaped(folder: Path) -> None:
    last = lines(folder, "cef")[-1]
    head = last.split("|")
    assert head[:3] == ["CEF:0", "pwsh-kernels", "pwsh-kernels"]
    assert head[4:7] == ["run.ended", "Run ended", "3"]
    assert "rt=1796011200000" in last
    assert r"msg=\=1|2\n\\a\=b," in last
    assert "cs1Label=tenant cs1=contoso.example" in last
    assert all("\n" not in line for line in lines(folder, "cef"))
    assert "|6|" in lines(folder, "cef")[2]
