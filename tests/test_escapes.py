"""What others wrote reaches a terminal as text, and its colours only where it is a terminal."""

import itertools
import json
import logging

import pytest

from pwsh_kernels.escapes import (
    RESET,
    EscapeFilter,
    LogFilter,
    one_line,
    visible,
    visible_json,
    without_escapes,
)

OBEYED = {
    "a title": "\x1b]0;title\x07",
    "the clipboard": "\x1b]52;c;ZXZpbA==\x1b\\",
    "a link": "\x1b]8;;http://evil.example\x1b\\",
    "a title of one byte more": "\x9d0;title\x9c",
    "a cursor": "\x1b[2A",
    "a cursor of C1": "\x9b2A",
    "a clear screen": "\x1b[2J\x1bc",
    "a key mode": "\x1b[>4;2m",
    "a device string": "\x1bP$q\x1b\\",
    "a program's string": "\x1b_G\x1b\\\x90x\x9c",
    "a character set": "\x1b(0",
    "a backspace": "\x08",
    "a bell": "\x07",
    "a delete": "\x7f",
}


@pytest.mark.parametrize("colours", [False, True])
@pytest.mark.parametrize("what", OBEYED)
def test_no_sequence_is_shown_wherever_it_is_split(what: str, *, colours: bool) -> None:
    text = f"a{OBEYED[what]}b"
    for place in range(len(text) + 1):
        one = EscapeFilter(colours=colours)
        assert one.feed(text[:place]) + one.feed(text[place:]) + one.end() == "ab"


def test_colours_are_shown_on_a_terminal_only_and_end_with_the_text() -> None:
    red = "\x1b[31;1mred"
    assert without_escapes(red) == "red"
    assert without_escapes(red, colours=True) == f"{red}{RESET}"
    assert without_escapes(f"{red}\x1b[0m on", colours=True) == f"{red}\x1b[0m on"
    assert without_escapes("\x9b31mred\x9bm", colours=True) == "\x1b[31mred\x1b[m"


def test_no_text_of_few_characters_makes_the_filter_show_an_escape() -> None:
    alphabet = ["\x1b", "[", "]", "\x9b", "\x9d", "3", "m", ";", "\x07", "\\", "\n", "x"]
    for parts in itertools.product(alphabet, repeat=4):
        one = EscapeFilter()
        shown = "".join(one.feed(part) for part in parts) + one.end()
        assert not set(shown) & {"\x1b", "\x9b", "\x9d", "\x07"}
        assert shown == without_escapes("".join(parts))


def test_what_follows_a_string_that_never_ends_is_shown() -> None:
    assert without_escapes("a\x1b]0;never\nb") == "a\nb"
    assert without_escapes("a\x1b]0;" + "x" * 10_000 + "b").endswith("xb")


def test_a_long_text_of_sequences_is_filtered_at_once() -> None:
    assert without_escapes("\x1b]" * 200_000 + "\x9d" * 200_000) == ""


def test_line_ends_and_tabs_stay() -> None:
    assert without_escapes("a\tb\r\nc\n") == "a\tb\r\nc\n"


def test_a_name_is_one_line_in_which_everything_is_seen() -> None:
    assert one_line("a\x1b]52;c;x\x07\nb\u202ec\x9b1m") == (
        "a\\u{1B}]52;c;x\\u{7} b\\u{202E}c\\u{9B}1m"
    )
    assert visible("Ünï 😀\n") == "Ünï 😀\n"


def test_json_keeps_its_values_and_hides_nothing() -> None:
    value = {"name": "a\x9b1m\u202eb\x7f"}
    text = visible_json(json.dumps(value, ensure_ascii=False))
    assert text.isascii()
    assert json.loads(text) == value


def test_a_log_line_shows_what_others_put_into_it_and_stays_one_line() -> None:
    record = logging.LogRecord("x", 20, "f", 1, "Closing %s: %d", ("a\x1b[2J\n[I] ok", 3), None)
    assert LogFilter().filter(record)
    assert record.getMessage() == "Closing a\\u{1B}[2J\\n[I] ok: 3"
