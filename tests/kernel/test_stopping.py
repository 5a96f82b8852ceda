"""An interrupt of a .NET call that cannot be stopped: the client is informed, queued cells wait,
and the next interrupt offers a restart.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager

from pwsh_kernels.kernel.kernel import EXIT_POWERSHELL_DIED
from pwsh_kernels.kernel.stopping import BLOCKED, CANNOT_ASK, WAITING
from tests.fixtures.kernel import WAIT_S, Client, Run, connected, running_kernel

pytestmark = [pytest.mark.slow, pytest.mark.pwsh]


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """A file whose reading blocks until somebody opens it for writing."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    assert stat.S_ISFIFO(path.stat().st_mode)
    return path


@pytest.fixture(scope="module")
def own_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelManager]:
    """A kernel whose PowerShell the last test ends."""
    with running_kernel(tmp_path_factory.mktemp("home")) as manager:
        yield manager


@pytest.fixture(scope="module")
def own_client(own_kernel: KernelManager) -> Iterator[Client]:
    """Its client."""
    with connected(own_kernel) as one:
        yield one


def blocked(client: Client, fifo: Path, *, allow_stdin: bool) -> str:
    """Run a cell that blocks and interrupt it; return its id once the kernel has said that it is
    blocked.
    """
    run_id = client.send(
        f"'started'; [IO.File]::ReadAllText('{fifo}'); 'never'", allow_stdin=allow_stdin
    )
    client.until(run_id, lambda run: "started" in run.text())
    client.interrupt()
    client.until(run_id, lambda run: BLOCKED in run.text("stderr"))
    return run_id


def release(fifo: Path) -> None:
    """Let the blocked call return."""
    os.close(os.open(fifo, os.O_WRONLY))


def test_a_blocked_call_is_told_and_what_is_queued_runs_after_it(
    own_client: Client, fifo: Path
) -> None:
    run_id = blocked(own_client, fifo, allow_stdin=False)
    queued = own_client.send("'next'")
    own_client.interrupt()
    own_client.until(run_id, lambda run: CANNOT_ASK in run.text("stderr"))
    release(fifo)
    assert own_client.finish(run_id).summary.outcome == "stopped"
    assert own_client.finish(queued).text() == "next\n"


def test_the_offer_of_a_restart_can_be_declined_and_goes_when_the_call_returns(
    own_client: Client, fifo: Path
) -> None:
    run_id = blocked(own_client, fifo, allow_stdin=True)
    own_client.interrupt()
    asked = own_client.question(run_id).questions[0]["content"]["prompt"]
    assert asked.startswith("Restart PowerShell?")
    assert "sign-ins of this session are lost" in asked
    own_client.answer("k")
    own_client.until(run_id, lambda run: WAITING in run.text("stderr"))
    own_client.interrupt()
    own_client.question(run_id, 1)
    release(fifo)
    run: Run = own_client.finish(run_id)
    assert (run.summary.outcome, run.text()) == ("stopped", "started\n")
    assert own_client.run("'alive'").text() == "alive\n"


def test_the_second_interrupt_can_restart_powershell(
    own_kernel: KernelManager, own_client: Client, fifo: Path
) -> None:
    run_id = blocked(own_client, fifo, allow_stdin=True)
    own_client.interrupt()
    own_client.question(run_id)
    own_client.answer("r")
    assert own_client.finish(run_id).content["ename"] == "PowerShellDied"
    assert own_kernel.provisioner
    assert own_kernel.provisioner.process.wait(WAIT_S) == EXIT_POWERSHELL_DIED  # type: ignore[attr-defined]
