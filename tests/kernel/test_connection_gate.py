"""When cells of a signed-in session may run, given what has changed and who has checked."""

import pytest

from pwsh_kernels.errors import ConnectionUnchecked
from pwsh_kernels.kernel.connection_gate import LOOK_WAIT_S, ConnectionGate
from pwsh_kernels.messages import options_metadata
from pwsh_kernels.records import RunOptions

CELL = options_metadata(RunOptions())
CHECK = options_metadata(RunOptions(), own=True)
FOUND, NOBODY = (options_metadata(RunOptions(), own=True, guards=one) for one in (True, False))


class Clock:
    """A clock that stands still until it is set."""

    time = 1000.0

    def __call__(self) -> float:
        return self.time


def changed_gate(clock: Clock) -> ConnectionGate:
    """Return the gate of a signed-in session after a cell that changed its connection."""
    gate = ConnectionGate(clock)
    gate.leave(FOUND, changed=False)
    gate.leave(CELL, changed=True)
    return gate


def test_after_a_changed_connection_cells_are_refused_and_the_servers_scripts_are_not() -> None:
    gate = changed_gate(Clock())
    for metadata in (CELL, {}, {"pwsh": {"guards": True}}):
        with pytest.raises(ConnectionUnchecked, match="This one was not run"):
            gate.enter(metadata)
        gate.leave(metadata, changed=False)
    gate.enter(CHECK)
    gate.leave(CHECK, changed=False)
    with pytest.raises(ConnectionUnchecked):
        gate.enter(CELL)


@pytest.mark.parametrize("result", [FOUND, NOBODY])
def test_when_the_server_has_looked_cells_run_whatever_it_has_found(
    result: dict[str, object],
) -> None:
    gate = changed_gate(Clock())
    gate.leave(result, changed=False)
    gate.enter(CELL)


def test_a_server_that_does_not_come_holds_cells_only_for_a_while() -> None:
    clock = Clock()
    gate = changed_gate(clock)
    clock.time += LOOK_WAIT_S
    gate.enter(CELL)


def test_where_nobody_is_signed_in_a_connect_of_a_cell_holds_nobody() -> None:
    gate = ConnectionGate(Clock())
    gate.leave(CELL, changed=True)
    gate.enter(CELL)
    gate.leave(NOBODY, changed=False)
    gate.leave(CELL, changed=True)
    gate.enter(CELL)
