"""A sample of benchmarks/faults: what the product says after a fault is true."""

import pytest

from benchmarks.faults.families import every_fault
from benchmarks.faults.fault import Result, try_alone
from benchmarks.faults.table import table
from tests.fixtures.sweeps import swept

pytestmark = [pytest.mark.slow, pytest.mark.pwsh, pytest.mark.timeout(300)]

SAMPLE = (
    "kill/server/quiet",
    "kill/powershell/input",
    "restart/SIGTERM/quiet",
    "file/connection/truncated",
    "message/run/secret_object",
    "prompt/five_answers",
)
FEW = ("kill/server/quiet",)
"""What `make test` tries; the others of the sample are in `make test-sweeps`."""


@pytest.mark.parametrize("fault", swept(SAMPLE, FEW))
def test_after_a_fault_nothing_is_wrong_hangs_or_is_lost(fault: str) -> None:
    result = try_alone(fault, every_fault()[fault])
    assert (result.outcome, result.problem) == ("ok", "")


def test_the_whole_run_has_a_thousand_trials() -> None:
    assert sum(one.trials for one in every_fault().values()) >= 1000


def test_the_table_counts_each_familys_trials_and_no_void_one() -> None:
    results = [
        Result("kill/server/idle", "ok", 1.0),
        Result("kill/all/idle", "lost", 1.0),
        Result("kill/all/idle", "void", 1.0),
        Result("disk/full/sign_in", "skipped", 0.0),
    ]
    assert table(results).splitlines()[2:] == ["| kill | 2 | 2 | 1 | 0 | 0 | 1 |"]
