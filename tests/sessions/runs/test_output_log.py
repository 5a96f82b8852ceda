"""The output log: cursors, bounded memory, the file behind it."""

import random
import resource
from pathlib import Path

import pytest

from pwsh_kernels.records import Record
from pwsh_kernels.sessions.queries.lines import LinesQuery, read_lines
from pwsh_kernels.sessions.runs import output_log as log_module
from pwsh_kernels.sessions.runs.output_log import ENTRY_CHARS, DiskRoom, OutputLog
from tests.fixtures.limits import limited

MEMORY = 2_000


def make(folder: Path, memory: int = MEMORY) -> OutputLog:
    return OutputLog(folder / "runs" / "r-1.jsonl", memory)


def all_text(log: OutputLog, limit: int) -> str:
    """Read as a client does: page after page."""
    text, cursor, more = "", 0, log.total_chars > 0
    while more:
        page = log.read(cursor, limit)
        text += "".join(entry.text for entry in page.entries)
        assert page.next_cursor > cursor
        cursor, more = page.next_cursor, page.more
    return text


def test_pages_of_any_size_give_the_whole_output_in_order(tmp_path: Path) -> None:
    log, expected, dice = make(tmp_path), "", random.Random(7)
    for index in range(120):
        text = f"{index}:" + "é𝄞x"[dice.randrange(3)] * dice.randrange(60)
        log.append("stderr" if index % 3 == 0 else "stdout", "text", text)
        expected += text
    assert log.spilled
    assert [all_text(log, limit) for limit in (7, 61, 1000, 1_000_000)] == [expected] * 4


def test_output_beyond_the_memory_limit_goes_to_a_private_file(tmp_path: Path) -> None:
    log = make(tmp_path)
    log.append("stdout", "text", "a" * MEMORY * 3)
    file = tmp_path / "runs" / "r-1.jsonl"
    assert log.read(0, 10).entries[0].text == "a" * 10
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_output_for_which_the_disk_has_no_room_is_counted_and_dropped(tmp_path: Path) -> None:
    room = DiskRoom(5_000)
    first, second = (OutputLog(tmp_path / name, 0, room) for name in ("r-1", "r-2"))
    first.append("stdout", "text", "a" * 3000)
    second.append("stdout", "text", "b" * 3000)
    assert (first.dropped_chars, second.dropped_chars) == (0, 3000)
    assert (all_text(first, 1000), second.total_chars) == ("a" * 3000, 0)
    first.close()
    second.append("stdout", "text", "c" * 3000)
    assert (all_text(second, 1000), second.dropped_chars) == ("c" * 3000, 3000)


def test_short_output_makes_no_file(tmp_path: Path) -> None:
    log = make(tmp_path)
    log.append("stdout", "text", "short")
    assert not log.spilled
    assert not (tmp_path / "runs").exists()


def test_many_tiny_entries_do_not_stay_in_memory(tmp_path: Path) -> None:
    log = make(tmp_path)
    for _ in range(1000):
        log.append("stdout", "text", "x")
    assert log.spilled
    assert len(log._entries) * log_module.ENTRY_WEIGHT <= MEMORY


def test_a_position_deep_in_the_file_is_found_without_reading_from_its_start(
    tmp_path: Path,
) -> None:
    log = make(tmp_path)
    for index in range(5000):
        log.append("stdout", "text", f"{index:0100}")
    assert len(log._marks) > 5
    page = log.read(100 * 4321, 100)
    assert page.entries[0].text == f"{4321:0100}"
    assert page.more


def test_a_record_comes_only_with_the_beginning_of_its_text(tmp_path: Path) -> None:
    log = make(tmp_path)
    record = Record("warning", "careful")
    log.append("stderr", "warning", "WARNING: careful\n", record)
    first, second = log.read(0, 8).entries[0], log.read(8, 100).entries[0]
    assert (first.text, first.record) == ("WARNING:", record)
    assert (second.text, second.start, second.record) == (" careful\n", 8, None)


