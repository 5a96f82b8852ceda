"""The limits of a process: it has them from outside, and so has what it starts."""

import subprocess
from pathlib import Path

import pytest

from pwsh_kernels.limits import Limits, apply, limited_command

WAIT_S = 30.0


def told(limits: Limits, script: str) -> tuple[str, str]:
    """Return what a shell says (stdout, stderr) that got the limits before it runs the script."""
    command = limited_command(limits, ["/bin/sh", "-c", f"read go; {script}"])
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as shell:
        apply(limits, shell.pid)
        return shell.communicate("go\n", timeout=WAIT_S)


def test_limits_are_the_same_after_they_were_written_and_read() -> None:
    limits = Limits(open_files=100, file_size=10**10, oom_score=500)
    assert Limits.read(limits.text()) == limits
    assert Limits.read("") == Limits()


def test_what_a_process_starts_has_its_limits_too() -> None:
    said, _ = told(
        Limits(open_files=100, oom_score=500), "sh -c 'ulimit -n; cat /proc/self/oom_score_adj'"
    )
    assert said.split() == ["100", "500"]


def test_a_process_cannot_raise_its_limit() -> None:
    said, _ = told(Limits(open_files=100), "ulimit -Hn")
    assert said.split() == ["100"]


def test_a_lower_limit_that_it_has_already_stays() -> None:
    with subprocess.Popen(
        ["/bin/sh", "-c", "read go; ulimit -n"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as shell:
        apply(Limits(open_files=50), shell.pid)
        apply(Limits(open_files=100), shell.pid)
        said, _ = shell.communicate(b"go\n", timeout=WAIT_S)
    assert said.split() == [b"50"]


def test_a_file_past_its_size_is_an_error_and_no_signal(tmp_path: Path) -> None:
    said, errors = told(
        Limits(file_size=1000), f"dd if=/dev/zero of={tmp_path}/file bs=2000 count=1; echo $?"
    )
    assert said.split() == ["1"]
    assert "File too large" in errors


def test_a_process_that_has_ended_gets_none() -> None:
    with subprocess.Popen(["/bin/true"]) as ended:
        ended.wait(WAIT_S)
    with pytest.raises(ProcessLookupError):
        apply(Limits(open_files=100), ended.pid)
