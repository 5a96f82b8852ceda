"""Which process a kernel is: the same one whatever the clock says, and never a different one."""

import json
import os
from dataclasses import astuple
from pathlib import Path

import pytest

from pwsh_kernels.sessions.places.local_process import (
    PORTS,
    ProcessIdentity,
    living_process,
    process_note,
    write_process_note,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A connection file of a kernel that is this process."""
    one = tmp_path / "kernel-x.json"
    one.write_text(
        json.dumps({"ip": "127.0.0.1", "transport": "tcp", "key": "k", **dict.fromkeys(PORTS, 1)})
    )
    write_process_note(one, os.getpid())
    return one


def test_a_noted_process_is_found_and_its_note_is_private(file: Path) -> None:
    process = living_process(file)
    assert process is not None
    assert process.pid == os.getpid()
    assert process_note(file).stat().st_mode & 0o777 == 0o600


def test_the_note_holds_no_time_of_a_clock_that_can_be_set(file: Path) -> None:
    pid, boot, started = json.loads(process_note(file).read_text())
    assert (pid, boot) == (os.getpid(), Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    assert started <= float(Path("/proc/uptime").read_text().split()[0]) * os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("change", [{"started": 1}, {"boot": "another"}, {"pid": 2**22 + 1}])
def test_a_process_with_another_start_boot_or_id_is_another_one(
    file: Path, change: dict[str, object]
) -> None:
    pid, boot, started = astuple(ProcessIdentity.of(os.getpid()))
    other = {"pid": pid, "boot": boot, "started": started, **change}
    process_note(file).write_text(json.dumps(list(other.values())))
    assert living_process(file) is None


@pytest.mark.parametrize("damage", ["", "{", "null", "5", "[]", '["a", "b", "c"]', "[1, 2, 3, 4]"])
def test_a_damaged_note_is_no_process_and_no_error(file: Path, damage: str) -> None:
    process_note(file).write_text(damage)
    assert living_process(file) is None


@pytest.mark.parametrize("damage", ["", "[]", "null", "{}", '{"key": 5}'])
def test_a_damaged_connection_file_is_no_living_kernel_and_no_error(
    file: Path, damage: str
) -> None:
    file.write_text(damage)
    assert living_process(file) is None
