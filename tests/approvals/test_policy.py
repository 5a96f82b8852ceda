"""What a text needs before it runs, by its class and by what a tenant says of changes."""

import pytest

from pwsh_kernels.approvals.policy import Need, needs
from pwsh_kernels.catalog import Changes
from pwsh_kernels.classification import Class


@pytest.mark.parametrize("kind", [one for one in Class if one is not Class.READ] + [None])
@pytest.mark.parametrize(
    ("changes", "need"), [("free", Need.RUN), ("ask", Need.ASK), ("never", Need.REFUSE)]
)
def test_whatever_does_not_read_is_a_change_also_what_nobody_can_tell(
    changes: Changes, need: Need, kind: Class | None
) -> None:
    assert needs(changes, kind) is need


@pytest.mark.parametrize("changes", ["free", "ask", "never"])
def test_what_reads_runs(changes: Changes) -> None:
    assert needs(changes, Class.READ) is Need.RUN