def test_records_come_back_whole_from_the_file(tmp_path: Path) -> None:
    log = make(tmp_path, memory=0)
    record = Record("error", "Ein Fehler: ü", error_id="X,Y", line=3, tags=("a",), terminating=True)
    log.append("stderr", "error", "text", record)
    assert log.spilled
    assert log.read(0, 100).entries[0].record == record


def test_one_long_text_is_split_so_that_reading_is_bounded(tmp_path: Path) -> None:
    log = make(tmp_path, memory=10 * ENTRY_CHARS)
    log.append("stdout", "text", "y" * (2 * ENTRY_CHARS + 1))
    assert [len(entry.text) for entry in log.read(0, 10**9).entries] == [
        ENTRY_CHARS,
        ENTRY_CHARS,
        1,
    ]


def test_a_cursor_behind_the_end_gives_nothing_and_stays_at_the_end(tmp_path: Path) -> None:
    log = make(tmp_path)
    log.append("stdout", "text", "abc")
    page = log.read(99, 10)
    assert (page.entries, page.next_cursor, page.more) == ([], 3, False)


def test_the_result_holds_only_stdout_of_the_kinds_asked_for(tmp_path: Path) -> None:
    log = make(tmp_path)
    for stream, kind, text in (
        ("stdout", "text", "1"),
        ("stdout", "host", "h"),
        ("stderr", "text", "e"),
        ("stdout", "text", "2"),
    ):
        log.append(stream, kind, text)  # type: ignore[arg-type]
    assert log.text(frozenset({"text"})) == "12"
    assert log.text(frozenset({"text", "host"})) == "1h2"


def test_output_without_end_is_counted_and_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "MOST_CHARS", 10)
    log = make(tmp_path)
    log.append("stdout", "text", "12345678")
    log.append("stdout", "text", "90abc")
    assert log.total_chars == 10
    assert log.dropped_chars == 3
    assert all_text(log, 4) == "1234567890"


def test_a_forgotten_log_leaves_no_file(tmp_path: Path) -> None:
    log = make(tmp_path, memory=0)
    log.append("stdout", "text", "x")
    log.close()
    assert list((tmp_path / "runs").iterdir()) == []


def test_on_a_full_disk_the_beginning_is_kept_and_the_rest_counted(tmp_path: Path) -> None:
    log = make(tmp_path, memory=0)
    log.append("stdout", "text", "first")
    with limited(resource.RLIMIT_FSIZE, 300):
        log.append("stdout", "text", "x" * 500)
    log.append("stdout", "text", "later")
    assert all_text(log, 3) == "first"
    assert (log.total_chars, log.dropped_chars) == (5, 505)
    assert log.problem


def test_output_in_a_file_is_read_when_no_descriptor_is_left(tmp_path: Path) -> None:
    log = make(tmp_path, memory=0)
    for index in range(2000):
        log.append("stdout", "text", f"{index:0100}")
    with limited(resource.RLIMIT_NOFILE, 3):
        assert log.read(100 * 1234, 100).entries[0].text == f"{1234:0100}"


def test_lines_of_output_in_a_file_are_read_when_no_descriptor_is_left(tmp_path: Path) -> None:
    log = make(tmp_path, memory=0)
    for index in range(2000):
        log.append("stdout", "text", f"{index:0100}\n")
    with limited(resource.RLIMIT_NOFILE, 3), log.texts() as texts:
        page = read_lines(texts, LinesQuery(first=1235, count=1), lambda: False)
    assert [line.text for line in page.lines] == [f"{1234:0100}"]


def test_without_a_descriptor_for_the_file_the_beginning_is_kept(tmp_path: Path) -> None:
    log = make(tmp_path)
    log.append("stdout", "text", "first")
    with limited(resource.RLIMIT_NOFILE, 3):
        log.append("stdout", "text", "x" * MEMORY)
    log.append("stdout", "text", "later")
    assert all_text(log, 100) == "first"
    assert log.dropped_chars == MEMORY + 5
