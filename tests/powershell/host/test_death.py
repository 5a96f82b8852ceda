"""Close, kill and death: bounded, reported at once, nothing left behind."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from pwsh_kernels.errors import PowerShellDied
from pwsh_kernels.powershell import Died, Launch, PowerShell, Text
from tests.fixtures.powershell import WAIT_S, collect, is_text, until

pytestmark = [pytest.mark.asyncio(loop_scope="function"), pytest.mark.slow]

PARENT = """
import asyncio, sys
from pathlib import Path
from pwsh_kernels.powershell import Launch, PowerShell

async def main():
    shell = await PowerShell.open(Launch(Path(sys.argv[1]), home=Path(sys.argv[2])))
    async for event in await shell.start(sys.argv[3]):
        print(event.text, end="", flush=True)

asyncio.run(main())
"""


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def gone(pid: int) -> None:
    """Wait until a process that is not our child has ended."""
    async with asyncio.timeout(WAIT_S):
        while is_alive(pid):  # noqa: ASYNC110 - the end of a process that is not our child can only be polled
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("script", "status", "name"),
    [
        ("'go'; [Environment]::Exit(7)", 7, None),
        pytest.param(
            "'go'; [Environment]::FailFast('dead')", None, "SIGABRT", marks=pytest.mark.sweep
        ),
        pytest.param(
            "'go'; Stop-Process -Id $PID -Force; Start-Sleep 60",
            None,
            "SIGKILL",
            marks=pytest.mark.sweep,
        ),
        (
            "Start-Process /bin/sleep 60; 'go'; Stop-Process -Id $PID -Force; Start-Sleep 60",
            None,
            "SIGKILL",
        ),
    ],
)
async def test_a_death_in_a_run_is_its_last_event(
    own_shell: PowerShell, script: str, status: int | None, name: str | None
) -> None:
    said = await collect(await own_shell.start(script))
    assert said.died == Died(status, name) == await own_shell.died
    with pytest.raises(PowerShellDied):
        await own_shell.start("1")
    with pytest.raises(PowerShellDied):
        await own_shell.query("1")


async def test_a_kill_ends_programs_of_the_group_too(own_shell: PowerShell) -> None:
    pipeline = await own_shell.start(
        "$child = Start-Process /bin/sleep 60 -PassThru; $child.Id; Start-Sleep 60"
    )
    event = await until(pipeline, is_text)
    assert isinstance(event, Text)
    own_shell.kill()
    assert (await collect(pipeline)).died == Died(None, "SIGKILL")
    await gone(int(event.text))


@pytest.mark.parametrize(
    "work",
    [
        pytest.param("Start-Sleep 60", marks=pytest.mark.sweep),
        "/bin/sh -c 'trap \"\" INT TERM; sleep 60; sleep 60'",
        "[Threading.Thread]::Sleep(60000)",
    ],
)
async def test_a_close_during_a_run_is_bounded_and_harmless_again(
    own_shell: PowerShell, work: str
) -> None:
    pipeline = await own_shell.start(f"'go'; {work}")
    await until(pipeline, is_text)
    await own_shell.close()
    assert own_shell.died.done()
    assert (await collect(pipeline)).died == own_shell.died.result()
    await own_shell.close()


@pytest.mark.parametrize(
    "work",
    [
        pytest.param("while ($true) { }", marks=pytest.mark.sweep),
        pytest.param("/bin/sleep 60", marks=pytest.mark.sweep),
        "$null = Start-Process /bin/sleep 300 -PassThru; [Threading.Thread]::Sleep(90000)",
    ],
)
async def test_powershell_and_what_it_started_end_when_its_parent_is_killed(
    powershell_path: Path, tmp_path: Path, work: str
) -> None:
    script = f"$PID; {work}"
    command = [sys.executable, "-c", PARENT, str(powershell_path), str(tmp_path), script]
    parent = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(await asyncio.wait_for(parent.stdout.readline(), WAIT_S))
    children = psutil.Process(pid).children()
    parent.send_signal(signal.SIGKILL)
    for process in [pid, *(child.pid for child in children)]:
        await gone(process)
    await parent.wait()


async def test_the_child_has_its_own_home_group_and_a_clean_environment(
    powershell_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOREIGN_SECRET", "hidden")
    monkeypatch.setenv("PASSED_ON", "seen")
    launch = Launch(
        powershell_path,
        home=tmp_path / "home",
        environment={"GIVEN": "too"},
        pass_env=("PASSED_ON",),
        width=77,
    )
    shell = await PowerShell.open(launch)
    script = """$HOME; $env:FOREIGN_SECRET; $env:PASSED_ON; $env:GIVEN
$env:POWERSHELL_TELEMETRY_OPTOUT; $env:POWERSHELL_UPDATECHECK; $env:POWERSHELL_DIAGNOSTICS_OPTOUT
$PID
$Host.UI.RawUI.WindowSize.Width"""
    try:
        *values, pid, width = await shell.query(script)
        assert values == [str(tmp_path / "home"), None, "seen", "too", "1", "Off", "1"]
        assert (os.getpgid(pid), os.getsid(pid), width) == (pid, pid, 77)
        assert (tmp_path / "home").stat().st_mode & 0o077 == 0
    finally:
        await shell.close()
