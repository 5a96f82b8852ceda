"""How a kernel starts, loses its PowerShell, and ends without leaving a process behind."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from jupyter_client.manager import KernelManager

from pwsh_kernels.kernel.kernel import EXIT_POWERSHELL_DIED
from pwsh_kernels.messages import POWERSHELL_DIED
from tests.fixtures.kernel import WAIT_S, Client, connected, running_kernel

pytestmark = [pytest.mark.slow, pytest.mark.pwsh]


@pytest.fixture
def own_kernel(tmp_path: Path) -> Iterator[KernelManager]:
    """A kernel for one test, which may end it."""
    with running_kernel(tmp_path) as manager:
        yield manager


@pytest.fixture
def own_client(own_kernel: KernelManager) -> Iterator[Client]:
    """Its client."""
    with connected(own_kernel) as one:
        yield one


def powershell(client: Client) -> psutil.Process:
    """Return the PowerShell process of a kernel."""
    return psutil.Process(int(client.run("$PID").text()))


def exit_code(manager: KernelManager) -> int:
    """Wait for the kernel's end."""
    return int(manager.provisioner.process.wait(WAIT_S))  # type: ignore[union-attr]


def test_death_in_a_cell_ends_it_with_a_clear_error_an_event_and_the_kernel(
    own_kernel: KernelManager, own_client: Client
) -> None:
    process = powershell(own_client)
    run_id = own_client.send("'started'; Start-Sleep 60")
    queued = own_client.send("'queued'", stop_on_error=False)
    own_client.until(run_id, lambda run: "started" in run.text())
    process.kill()
    run = own_client.finish(run_id)
    assert run.content["ename"] == "PowerShellDied"
    assert "SIGKILL" in run.content["evalue"]
    assert "variables and sign-ins are gone" in run.content["evalue"]
    assert run.summary.outcome == "died"
    assert [one["msg_type"] for one in run.outputs].count("error") == 1
    own_client.read_until(lambda: bool(own_client.events), "the event")
    assert own_client.events[0]["content"] == {
        "event": POWERSHELL_DIED,
        "exit_status": None,
        "signal": "SIGKILL",
        "reason": "",
    }
    assert own_client.finish(queued).content["ename"] == "PowerShellDied"
    assert own_client.finish(queued).summary.outcome == "died"
    assert exit_code(own_kernel) == EXIT_POWERSHELL_DIED


def test_death_of_an_idle_powershell_is_told_and_ends_the_kernel(
    own_kernel: KernelManager, own_client: Client
) -> None:
    powershell(own_client).terminate()
    own_client.read_until(lambda: bool(own_client.events), "the event")
    assert own_client.events[0]["content"]["event"] == POWERSHELL_DIED
    assert exit_code(own_kernel) == EXIT_POWERSHELL_DIED


def test_a_shutdown_ends_powershell_and_is_no_death(
    own_kernel: KernelManager, own_client: Client
) -> None:
    process = powershell(own_client)
    assert own_client.ask("shutdown_request", {"restart": False}, "control") == {
        "status": "ok",
        "restart": False,
    }
    process.wait(WAIT_S)
    assert exit_code(own_kernel) == 0
    assert own_client.events == []


def test_a_shutdown_in_the_middle_of_a_cell_leaves_no_process(
    own_kernel: KernelManager, own_client: Client
) -> None:
    process = powershell(own_client)
    run_id = own_client.send("'started'; while ($true) { }")
    own_client.until(run_id, lambda run: "started" in run.text())
    own_client.ask("shutdown_request", {"restart": False}, "control")
    process.wait(WAIT_S)
    assert exit_code(own_kernel) == 0


