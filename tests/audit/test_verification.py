"""Verification finds every line that was changed, removed, inserted or swapped, and says where."""

import json
import random
from collections.abc import Callable
from io import BytesIO

import pytest

from pwsh_kernels.audit.chain import seal
from pwsh_kernels.audit.verification import Verification, verify
from tests.audit.records import Files, chain, files

TRIES = 1000
Change = Callable[[random.Random, Files], None]


def head_of(log: Files) -> str:
    return verify(log).head


def problems(lines: list[bytes], *anchors: str) -> list[tuple[int, str]]:
    return [(one.line, one.text) for one in verify([("log", lines)], anchors).problems]


def test_a_log_as_it_was_written_has_no_problem() -> None:
    log = files(3, 5)
    assert verify(log) == Verification(15, 15, json.loads(log[-1][1][-1])["hash"], ())
    assert verify([]).problems == ()


# -- manipulations at random ----------------------------------------------------------------------


def some_file(rng: random.Random, log: Files) -> list[bytes]:
    return rng.choice([lines for _, lines in log if len(lines) > 1])


def put(lines: list[bytes], content: bytes) -> None:
    """Replace a file's content."""
    lines[:] = BytesIO(content).readlines()


def change_a_byte(rng: random.Random, log: Files) -> None:
    lines = some_file(rng, log)
    content = bytearray(b"".join(lines))
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    put(lines, bytes(content))


def cut_a_line(rng: random.Random, log: Files) -> None:
    lines = some_file(rng, log)
    at = rng.randrange(len(lines))
    start, end = sorted(rng.sample(range(len(lines[at]) + 1), 2))
    left = lines[at][:start] + lines[at][end:]
    put(lines, b"".join([*lines[:at], left, *lines[at + 1 :]]))


def remove_lines(rng: random.Random, log: Files) -> None:
    lines = some_file(rng, log)
    at = rng.randrange(len(lines))
    del lines[at : at + rng.randrange(1, 4)]


def insert_a_copy(rng: random.Random, log: Files) -> None:
    copied = rng.choice(some_file(rng, log))
    lines = some_file(rng, log)
    lines.insert(rng.randrange(len(lines) + 1), copied)


def insert_something(rng: random.Random, log: Files) -> None:
    lines = some_file(rng, log)
    odd = (b"\n", b"{}\n", b"[]\n", b"null\n", b'{"seq":1,"hash":""}\n', rng.randbytes(20) + b"\n")
    made_up = seal(rng.randbytes(32).hex(), {"seq": rng.randrange(1, 40), "kind": "x"}).line
    lines.insert(rng.randrange(len(lines) + 1), rng.choice([*odd, made_up]))


def swap_two(rng: random.Random, log: Files) -> None:
    lines = some_file(rng, log)
    one, two = rng.sample(range(len(lines)), 2)
    lines[one], lines[two] = lines[two], lines[one]


def forge_a_record(rng: random.Random, log: Files) -> None:
    """Change a fact and make its own hash right again."""
    lines = some_file(rng, log)
    at = rng.randrange(len(lines))
    facts = json.loads(lines[at])
    del facts["hash"]
    facts[rng.choice(["principal", "command", "time"])] = "person:mallory"
    before = json.loads(lines[at - 1])["hash"] if at else "0" * 64
    lines[at] = seal(before, facts).line


def remove_a_file(rng: random.Random, log: Files) -> None:
    del log[rng.randrange(len(log))]


def swap_two_files(rng: random.Random, log: Files) -> None:
    one, two = rng.sample(range(len(log)), 2)
    log[one], log[two] = log[two], log[one]


MANIPULATIONS: tuple[Change, ...] = (
    change_a_byte,
    cut_a_line,
    remove_lines,
    insert_a_copy,
    insert_something,
    swap_two,
    forge_a_record,
    remove_a_file,
    swap_two_files,
)


