"""The lines of an output: pages, searches, long lines, and patterns that would hang
another engine.
"""

import asyncio
import random
from pathlib import Path

import pytest

from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.sessions.queries.line_reader import LineReader
from pwsh_kernels.sessions.queries.lines import (
    READ_CHARS,
    SHOWN_CHARS,
    LinesPage,
    LinesQuery,
    compiled,
    read_lines,
    shortened,
)
from pwsh_kernels.sessions.runs.output_log import OutputLog

MEMORY = 2_000


def make(folder: Path, *texts: str, memory: int = MEMORY) -> OutputLog:
    log = OutputLog(folder / "runs" / "r-1.jsonl", memory)
    for text in texts:
        log.append("stdout", "text", text)
    return log


def read(log: OutputLog, *, expired: bool = False, **query: object) -> LinesPage:
    with log.texts() as texts:
        return read_lines(texts, LinesQuery(**query), lambda: expired)  # type: ignore[arg-type]


def shown(page: LinesPage) -> list[tuple[int, str]]:
    return [(line.number, line.text) for line in page.lines]


def test_pages_of_lines_give_the_whole_output_however_it_came(tmp_path: Path) -> None:
    dice = random.Random(3)
    text = "".join(
        f"line {number} {'é𝄞x'[number % 3] * dice.randrange(90)}\n" for number in range(1, 700)
    )
    log, start = make(tmp_path), 0
    while start < len(text):
        length = dice.randrange(1, 400)
        log.append(dice.choice(["stdout", "stderr"]), "text", text[start : start + length])
        start += length
    assert log.spilled
    found, first = [], 1
    while first:
        page = read(log, first=first, count=23)
        found += shown(page)
        first = page.more or 0
    assert found == list(enumerate(text.splitlines(), 1))
    assert page.total_lines == 699
    for number in (1, 2, 333, 698, 699):
        assert shown(read(log, first=number, count=1)) == [found[number - 1]]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("\n", [""]),
        ("a", ["a"]),
        ("a\n", ["a"]),
        ("a\n\nb", ["a", "", "b"]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("\x1b[31;1mred\x1b[0m and \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n", ["red and link"]),
    ],
)
def test_lines_are_what_a_person_counts(tmp_path: Path, text: str, lines: list[str]) -> None:
    page = read(make(tmp_path, text))
    assert [line.text for line in page.lines] == lines
    assert page.total_lines == len(lines)
    assert (page.more, page.matches) == (None, None)


def test_an_escape_in_two_pieces_is_no_part_of_a_line(tmp_path: Path) -> None:
    assert shown(read(make(tmp_path, "a\x1b[3", "1mb\n"))) == [(1, "ab")]


def test_a_negative_number_counts_from_the_end(tmp_path: Path) -> None:
    log = make(tmp_path, *(f"line {number}\n" for number in range(1, 1001)))
    assert [number for number, _ in shown(read(log, first=-3))] == [998, 999, 1000]
    assert shown(read(log, first=-5000, count=1)) == [(1, "line 1")]
    assert read(log, first=5000).lines == []


def test_a_search_gives_matches_with_the_lines_around_them_each_once(tmp_path: Path) -> None:
    log = make(tmp_path, *(f"line {number}\n" for number in range(1, 1001)))
    page = read(log, search=r"line 50\d$", context=2, count=3, first=100)
    assert [number for number, _ in shown(page)] == [498, 499, 500, 501, 502, 503, 504][:5]
    assert (page.matches, page.more) == (10, 503)
    again = read(log, search=r"line 50\d$", context=2, count=3, first=503)
    assert [number for number, _ in shown(again)] == [501, 502, 503, 504, 505]
    assert [line.number for line in again.lines if line.at] == [503, 504, 505]
    assert (again.matches, again.more) == (7, 506)


def test_a_search_finds_the_same_as_pages_read_whole(tmp_path: Path) -> None:
    dice = random.Random(11)
    lines = [dice.choice(["apple", "pear", "PEAR tree", "fig"]) for _ in range(250)]
    log = make(tmp_path, *(f"{one}\n" for one in lines))
    for context, count in ((0, 1), (1, 7), (3, 40)):
        found: list[int] = []
        first: int | None = 1
        while first:
            page = read(log, search="pear", context=context, count=count, first=first)
            numbers = [line.number for line in page.lines]
            assert numbers == sorted(set(numbers))
            for line in page.lines:
                assert line.text == lines[line.number - 1]
                assert line.at or any(
                    abs(line.number - other.number) <= context for other in page.lines if other.at
                )
            found += [line.number for line in page.lines if line.at]
            first = page.more
        assert found == [number for number, one in enumerate(lines, 1) if "pear" in one.lower()]