def test_a_killed_kernel_leaves_neither_a_blocked_powershell_nor_its_programs_nor_its_watcher(
    own_kernel: KernelManager, own_client: Client
) -> None:
    process = powershell(own_client)
    kernel = psutil.Process(own_kernel.provisioner.pid)  # type: ignore[union-attr]
    run_id = own_client.send(
        "(Start-Process /bin/sleep 300 -PassThru).Id; [Threading.Thread]::Sleep(90000)"
    )
    own_client.until(run_id, lambda run: bool(run.text()))
    family = {*kernel.children(recursive=True)}
    assert {process.pid, int(own_client.runs[run_id].text())} <= {one.pid for one in family}
    kernel.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(family, timeout=WAIT_S)
    assert alive == []


def test_without_powershell_the_kernel_answers_and_each_cell_says_what_is_missing(
    tmp_path: Path,
) -> None:
    with (
        running_kernel(tmp_path, PWSH_MANAGER_PWSH=str(tmp_path / "no-pwsh")) as manager,
        connected(manager) as client,
    ):
        info = client.ask("kernel_info_request", {})
        assert info["language_info"]["version"] == ""
        for _ in range(2):
            run = client.run("1 + 1")
            assert run.content["ename"] == "PowerShellNotFound"
            assert "PWSH_MANAGER_PWSH" in run.content["evalue"]
        assert client.ask("is_complete_request", {"code": "1"})["status"] == "unknown"
        assert client.ask("complete_request", {"code": "Get", "cursor_pos": 3})["matches"] == []


def test_a_powershell_that_is_too_old_is_named_with_its_version(tmp_path: Path) -> None:
    old = tmp_path / "pwsh"
    old.write_text("#!/bin/sh\necho 'PowerShell 7.2.1'\n")
    old.chmod(0o755)
    with (
        running_kernel(tmp_path, PWSH_MANAGER_PWSH=str(old)) as manager,
        connected(manager) as client,
    ):
        run = client.run("1 + 1")
    assert run.content["ename"] == "PowerShellTooOld"
    assert "7.2.1" in run.content["evalue"]


def test_an_interrupt_ends_a_cell_that_waits_for_powershell_to_open(tmp_path: Path) -> None:
    silent = tmp_path / "pwsh"
    silent.write_text(
        '#!/bin/sh\nfor one; do [ "$one" = -s ] && exec cat >/dev/null; done\necho "PowerShell'
        ' 7.5.0"\n'
    )
    silent.chmod(0o755)
    with (
        running_kernel(tmp_path, PWSH_MANAGER_PWSH=str(silent)) as manager,
        connected(manager) as client,
    ):
        run_id = client.send("1 + 1")
        client.until(run_id, lambda run: bool(run.messages))
        client.interrupt()
        assert client.finish(run_id).content["ename"] == "PipelineStopped"


def test_the_environment_of_a_session_reaches_its_powershell(tmp_path: Path) -> None:
    module = tmp_path / "modules" / "Greeter"
    module.mkdir(parents=True)
    (module / "Greeter.psm1").write_text("function Get-Greeting { 'hello from the module' }\n")
    given = {
        "PWSH_KERNELS_MODULE_PATH": str(tmp_path / "modules"),
        "PWSH_KERNELS_ENVIRONMENT": '{"PWSH_KERNELS_SANDBOX": "/sandbox/place"}',
        "PWSH_MANAGER_PASS_ENV": "PASSED, ABSENT",
        "PASSED": "yes",
        "JUPYTER_TOKEN": "secret",
    }
    with running_kernel(tmp_path, **given) as manager, connected(manager) as client:
        shown = client.run(
            '$env:HOME; $env:PWSH_KERNELS_SANDBOX; $env:PASSED; "[$env:JUPYTER_TOKEN]";'
            "($env:PSModulePath -split [IO.Path]::PathSeparator)[0]; Get-Greeting;"
            "$env:POWERSHELL_TELEMETRY_OPTOUT; $env:POWERSHELL_UPDATECHECK"
        )
    assert shown.text().splitlines() == [
        str(tmp_path), "/sandbox/place", "yes", "[]", str(tmp_path / "modules"), "hello from the module", "1", "Off",  # noqa: E501
    ]  # fmt: skip
