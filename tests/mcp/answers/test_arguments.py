"""What pwsh_output is asked for: ranges of lines, orders, names, and lines with their numbers."""

from typing import Any

import pytest

from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.mcp.answers.arguments import (
    MOST_LINES,
    condition_list,
    line_range,
    name_list,
    numbered,
    one_way,
    sort_order,
)
from pwsh_kernels.shapes import Line


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("200-260", {"from": 200, "count": 61}),
        (" 5 ", {"from": 5, "count": MOST_LINES}),
        ("-50", {"from": -50, "count": 50}),
        ("1-99999", {"from": 1, "count": MOST_LINES}),
    ],
)
def test_a_range_of_lines_is_read(text: str, wanted: dict[str, int]) -> None:
    assert line_range(text) == wanted


@pytest.mark.parametrize("text", ["0", "9-3", "-5-9", "all", "1-", ""])
def test_what_is_no_range_is_refused_with_examples(text: str) -> None:
    with pytest.raises(InvalidRequest, match='such as "200-260"'):
        line_range(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Name", {"sort_by": "Name", "descending": False}),
        ("Name desc", {"sort_by": "Name", "descending": True}),
        ("-Size.Value", {"sort_by": "Size.Value", "descending": True}),
        ("", {}),
    ],
)
def test_an_order_is_read(text: str, wanted: dict[str, Any]) -> None:
    assert sort_order(text) == wanted


def test_names_and_conditions_may_come_as_one_text() -> None:
    assert (name_list("Name, Size"), name_list(["Name", " "]), name_list(None)) == (
        ["Name", "Size"],
        ["Name"],
        None,
    )
    assert (condition_list("A eq 1"), condition_list(["A eq 1"]), condition_list(None)) == (
        ["A eq 1"],
        ["A eq 1"],
        [],
    )


def test_lines_are_numbered_counted_without_their_gaps_and_cut_where_no_more_fit() -> None:
    found: list[Line] = [{"number": number, "text": "x"} for number in (1, 2, 7)]
    assert numbered(found, 100) == ("1: x\n2: x\n--\n7: x\n", 3, None)
    assert numbered(found, 12) == ("1: x\n2: x\n", 2, 7)
    assert numbered([], 100) == ("", 0, None)


def test_two_ways_to_read_at_once_are_refused_instead_of_one_being_ignored() -> None:
    one_way(page=True, lines=False, objects=False)
    with pytest.raises(InvalidRequest, match="use one"):
        one_way(page=True, lines=False, objects=True)
