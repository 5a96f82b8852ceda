"""How a run's output is cut for a model: never lost, never cut inside a character, at lines where
there are some.
"""

import random

import pytest

from pwsh_kernels.escapes import plain
from pwsh_kernels.mcp.answers.excerpts import MAX_CHARS, Excerpt, cut_point, excerpt
from pwsh_kernels.shapes import Entry, Page

HALF = MAX_CHARS // 2


def entries(*texts: str | tuple[str, str]) -> list[Entry]:
    """Return log entries, as text or as (kind, text)."""
    result: list[Entry] = []
    for one in texts:
        kind, text = one if isinstance(one, tuple) else ("text", one)
        start = result[-1]["start"] + len(result[-1]["text"]) if result else 0
        result.append(
            {"start": start, "stream": "stdout", "kind": kind, "text": text, "record": None}
        )
    return result


def page(log: list[Entry], cursor: int, limit: int) -> Page:
    """Return what GET /runs/{id} answers for a log."""
    total = sum(len(entry["text"]) for entry in log)
    last = min(cursor + limit, total)
    shown: list[Entry] = [
        {
            **entry,
            "text": entry["text"][max(0, cursor - entry["start"]) : max(0, last - entry["start"])],
        }
        for entry in log
    ]
    return {
        "entries": [one for one in shown if one["text"]],
        "cursor": cursor,
        "next_cursor": last,
        "more": last < total,
    }


def shown(log: list[Entry], cursor: int = 0) -> Excerpt:
    """Return what a model is shown from a cursor on, as the tools ask for it."""
    total = sum(len(entry["text"]) for entry in log)
    first = page(log, cursor, MAX_CHARS)
    if cursor or total <= MAX_CHARS:
        return excerpt(first, total, MAX_CHARS)
    return excerpt(first, total, HALF, page(log, total - HALF, HALF))


def reassembled(log: list[Entry]) -> str:
    """Return the output put together from the pages, following the cursors."""
    one = shown(log)
    text = one.head.text
    while one.more:
        assert one.end > one.start
        one = shown(log, one.end)
        text += one.head.text
    return text


def test_short_output_is_shown_whole() -> None:
    one = shown(entries("one\n", "two"))
    assert (one.head.text, one.tail.text, one.left_out, one.more) == ("one\ntwo", "", 0, False)


def test_output_of_exactly_the_maximum_is_shown_whole() -> None:
    one = shown(entries("x" * MAX_CHARS))
    assert (len(one.head.text), one.more) == (MAX_CHARS, False)


def test_long_output_is_shown_by_its_head_and_its_tail_at_line_ends() -> None:
    text = "".join(f"line {number}\n" for number in range(5000))
    one = shown(entries(text))
    assert text.startswith(one.head.text)
    assert text.endswith(one.tail.text)
    assert one.head.text.endswith("\n")
    assert one.tail.text.startswith("line ")
    assert len(one.head.text) + one.left_out + len(one.tail.text) == len(text)
    assert len(one.head.text) + len(one.tail.text) <= MAX_CHARS


def test_head_and_tail_do_not_overlap_when_little_is_left_out() -> None:
    text = "".join(f"{number:09}\n" for number in range(MAX_CHARS // 10 + 1))
    one = shown(entries(text))
    assert (
        one.head.text + "?" * one.left_out + one.tail.text
        == text[: one.end] + "?" * one.left_out + one.tail.text
    )
    assert len(one.head.text) + one.left_out + len(one.tail.text) == len(text)


@pytest.mark.parametrize("seed", range(20))
def test_the_pages_together_are_exactly_the_whole_output(seed: int) -> None:
    source = random.Random(seed)
    words = ["x" * 900, "\n", "é\n", "😀", "line\r\n", " " * 3000, "\x00"]
    log = entries(*("".join(source.choices(words, k=source.randint(1, 9))) for _ in range(60)))
    assert reassembled(log) == "".join(entry["text"] for entry in log).replace("\x00", "")


def test_an_escape_sequence_that_two_entries_share_does_not_reach_a_model() -> None:
    log = entries("a\x1b]52;c;ZXZ", ("error", "pbA==\x07b"), "\x9b3", "1mc\x9d0;title\x9cd")
    assert reassembled(log) == "abcd"


def test_coloured_output_is_put_together_without_halves_of_escapes() -> None:
    log = entries(*[f"\x1b[31;1mred {number}\x1b[0m " for number in range(3000)])
    assert reassembled(log) == "".join(f"red {number} " for number in range(3000))


def test_a_cut_never_falls_between_the_halves_of_a_character() -> None:
    assert cut_point("ab\ud83d") == 2
    assert cut_point("ab\ud83d\ude00") == 4


def test_a_cut_is_made_before_an_unfinished_escape() -> None:
    assert cut_point("abc\x1b[31") == 3


def test_a_cut_makes_progress_even_in_what_cannot_be_cut_well() -> None:
    assert cut_point("\x1b[31") == 4
    assert cut_point("\ud83d") == 1


def test_text_for_a_model_has_no_escapes_and_no_half_characters() -> None:
    assert (
        plain("\x1b[32mgreen\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07 \ud800 \x1b7")
        == "green link \ufffd "
    )


def test_errors_and_warnings_are_labelled_where_they_stand() -> None:
    one = shown(
        entries(
            "before\n",
            ("error", "it broke\n"),
            ("warning", "WARNING: careful\n"),
            ("warning", "mind\n"),
            "after",
        )
    )
    assert one.head.text == "before\nit broke\nWARNING: careful\nmind\nafter"
    assert one.head.labelled == "before\nERROR: it broke\nWARNING: careful\nWARNING: mind\nafter"


def test_a_label_begins_a_line_of_its_own() -> None:
    assert (
        shown(entries("no line end", ("error", "it broke"))).head.labelled
        == "no line end\nERROR: it broke"
    )


def test_the_second_page_begins_where_the_first_ended() -> None:
    log = entries("a" * 5, "b" * (MAX_CHARS * 2))
    first = shown(log)
    second = shown(log, first.end)
    assert second.start == first.end
    assert second.tail.text == ""