def test_each_of_a_thousand_manipulations_is_found_with_an_anchor() -> None:
    rng = random.Random(20261130)
    anchor, untouched, missed = head_of(files(3, 6)), files(3, 6), []
    for number in range(TRIES):
        log = files(3, 6)
        change = rng.choice(MANIPULATIONS)
        while log == untouched:
            change(rng, log)
        if not verify(log, [anchor]).problems:
            missed.append((number, change.__name__))
    assert missed == []


def test_each_manipulation_before_the_last_record_is_found_without_an_anchor() -> None:
    rng = random.Random(8785)
    missed, tries = [], 0
    while tries < TRIES:
        log = files(3, 6)
        last = log[-1][1][-1]
        change = rng.choice(MANIPULATIONS)
        change(rng, log)
        if log == files(3, 6) or not log or not log[-1][1] or log[-1][1][-1] != last:
            continue  # the last record itself was touched: that takes an anchor
        tries += 1
        if not verify(log).problems:
            missed.append((tries, change.__name__))
    assert missed == []


# -- where, and in which words --------------------------------------------------------------------


def test_a_changed_record_is_named_by_its_line() -> None:
    lines = chain(5)
    lines[2] = lines[2].replace(b"succeeded", b"failed")
    assert problems(lines) == [
        (3, "it does not follow from the record before it: one of the two was changed")
    ]


def test_missing_records_are_named_by_their_numbers() -> None:
    lines = chain(6)
    del lines[2:4]
    assert problems(lines) == [(3, "records 3 to 4 are missing before it")]


def test_a_record_that_stands_twice_is_named() -> None:
    lines = chain(3)
    lines.insert(2, lines[1])
    assert problems(lines)[0] == (3, "record 2 does not belong here: record 2 is before it")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"\n", "this is not a record of the log"),
        (b'{"seq":1e999}\n', "this is not a record of the log"),
        (b"[" * 5000 + b"\n", "this is not a record of the log"),
        (b'{"seq":' + b"9" * 5000 + b"}\n", "this is not a record of the log"),
    ],
)
def test_a_line_that_holds_no_record_is_named_and_the_rest_still_fits(
    line: bytes, said: str
) -> None:
    lines = chain(3)
    lines.insert(1, line)
    assert problems(lines) == [(2, said)]


def test_a_record_that_says_the_same_in_other_bytes_is_found() -> None:
    lines = chain(3)
    lines[1] = lines[1].replace(b'"seq":2', b'"seq": 2')
    assert problems(lines) == [(2, "the record is not written as the server writes it")]


def test_a_last_line_without_its_end_is_found() -> None:
    lines = chain(3)
    lines[2] = lines[2].rstrip()
    assert (3, "the line is not finished") in problems(lines)


# -- anchors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [0, 1, 7])
def test_removed_records_at_the_end_are_found_only_against_an_anchor(left: int) -> None:
    lines = chain(8)
    anchor = json.loads(lines[-1])["hash"]
    assert problems(lines[:left]) == []
    assert problems(lines, anchor) == []
    [(line, said)] = problems(lines[:left], anchor)
    assert line == 0
    assert said.startswith(f"no record has the hash {anchor}: records at the end were removed")


def test_a_log_that_was_written_anew_is_found_only_against_an_anchor() -> None:
    anchor = json.loads(chain(8)[-1])["hash"]
    line, previous = seal("0" * 64, {"seq": 1, "kind": "made.up"})
    anew = [line, *chain(7, previous, first=2)]
    assert problems(anew) == []
    assert len(problems(anew, anchor)) == 1


def test_an_anchor_from_the_middle_of_the_log_is_enough_for_what_is_before_it() -> None:
    lines = chain(8)
    assert problems(lines, json.loads(lines[3])["hash"]) == []


def test_a_log_whose_first_files_are_kept_elsewhere_follows_from_their_last_hash() -> None:
    lines = chain(8)
    noted = json.loads(lines[3])["hash"]
    assert verify([("log", lines[4:])], [noted], after=noted).problems == ()
    assert [one.text for one in verify([("log", lines[4:])]).problems] == [
        "records 1 to 4 are missing before it"
    ]
    assert verify([("log", lines[5:])], after=noted).problems != ()
