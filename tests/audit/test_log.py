"""The writer: what it has written stays, whatever ends it, and goes on as one chain."""

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pwsh_kernels.audit.event import Event, Kind
from pwsh_kernels.audit.files import log_files, named_lines
from pwsh_kernels.audit.log import AuditLog
from pwsh_kernels.audit.verification import Verification, verify
from tests.audit.records import event
from tests.fixtures.repository import ROOT


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for _, lines in named_lines(folder) for line in lines]


def checked(folder: Path, *anchors: str) -> Verification:
    return verify(named_lines(folder), anchors)


def written(folder: Path, count: int, first: int = 1, **options: Any) -> AuditLog:
    """Return a log with so many more events, still open."""
    log = AuditLog(folder, **options)
    for number in range(first, first + count):
        log.append(event(number))
    return log


def test_records_are_numbered_and_one_chain_in_a_file_of_ours_alone(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    log = written(folder, 5)
    [file] = log_files(folder)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [one["seq"] for one in records(folder)] == [1, 2, 3, 4, 5, 6]
    assert records(folder)[0]["kind"] == "log.opened"
    assert checked(folder, log.head) == Verification(6, 6, log.head, ())


def test_a_full_file_is_followed_by_one_that_names_its_last_hash(tmp_path: Path) -> None:
    log = written(tmp_path, 20, file_bytes=2000)
    files = log_files(tmp_path)
    assert len(files) > 3
    assert checked(tmp_path, log.head).problems == ()
    before: dict[str, Any] = {"hash": "0" * 64}
    for file in files:
        lines = [json.loads(line) for line in file.read_bytes().splitlines()]
        assert lines[0]["kind"] == "log.opened"
        assert lines[0]["previous"] == before["hash"]
        assert file.name == f"audit-{lines[0]['seq']:012}.jsonl"
        before = lines[-1]


def test_a_log_goes_on_where_the_last_process_stopped(tmp_path: Path) -> None:
    written(tmp_path, 3).close()
    log = written(tmp_path, 3, first=4)
    assert [one.get("number") for one in records(tmp_path)] == [None, 1, 2, 3, 4, 5, 6]
    assert checked(tmp_path, log.head).problems == ()


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_line_that_a_crash_left_unfinished_is_taken_out_and_a_record_says_so(
    tmp_path: Path, cut: int
) -> None:
    written(tmp_path, 3).close()
    [file] = log_files(tmp_path)
    content = file.read_bytes()
    file.write_bytes(content[:-cut])
    log = written(tmp_path, 1, first=4)
    assert checked(tmp_path, log.head).problems == ()
    recovered = records(tmp_path)[3]
    assert recovered["kind"] == "log.recovered"
    assert recovered["bytes"] == len(content.splitlines()[-1]) + 1 - cut


def test_a_file_whose_first_line_a_crash_left_unfinished_is_begun_again(tmp_path: Path) -> None:
    log = written(tmp_path, 3)
    log.close()
    torn = tmp_path / f"audit-{log.last + 1:012}.jsonl"
    torn.write_bytes(b'{"door":"ser')
    after = written(tmp_path, 1, first=4)
    assert checked(tmp_path, after.head).problems == ()
    assert log_files(tmp_path)[-1] == torn


def test_a_log_goes_on_after_a_damaged_end_and_verification_still_names_it(tmp_path: Path) -> None:
    written(tmp_path, 3).close()
    [file] = log_files(tmp_path)
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:-1], b"rubbish\n"]))
    written(tmp_path, 2, first=4)
    found = checked(tmp_path).problems
    assert (found[0].file, found[0].line) == (file.name, 4)
    assert [one["seq"] for one in records_after_damage(tmp_path)] == [5, 6, 7]


def records_after_damage(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log_files(folder)[-1].read_bytes().splitlines()]


def remove(file: Path) -> None:
    file.unlink()


def continue_it(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b'{"seq":99}\n')


def cut_it(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-10])


@pytest.mark.parametrize("change", [remove, continue_it, cut_it])
def test_a_file_that_somebody_changes_meanwhile_is_left_and_verification_names_it(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    log = written(tmp_path, 3)
    change(log_files(tmp_path)[0])
    log.append(event(4))
    log.append(event(5))
    assert checked(tmp_path).problems != ()
    assert [one.get("number") for one in records_after_damage(tmp_path)] == [None, 4, 5]


def test_two_processes_cannot_write_one_log(tmp_path: Path) -> None:
    log = written(tmp_path, 1)
    with pytest.raises(BlockingIOError, match="another process writes it"):
        written(tmp_path, 1)
    log.close()
    assert written(tmp_path, 1).last == 3


def test_what_cannot_be_written_leaves_the_chain_as_it_was(tmp_path: Path) -> None:
    log = written(tmp_path / "audit", 2)
    before = log.head
    (tmp_path / "audit").rename(tmp_path / "away")
    (tmp_path / "audit").write_text("no folder")
    for file in log_files(tmp_path / "away"):
        file.unlink()
    with pytest.raises(OSError, match="Not a directory"):
        log.append(event(3))
    assert (log.head, log.last) == (before, 3)


def test_a_full_disk_takes_no_part_of_a_record_and_the_log_goes_on_later(tmp_path: Path) -> None:
    full = (tmp_path / "small").absolute()
    script = f"""
import resource, signal, pathlib
from pwsh_kernels.audit.log import AuditLog
from tests.audit.records import event
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
log, refused = AuditLog(pathlib.Path({str(full)!r})), 0
for number in range(20):
    try:
        log.append(event(number))
    except OSError:
        refused += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.append(event(99))
print(refused, log.head)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, text=True, capture_output=True, check=True
    )
    refused, head = done.stdout.split()
    assert int(refused) > 10
    assert checked(full, head).problems == ()
    assert records(full)[-1]["number"] == 99


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "audit-000000000001.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        written(tmp_path, 1)
    assert not (tmp_path / "elsewhere").exists()


def test_there_is_something_to_bring_to_the_disk_only_after_a_record(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    assert log.descriptor_to_sync() is None
    log.append(Event(Kind.SERVER_STARTED))
    assert isinstance(log.descriptor_to_sync(), int)
    assert log.descriptor_to_sync() is None
