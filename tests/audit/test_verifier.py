"""The log is verified beside its writing, against what its writer remembers."""

import json
from pathlib import Path

from pwsh_kernels.audit.files import log_files
from pwsh_kernels.audit.log import AuditLog
from pwsh_kernels.audit.verifier import NEWEST_FILES, Verifier
from tests.audit.records import event


def written(folder: Path, count: int, file_bytes: int = 1 << 20) -> AuditLog:
    """Return a log with so many events, still open."""
    log = AuditLog(folder, file_bytes)
    for number in range(count):
        log.append(event(number))
    return log


async def test_what_was_written_has_no_problem_whatever_is_appended_meanwhile(
    tmp_path: Path,
) -> None:
    log = written(tmp_path, 5)
    verifier = Verifier(log)
    with log_files(tmp_path)[-1].open("ab") as file:
        file.write(b'{"half')  # of a record that is being written just now
    first = await verifier.verify()
    assert (first.first, first.found.last, first.found.problems) == (1, log.last, ())
    assert verifier.last is first
    log.append(event(6))
    assert (await verifier.verify()).found.problems != ()  # by now it is no record of ours


async def test_an_empty_log_and_one_that_was_resumed_have_no_problem(tmp_path: Path) -> None:
    assert (await Verifier(AuditLog(tmp_path)).verify()).found.problems == ()
    written(tmp_path, 3).close()
    resumed = written(tmp_path, 1)
    assert (await Verifier(resumed).verify()).found.problems == ()
    assert (await Verifier(AuditLog(tmp_path)).verify()).found.problems == ()


async def test_a_log_that_was_written_anew_as_a_whole_shows_against_the_writer_s_memory(
    tmp_path: Path,
) -> None:
    ours = written(tmp_path / "ours", 5)
    written(tmp_path / "theirs", 4).close()
    [file], [other] = log_files(tmp_path / "ours"), log_files(tmp_path / "theirs")
    file.write_bytes(other.read_bytes())
    [problem] = (await Verifier(ours).verify()).found.problems
    assert "no record has the hash" in str(problem)


async def test_of_a_long_log_the_newest_files_are_verified_from_where_they_begin(
    tmp_path: Path,
) -> None:
    log = written(tmp_path, 60, file_bytes=2000)
    files = log_files(tmp_path)
    assert len(files) > NEWEST_FILES
    verified = await Verifier(log).verify()
    begins = json.loads(files[-NEWEST_FILES].read_bytes().splitlines()[0])["seq"]
    assert (verified.first, verified.found.last, verified.found.problems) == (begins, log.last, ())
    newest = files[-2].read_bytes()
    files[-2].write_bytes(newest.replace(b"succeeded", b"cancelled", 1))
    assert (await Verifier(log).verify()).found.problems != ()
