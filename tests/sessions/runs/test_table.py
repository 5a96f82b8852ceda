"""Which runs the table remembers."""

from pathlib import Path

import pytest

from pwsh_kernels.errors import UnknownRun
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.runs.table import Runs
from pwsh_kernels.tracing.context import TraceContext

KEY = SessionKey("contoso.example", "exo")


def test_a_long_run_is_remembered_after_many_short_ones_began_and_ended_meanwhile(
    tmp_path: Path,
) -> None:
    runs = Runs(tmp_path, memory=1000, kept=3, max_age_s=1000)
    long = runs.add(KEY, "long")
    long.become("running")
    short = [runs.add(KEY, f"short {number}") for number in range(10)]
    for one in short:
        one.become("running")
        one.finish("succeeded")
    long.finish("succeeded")
    runs.add(KEY, "next")
    assert runs.get(long.id) is long
    assert [one.command for one in runs.of(KEY)] == ["long", "short 8", "short 9", "next"]
    with pytest.raises(UnknownRun):
        runs.get(short[7].id)


def test_a_run_of_an_earlier_server_keeps_its_trace(tmp_path: Path) -> None:
    trace = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "01", "a=1")
    earlier = Runs(tmp_path, 1000, 10, 1000.0)
    run = earlier.add(KEY, "'long'", trace=trace)
    run.sent("m-1")
    earlier.note(run)
    later = Runs(tmp_path, 1000, 10, 1000.0)
    [note] = later.read_notes()
    assert later.restore(note).trace == trace