def test_letters_count_when_they_are_asked_to(tmp_path: Path) -> None:
    log = make(tmp_path, "Ärger\närger\n")
    assert read(log, search="ÄRGER").matches == 2
    assert read(log, search="ärger", ignore_case=False).matches == 1


def test_a_long_line_is_cut_around_its_match_and_says_how_much_is_left_out(tmp_path: Path) -> None:
    log = make(
        tmp_path, "é" * 5_000 + "needle" + "x" * 300_000 + "late\n", "end\n", memory=1_000_000
    )
    (line,) = read(log, search="NEEDLE").lines
    text = shortened(line)
    assert "needle" in text
    assert text.startswith("[4,003 characters left out] … é")
    assert text.endswith(f"[{300_000 + 4 + 5_006 - 4_003 - SHOWN_CHARS:,} characters left out]")
    assert read(log, search="late").matches == 0  # beyond READ_CHARS
    first, last = read(log).lines
    assert (
        shortened(first)
        == "é" * SHOWN_CHARS + f" … [{5_006 + 300_004 - SHOWN_CHARS:,} characters left out]"
    )
    assert len(first.text) == READ_CHARS
    assert (last.number, shortened(last)) == (2, "end")


def test_half_a_surrogate_pair_in_the_output_does_not_stop_a_search(tmp_path: Path) -> None:
    page = read(make(tmp_path, "x\ud800needle\n"), search="needle")
    assert page.lines[0].at == (2, 8)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(", "missing )"),
        ("[a", "missing ]"),
        ("(?=a)b", "(?="),
        (r"(a)\1", r"\1"),
        ("*", "no argument"),
        ("a" * 2000, "2000"),
    ],
)
def test_a_pattern_that_cannot_be_used_says_what_is_wrong(pattern: str, problem: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        compiled(pattern, ignore_case=True)
    assert refused.value.field == "search"
    assert problem in refused.value.problem


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(a|a?)+c", "(.*)(.*)(.*)(.*)(.*)x"])
def test_a_pattern_that_backtracks_without_end_elsewhere_ends_here(
    tmp_path: Path, pattern: str
) -> None:
    log = make(tmp_path, *("a" * 5_000 + "b\n" for _ in range(20)))
    assert read(log, search=pattern).matches == 0


def test_a_reading_whose_time_is_over_says_where_to_go_on(tmp_path: Path) -> None:
    log = make(tmp_path, *(f"line {number}\n" for number in range(1, 1001)))
    page = read(log, expired=True, search="line")
    assert (shown(page), page.matches, page.more) == ([(1, "line 1")], 1, 2)
    assert read(log, expired=True, first=1000, search="line").more is None


def test_an_answer_has_a_bounded_size(tmp_path: Path) -> None:
    log = make(tmp_path, *("x" * 3_000 + "\n" for _ in range(2_000)))
    page = read(log, count=2_000)
    assert 490 < len(page.lines) < 510
    assert page.more == len(page.lines) + 1
    found = read(log, count=2_000, search="x")
    assert 490 < len(found.lines) < 510
    assert (found.matches, found.more) == (2_000, len(found.lines) + 1)


async def test_the_event_loop_stays_free_and_the_log_grows_while_ten_megabytes_are_searched(
    tmp_path: Path,
) -> None:
    log = make(tmp_path, memory=100_000)
    for number in range(1_000):
        log.append("stdout", "text", f"user{number} {'x' * 90}\n" * 100)
    assert log.total_chars > 9_000_000
    searching = asyncio.ensure_future(
        LineReader().read(log, LinesQuery(search="user999 ", count=5))
    )
    beats = 0
    while not searching.done():
        await asyncio.sleep(0)
        log.append("stdout", "text", "user999 new\n")
        beats += 1
    page = await searching
    assert beats > 10
    assert page.total_lines == 100_000
    assert (page.matches, [line.number for line in page.lines]) == (100, [*range(99_901, 99_906)])


async def test_a_log_that_is_forgotten_meanwhile_is_read_to_its_end(tmp_path: Path) -> None:
    log = make(tmp_path, *(f"line {number}\n" for number in range(2_000)))
    with log.texts() as texts:
        log.close()
        assert read_lines(texts, LinesQuery(search="1999"), lambda: False).matches == 1
