"""Session notes: each is read separately; a damaged one is set aside."""

import json
import resource
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from pwsh_kernels.sessions.notes import SessionNote, SessionNotes
from tests.fixtures.limits import limited

GOOD = SessionNote("contoso.example", "exo", "id", "file", "2026-11-30T12:00:00+00:00")
DAMAGED = [
    b"",
    b"{",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"{}",
    b"[" * 100_000,
    b'{"tenant": "a.example"}',
    *(
        json.dumps({**asdict(GOOD), **change}).encode()
        for change in (
            {"created_at": 5},
            {"created_at": "noon"},
            {"signed_in_at": "noon"},
            {"tenant": ["a"]},
            {"state": "sleeping"},
            {"tier": "none"},
            {"unknown": "x"},
        )
    ),
]


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_note_is_put_aside_and_named_and_the_others_are_read(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    notes = SessionNotes(tmp_path)
    notes.write(GOOD)
    (tmp_path / "adatum.example.exo.json").write_bytes(damage)
    assert list(notes.read_all()) == [GOOD]
    assert (tmp_path / "adatum.example.exo.json.bad").read_bytes() == damage
    assert "adatum.example.exo.json.bad" in caplog.text
    assert list(notes.read_all()) == [GOOD]


def test_a_note_of_before_there_were_tiers_is_one_of_the_tier_that_writes(tmp_path: Path) -> None:
    notes = SessionNotes(tmp_path)
    old = {name: value for name, value in asdict(GOOD).items() if name != "tier"}
    (tmp_path / "contoso.example.exo.json").write_text(json.dumps(old), encoding="utf-8")
    reads = replace(GOOD, tier="read")
    notes.write(reads)
    assert set(notes.read_all()) == {GOOD, reads}
    assert GOOD.key.tier == "write"


def test_a_note_that_is_a_folder_keeps_nobody_from_being_read(tmp_path: Path) -> None:
    notes = SessionNotes(tmp_path)
    notes.write(GOOD)
    (tmp_path / "adatum.example.exo.json").mkdir()
    assert list(notes.read_all()) == [GOOD]


def test_a_note_that_finds_no_room_on_the_disk_leaves_the_one_before(tmp_path: Path) -> None:
    notes = SessionNotes(tmp_path)
    notes.write(GOOD)
    with limited(resource.RLIMIT_FSIZE, 10), pytest.raises(OSError, match="File too large"):
        notes.write(replace(GOOD, state="signed_in"))
    assert list(notes.read_all()) == [GOOD]
    assert len(list(tmp_path.iterdir())) == 1
