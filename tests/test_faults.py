"""A sample of benchmarks/faults.py: what the product says after a fault is true."""

import pytest

from benchmarks.faults import FAULTS, Trial, table, try_fault

pytestmark = [pytest.mark.slow, pytest.mark.pwsh, pytest.mark.timeout(180)]

SAMPLE = ("restart/SIGKILL", "damage/connection/truncated", "message/odd_secret")


@pytest.mark.parametrize("fault", SAMPLE)
def test_after_a_fault_nothing_is_wrong_and_nothing_hangs(fault: str) -> None:
    trial = try_fault(fault)
    assert (trial.outcome, trial.problem) == ("ok", "")


def test_the_table_has_a_row_for_each_fault_that_was_tried() -> None:
    trials = [Trial(name, "ok", 1.0) for name in FAULTS] + [Trial("kill/kernel", "wrong", 2.0)]
    rows = table(trials).splitlines()[2:]
    assert len(rows) == len(FAULTS)
    assert "| kill/kernel | 2 | 1 | 2 |" in rows
