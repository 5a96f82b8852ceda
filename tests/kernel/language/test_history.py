"""The kernel remembers its cells, but not without bound; and offsets count what each side
counts.
"""

import pytest

from pwsh_kernels.kernel.language import completeness, completion
from pwsh_kernels.kernel.language.history import Cell, History, answer


def filled(*codes: str) -> History:
    history = History()
    for number, code in enumerate(codes, 1):
        history.add(number, code)
    return history


def test_tail_gives_the_last_cells_in_order() -> None:
    assert filled("a", "b", "c").tail(2) == [Cell(2, "b"), Cell(3, "c")]
    assert filled("a").tail(0) == []


def test_range_leaves_its_stop_out() -> None:
    assert filled("a", "b", "c").range(2, 3) == [Cell(2, "b")]


def test_search_takes_a_glob_and_can_drop_repetitions() -> None:
    history = filled("Get-Date", "1", "Get-Item", "Get-Date")
    assert history.search("Get-*", None, unique=False) == [
        Cell(1, "Get-Date"),
        Cell(3, "Get-Item"),
        Cell(4, "Get-Date"),
    ]
    assert history.search("Get-*", 2, unique=True) == [Cell(3, "Get-Item"), Cell(4, "Get-Date")]


def test_old_cells_are_forgotten_by_number_and_by_size() -> None:
    history = History(max_cells=2, max_chars=10)
    for number, code in enumerate(["a", "b", "c", "x" * 9], 1):
        history.add(number, code)
    assert history.tail(None) == [Cell(3, "c"), Cell(4, "x" * 9)]
    history.add(5, "y" * 11)
    assert history.tail(None) == []


def test_an_answer_with_outputs_says_that_none_are_kept() -> None:
    reply = answer(filled("a"), {"hist_access_type": "tail", "n": 1, "output": True})
    assert reply["history"] == [[0, 1, ["a", None]]]


@pytest.mark.parametrize(
    ("text", "points", "units"),
    [("abc", 2, 2), ("😀😀x", 1, 2), ("😀😀x", 3, 5), ("é", 1, 1), ("", 0, 0)],
)
def test_code_points_and_utf16_units_convert_both_ways(text: str, points: int, units: int) -> None:
    assert completion.utf16_units(text, points) == units
    assert completion.code_points(text, units) == points


def test_completion_without_a_match_replaces_nothing() -> None:
    assert completion.answer("x", 1, [-1, -1]) == completion.no_matches(1)
    assert completion.answer("x", 1, []) == completion.no_matches(1)


def test_only_errors_that_more_text_can_mend_are_incomplete() -> None:
    assert completeness.answer([1, "MissingEndCurlyBrace", True]) == {
        "status": "incomplete",
        "indent": "    ",
    }
    assert completeness.answer([1, "MissingEndCurlyBrace", True, "UnexpectedToken", False]) == {
        "status": "invalid"
    }
    assert completeness.answer([2, "TerminatorExpectedAtEndOfString", True])["indent"] == ""
    assert completeness.answer([0]) == {"status": "complete"}
