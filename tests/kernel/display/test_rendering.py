"""Records and progress look as they do in a PowerShell terminal."""

import re

import pytest

from pwsh_kernels.kernel.display.progress_bars import ProgressForest
from pwsh_kernels.kernel.display.rendering import (
    progress_html,
    progress_text,
    record_error,
    record_text,
    summary_error,
)
from pwsh_kernels.records import Progress, Record, RecordKind, Style, Summary

MISSING = Record(
    kind="error",
    message="Cannot find path '/nope' because it does not exist.",
    error_id="PathNotFound,Microsoft.PowerShell.Commands.GetItemCommand",
    category="ObjectNotFound",
    line=1,
    column=7,
    position="At line:1 char:7\n+ $x =  Get-Item /nope\n+       ~~~~~~~~~~~~~~",
    exception_type="System.Management.Automation.ItemNotFoundException",
)


def plain(text: str) -> str:
    """Return a text without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("warning", "WARNING: careful\n"),
        ("verbose", "VERBOSE: careful\n"),
        ("debug", "DEBUG: careful\n"),
    ],
)
def test_a_record_has_the_prefix_of_its_stream_in_yellow(kind: RecordKind, shown: str) -> None:
    assert (
        record_text(Record(kind=kind, message="careful"), Style())
        == f"\x1b[33;1m{shown[:-1]}\x1b[0m\n"
    )


def test_an_information_record_is_shown_as_it_is() -> None:
    assert record_text(Record(kind="information", message="note"), Style()) == "note\n"


def test_an_error_in_the_first_line_of_a_cell_takes_one_red_line() -> None:
    text = "ItemNotFoundException: Cannot find path '/nope' because it does not exist."
    assert record_text(MISSING, Style()) == f"\x1b[31;1m{text}\x1b[0m\n"


def test_an_error_in_a_later_line_shows_the_source_and_marks_the_place() -> None:
    later = Record(
        **{**{name: getattr(MISSING, name) for name in MISSING.__dataclass_fields__}, "line": 12}
    )
    assert plain(record_text(later, Style())).splitlines() == [
        "ItemNotFoundException: ",
        "Line |",
        "  12 |  $x =  Get-Item /nope",
        "     |        ~~~~~~~~~~~~~~",
        "     | Cannot find path '/nope' because it does not exist.",
    ]


def test_an_error_in_a_script_file_names_the_file() -> None:
    record = Record(
        kind="error",
        message="no",
        line=3,
        position="At /a dir/x.ps1:3 char:5\n+ f\n+ ~",
        exception_type="X.E",
    )
    assert plain(record_text(record, Style())).splitlines()[0] == "E: /a dir/x.ps1:3"


def test_a_line_of_a_native_program_has_no_prefix_and_no_colour() -> None:
    assert (
        record_text(Record(kind="error", message="fatal: no such branch", native=True), Style())
        == "fatal: no such branch\n"
    )


def test_without_colours_an_error_has_no_escape_sequence() -> None:
    nothing = Style("", "", "", "", "")
    shown = "\n".join(record_error(MISSING, nothing).traceback)
    assert "\x1b" not in shown
    assert shown == plain("\n".join(record_error(MISSING, Style()).traceback))


def test_the_traceback_of_a_terminating_error_always_shows_the_position() -> None:
    content = record_error(MISSING, Style())
    assert (content.ename, content.evalue) == ("ItemNotFoundException", MISSING.message)
    assert "  Get-Item /nope" in plain("\n".join(content.traceback))


def test_an_error_without_an_exception_type_is_named_by_its_id() -> None:
    assert (
        record_error(Record(kind="error", message="x", error_id="NoGood,Func"), Style()).ename
        == "NoGood"
    )


def test_a_stopped_run_has_an_error_of_its_own_name_and_a_completed_one_has_none() -> None:
    stopped = summary_error(Summary("stopped"), Style())
    assert stopped is not None
    assert stopped.ename == "PipelineStopped"
    assert summary_error(Summary("completed", errors=2), Style()) is None


def test_progress_as_text_has_a_bar_and_the_details() -> None:
    progress = Progress(1, None, "Copying", "file 3", "reading", percent=25, seconds_left=10)
    assert (
        progress_text(progress) == "Copying [#####...............] 25% file 3 reading (10 s left)"
    )
    assert progress_text(Progress(1, None, "Copying", "file 3")) == "Copying file 3"


def test_progress_as_html_escapes_what_the_script_said() -> None:
    shown = progress_html(Progress(1, None, "<script>alert(1)</script>", "a & b", percent=250))
    assert "<script>" not in shown
    assert "a &amp; b" in shown
    assert 'value="100"' in shown


def bar(activity: int, parent: int | None = None, *, completed: bool = False) -> Progress:
    """Return a state of an activity."""
    return Progress(activity, parent, f"A{activity}", completed=completed)


def test_a_child_that_came_before_its_parent_moves_under_it() -> None:
    forest = ProgressForest()
    assert forest.take(bar(2, 1)) == {2: ((0, bar(2, 1)),)}
    assert forest.take(bar(1)) == {2: (), 1: ((0, bar(1)), (1, bar(2, 1)))}


def test_a_completed_parent_takes_its_children_with_it() -> None:
    forest = ProgressForest()
    for one in (bar(1), bar(2, 1), bar(3, 2), bar(4)):
        forest.take(one)
    assert forest.take(bar(1, completed=True)) == {1: ()}
    assert forest.clear() == {4: ()}
    assert forest.clear() == {}


def test_activities_that_name_each_other_as_parent_are_all_shown() -> None:
    forest = ProgressForest()
    assert forest.take(bar(1, 2)) == {1: ((0, bar(1, 2)),)}
    assert forest.take(bar(2, 1)) == {2: ((0, bar(2, 1)),)}


def test_what_was_never_shown_is_not_shown_by_its_end() -> None:
    assert ProgressForest().take(bar(7, completed=True)) == {}
