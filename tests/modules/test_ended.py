"""An installation that is ended leaves no PowerShell behind, and nothing of it on the disk."""

import os
import select
import signal
from pathlib import Path

import psutil
import pytest

from tests.fixtures.cli import LIMIT, child_command
from tests.fixtures.sweeps import swept
from tests.modules.machine import Machine, pack

pytestmark = [pytest.mark.slow, pytest.mark.pwsh]

WAITS = """$pipe = [IO.File]::Open('{pipe}', 'Open', 'Write')
$pipe.WriteByte(33)
$pipe.Flush()
Start-Sleep 600
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with a folder of its own for what is temporary."""
    (tmp_path / "tmp").mkdir()
    return Machine(tmp_path, {"TMPDIR": str(tmp_path / "tmp")})


def read(pipe: int) -> bytes:
    """Return what comes next through a pipe; b"" once nobody holds its other end any more."""
    assert select.select([pipe], [], [], LIMIT)[0]
    return os.read(pipe, 1)


@pytest.mark.parametrize(
    "number",
    swept([signal.SIGTERM, signal.SIGINT, signal.SIGKILL], [signal.SIGINT, signal.SIGKILL]),
)
def test_an_ended_installation_leaves_nothing_behind(
    machine: Machine, number: signal.Signals
) -> None:
    os.mkfifo(machine.root / "pipe")
    pipe = os.open(machine.root / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    folder = machine.root / "packages"
    pack(folder, "Contoso.Waits", "1.0.0", script=WAITS.format(pipe=machine.root / "pipe"))
    install = ("modules", "install", "Contoso.Waits", "--from", str(folder))
    with child_command(machine.environment, *install) as child:
        assert read(pipe) == b"!"  # it is being imported
        children = psutil.Process(child.pid).children()
        child.send_signal(number)
        child.wait(LIMIT)
    assert read(pipe) == b""  # PowerShell has ended
    os.close(pipe)
    assert not psutil.wait_procs(children, LIMIT)[1]
    assert list((machine.root / "tmp").iterdir()) == []
    if number != signal.SIGKILL:
        assert child.returncode == 130
        assert [one.name for one in (machine.data / "modules").iterdir()] == [".lock"]
