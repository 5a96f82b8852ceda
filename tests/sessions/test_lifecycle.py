"""How sessions end and are found again: killed processes, killed servers, disconnecting, starting
twice.
"""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio
from jupyter_client.kernelspec import NoSuchKernel
from tornado.web import HTTPError

from pwsh_kernels.errors import NotSignedIn, SessionLost, UnknownRun
from pwsh_kernels.grants import Signer
from pwsh_kernels.powershell import find_powershell
from pwsh_kernels.sessions import lifecycle
from pwsh_kernels.sessions.jupyter.kernel_manager import SessionKernelManager
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.lifecycle import OLD_CODE
from pwsh_kernels.sessions.places.grant_key import grant_key
from pwsh_kernels.sessions.places.local_process import process_note
from pwsh_kernels.shapes import Run
from tests.fixtures.repository import ROOT
from tests.fixtures.sweeps import swept
from tests.sessions.world import CONTOSO, END_WAIT, World

pytestmark = [pytest.mark.slow, pytest.mark.pwsh]

KEY = SessionKey(CONTOSO, "exo")
NOTED = {
    "tenant", "module", "place", "kernel_id", "connection_file", "created_at", "state", "expected_account", "signed_in_at", "route", "tier",  # noqa: E501
}  # fmt: skip
"""Everything that a note holds: no token, no code, no key."""
FIRST_SERVER = """
import asyncio, sys
from pathlib import Path
from pwsh_kernels.web.launch import spare_the_grammar
spare_the_grammar()
from tests.sessions.world import World

async def main():
    world = await World.begin(Path(sys.argv[1]), PWSH_MANAGER_RUN_SIGNED_OUT="true")
    print((await world.sign_in())["state"], flush=True)
    print((await world.run("$kept = 42; $PID"))["result"], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """One server's sessions, where commands run without a sign-in."""
    one = await World.begin(
        tmp_path, PWSH_MANAGER_RUN_SIGNED_OUT="true", PWSH_MANAGER_PASS_ENV="HANDED_ON"
    )
    yield one
    await one.end()


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose session no test ends: each begins servers there, and stops them."""
    folder = tmp_path_factory.mktemp("lasting")
    yield folder
    asyncio.run(end_all(folder))


async def end_all(folder: Path) -> None:
    """End every session of a folder."""
    await (await World.begin(folder)).end()


def gone(*processes: psutil.Process) -> bool:
    """Wait until processes have ended; a zombie that its parent has not collected counts
    as ended.
    """
    _, alive = psutil.wait_procs(processes, timeout=END_WAIT)
    return all(process.status() == psutil.STATUS_ZOMBIE for process in alive)


async def test_a_killed_powershell_loses_the_session_and_its_runs_at_once_and_a_new_login_works(
    world: World,
) -> None:
    assert (await world.sign_in())["state"] == "signed_in"
    run_id = await world.begin_run("'begun'; Start-Sleep 60")
    await world.output_of(run_id, "begun")
    old = world.kernel()
    world.powershell().kill()
    status = await world.becomes(CONTOSO, "lost")
    assert "SIGKILL" in status["reason"]
    run = await world.sessions.run_view(run_id)
    assert (run["state"], run["code"]) == ("lost", "session_lost")
    assert "begun" in run["entries"][0]["text"]
    with pytest.raises(SessionLost) as lost:
        await world.run("1")
    assert "Sign in again" in lost.value.text()
    assert (await world.sign_in())["state"] == "signed_in"
    assert world.kernel().pid != old.pid
    assert (await world.run("'new life'"))["result"] == "new life\n"
    assert gone(old)


async def test_a_killed_kernel_loses_the_session_and_its_powershell_ends(world: World) -> None:
    await world.run("1")
    kernel, powershell = world.kernel(), world.powershell()
    kernel.kill()
    status = await world.becomes(CONTOSO, "lost")
    assert status["reason"]
    assert gone(powershell)
    assert KEY.kernel_id not in world.manager


async def test_kill_ends_kernel_and_powershell_also_when_powershell_cannot_stop(
    world: World,
) -> None:
    await world.run("1")
    run_id = await world.begin_run("'begun'; [Threading.Thread]::Sleep(60000)")
    await world.output_of(run_id, "begun")
    kernel, powershell = world.kernel(), world.powershell()
    stuck = await world.sessions.cancel(run_id, wait_s=0.2)
    assert (stuck["state"], stuck["stopping"]) == ("running", True)
    assert (await world.sessions.kill(CONTOSO, "exo"))["killed"]
    assert gone(kernel, powershell)
    assert (await world.sessions.run_view(run_id))["state"] == "lost"
    assert world.sessions.views() == []
    assert not list((world.settings.data_dir / "sessions").iterdir())


async def test_disconnecting_a_busy_session_stops_its_run_and_leaves_no_process(
    world: World,
) -> None:
    await world.sign_in()
    run_id = await world.begin_run("'begun'; Start-Sleep 60")
    await world.output_of(run_id, "begun")
    kernel, powershell = world.kernel(), world.powershell()
    answer = await world.sessions.disconnect(CONTOSO, "exo")
    assert answer["message"] == f"Disconnected {KEY}"
    assert gone(kernel, powershell)
    assert (await world.sessions.run_view(run_id))["state"] == "cancelled"
    (left,) = [run for run in world.sessions.run_views() if run["purpose"] == "sign_out"]
    assert left["state"] == "succeeded"
    assert (await world.sessions.status(CONTOSO, "exo"))["state"] == "none"


async def test_a_session_outlives_the_server_that_stops(lasting: Path) -> None:
    first = await World.begin(lasting)
    assert (await first.sign_in())["state"] == "signed_in"
    await first.run("$kept = 42")
    kernel = first.kernel()
    await first.stop()
    (note,) = (first.settings.data_dir / "sessions").iterdir()
    assert (note.name, note.stat().st_mode & 0o777) == (f"{CONTOSO}.exo.json", 0o600)
    assert set(json.loads(note.read_text())) == NOTED
    second = await World.begin(lasting)
    try:
        status = await second.becomes(CONTOSO, "signed_in")
        assert status["account"] == "admin@contoso.example"
        assert second.kernel().pid == kernel.pid
        assert (await second.run("$kept"))["result"] == "42\n"
    finally:
        await second.stop()


async def test_a_session_outlives_a_killed_server_and_its_death_is_still_noticed(
    tmp_path: Path,
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        FIRST_SERVER,
        str(tmp_path),
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    assert server.stdout is not None
    try:
        assert await asyncio.wait_for(server.stdout.readline(), END_WAIT) == b"signed_in\n"
        powershell = int(await asyncio.wait_for(server.stdout.readline(), END_WAIT))
    finally:
        server.kill()
        await asyncio.wait_for(server.wait(), END_WAIT)
    second = await World.begin(tmp_path)
    try:
        assert (await second.becomes(CONTOSO, "signed_in"))["signed_in_at"]
        assert (await second.run("$kept; $PID"))["result"] == f"42\n{powershell}\n"
        cancelled = await second.begin_run("'begun'; Start-Sleep 60")
        await second.output_of(cancelled, "begun")
        assert (await second.sessions.cancel(cancelled, wait_s=END_WAIT))["state"] == "cancelled"
        second.kernel().kill()
        assert (await second.becomes(CONTOSO, "lost"))["reason"] == "its kernel process has ended"
    finally:
        await second.end()


async def test_a_session_that_died_while_no_server_ran_is_shown_as_lost(tmp_path: Path) -> None:
    first = await World.begin(tmp_path, PWSH_MANAGER_RUN_SIGNED_OUT="true")
    await first.run("1")
    kernel = first.kernel()
    await first.stop()
    kernel.kill()
    assert gone(kernel)
    second = await World.begin(tmp_path)
    try:
        (view,) = second.sessions.views()
        assert (view["state"], view["reason"]) == (
            "lost",
            "its process ended while no server watched it",
        )
    finally:
        await second.end()


@pytest.mark.parametrize("damage", swept(["gone", "[1, 2", "[5]", "null"], ["[5]"]))
async def test_a_session_whose_process_note_is_damaged_or_gone_lives_on(
    tmp_path: Path, damage: str
) -> None:
    first = await World.begin(tmp_path, PWSH_MANAGER_RUN_SIGNED_OUT="true")
    await first.run("$kept = 42")
    note = process_note(first.manager.connection_file(KEY))
    await first.stop()
    note.unlink()
    if damage != "gone":
        note.write_text(damage)
    second = await World.begin(tmp_path, PWSH_MANAGER_RUN_SIGNED_OUT="true")
    try:
        assert (await second.run("$kept"))["result"] == "42\n"
    finally:
        kernel = second.kernel()
        note.unlink()
        await second.end()
    assert gone(kernel)


async def test_a_session_whose_own_note_is_gone_is_found_and_asked_who_is_signed_in(
    lasting: Path,
) -> None:
    first = await World.begin(lasting)
    await first.sign_in()
    await first.stop()
    (first.settings.data_dir / "sessions" / f"{KEY.kernelspec}.json").unlink()
    second = await World.begin(lasting)
    try:
        status = await second.becomes(CONTOSO, "signed_in")
        assert status["account"] == "admin@contoso.example"
    finally:
        await second.stop()


@pytest.mark.parametrize("damage", swept(["gone", "{", '{"key": 5}'], ["{"]))
async def test_a_session_that_nobody_can_reach_any_more_is_ended_and_begins_anew(
    tmp_path: Path, damage: str
) -> None:
    first = await World.begin(tmp_path, PWSH_MANAGER_RUN_SIGNED_OUT="true")
    await first.run("1")
    kernel, powershell = first.kernel(), first.powershell()
    file = first.manager.connection_file(KEY)
    await first.stop()
    file.unlink()
    if damage != "gone":
        file.write_text(damage)
    second = await World.begin(tmp_path, PWSH_MANAGER_RUN_SIGNED_OUT="true")
    try:
        (view,) = second.sessions.views()
        assert view["state"] == "lost"
        assert "gone or damaged" in view["reason"]
        aside = [one.name for one in await asyncio.to_thread(list, file.parent.glob("*.bad"))]
        assert aside == ([] if damage == "gone" else [f"{file.name}.bad"])
        assert gone(kernel, powershell)
        assert (await second.sign_in())["state"] == "signed_in"
        assert (await second.run("'anew'"))["result"] == "anew\n"
    finally:
        await second.end()


@pytest.mark.parametrize("damage", swept(["gone", "no key", "another's"], ["another's"]))
async def test_a_session_that_nobody_can_grant_anything_any_more_is_ended_and_begins_anew(
    tmp_path: Path, damage: str
) -> None:
    first = await World.begin(tmp_path, PWSH_MANAGER_RUN_SIGNED_OUT="true")
    await first.run("1")
    kernel, powershell = first.kernel(), first.powershell()
    file = grant_key(first.manager.connection_file(KEY))
    await first.stop()
    file.unlink()
    if damage != "gone":
        file.write_text(Signer.new().private if damage == "another's" else damage)
    second = await World.begin(tmp_path, PWSH_MANAGER_RUN_SIGNED_OUT="true")
    try:
        (view,) = second.sessions.views()
        assert view["state"] == "lost"
        assert f"its file {file} was gone or damaged" in view["reason"]
        assert gone(kernel, powershell)
        assert (await second.sign_in())["state"] == "signed_in"
        assert (await second.run("'anew'"))["result"] == "anew\n"
    finally:
        await second.end()
    assert not file.exists()


async def test_a_kernel_that_ends_while_it_is_taken_over_is_lost_and_none_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await World.begin(tmp_path, PWSH_MANAGER_RUN_SIGNED_OUT="true")
    await first.run("1")
    kernel, powershell = first.kernel(), first.powershell()
    await first.stop()
    taken_over = SessionKernelManager.start_kernel

    async def just_too_late(manager: SessionKernelManager, **how: Any) -> str:
        kernel.kill()
        assert gone(kernel)
        return await taken_over(manager, **how)

    monkeypatch.setattr(SessionKernelManager, "start_kernel", just_too_late)
    second = await World.begin(tmp_path)
    try:
        (view,) = second.sessions.views()
        assert (view["state"], view["reason"]) == (
            "lost",
            "its process ended while a server looked for it",
        )
        assert await second.manager.alive(KEY) is None
        assert gone(powershell)
    finally:
        await second.end()


async def test_a_server_that_comes_back_during_a_command_waits_for_its_end(lasting: Path) -> None:
    first = await World.begin(lasting)
    await first.sign_in()
    run_id = await first.begin_run(
        "'begun'; while (-not (Test-Path ~/go)) { Start-Sleep -Milliseconds 20 }"
    )
    await first.output_of(run_id, "begun")
    await first.stop()
    second = await World.begin(lasting)
    try:
        assert (await second.sessions.status(CONTOSO, "exo"))["state"] == "starting"
        (second.settings.homes / CONTOSO / "exo" / "go").touch()
        assert (await second.becomes(CONTOSO, "signed_in"))["account"] == "admin@contoso.example"
    finally:
        await second.stop()


async def test_a_code_that_went_with_the_old_server_is_replaced_at_the_next_login(
    tmp_path: Path,
) -> None:
    first = await World.begin(tmp_path)
    old = (await first.login())["device_code"]
    await first.stop()
    second = await World.begin(tmp_path)
    try:
        status = await second.sessions.status(CONTOSO, "exo")
        assert (status["state"], status["reason"]) == ("starting", OLD_CODE)
        with pytest.raises(NotSignedIn, match="from before the server's restart"):
            await second.run("1")
        new = (await second.login())["device_code"]
        assert new not in (None, old)
        second.authority.approve(new, "admin@contoso.example")
        assert (await second.becomes(CONTOSO, "signed_in"))["account"] == "admin@contoso.example"
    finally:
        await second.end()


async def test_a_sign_in_that_a_person_finishes_while_no_server_runs_counts(tmp_path: Path) -> None:
    first = await World.begin(tmp_path)
    code = (await first.login())["device_code"]
    await first.stop()
    first.authority.approve(code, "admin@contoso.example")
    second = await World.begin(tmp_path)
    try:
        assert (await second.becomes(CONTOSO, "signed_in"))["account"] == "admin@contoso.example"
    finally:
        await second.end()


async def test_jupyter_starts_a_session_once_lists_it_and_only_detaches(world: World) -> None:
    await world.run("$kept = 42")
    kernel = world.kernel()
    ids = await asyncio.gather(
        *(world.manager.start_kernel(kernel_name=KEY.kernelspec) for _ in range(4))
    )
    assert set(ids) == {KEY.kernel_id}
    assert world.kernel().pid == kernel.pid
    assert KEY.kernelspec in world.manager.kernel_spec_manager.get_all_specs()
    await world.manager.shutdown_kernel(KEY.kernel_id, now=True)
    await world.manager.shutdown_all(now=True)
    assert (await world.run("$kept"))["result"] == "42\n"
    kernel_manager: Any = world.manager.get_kernel(KEY.kernel_id)
    info = await asyncio.wrap_future(kernel_manager._kernel_info_future)
    assert info["language_info"]["name"] == "powershell"
    with pytest.raises(HTTPError):
        await world.manager.shutdown_kernel("00000000-0000-0000-0000-000000000000")


async def test_a_restart_from_jupyter_begins_the_session_anew(world: World) -> None:
    await world.run("$kept = 42")
    await world.manager.restart_kernel(KEY.kernel_id)
    status = await world.becomes(CONTOSO, "signed_out")
    assert status["account"] is None
    assert (await world.run("[int]$kept"))["result"] == "0\n"


async def test_other_kernels_keep_jupyters_ways_but_get_no_secret(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_TOKEN", "secret-of-the-server")
    monkeypatch.setenv("HANDED_ON", "asked for by name")
    monkeypatch.setenv("PWSH_MANAGER_URL", "http://localhost:5200")
    await world.run("1")
    kernel_id = await world.manager.start_kernel(kernel_name="python3")
    kernel_manager: Any = world.manager.get_kernel(kernel_id)
    python = psutil.Process(kernel_manager.provisioner.pid)
    for process in (python, world.kernel(), world.powershell()):
        assert "secret-of-the-server" not in process.environ().values()
        assert process.environ()["HANDED_ON"] == "asked for by name"
    assert python.environ()["PWSH_MANAGER_URL"] == "http://localhost:5200"
    await world.manager.shutdown_all(now=True)
    assert gone(python)
    assert world.kernel().is_running()
    with pytest.raises(NoSuchKernel):
        await world.manager.start_kernel(kernel_name="unknown.example.exo")


async def test_a_powershell_that_does_not_exist_is_named_and_the_session_is_lost(
    tmp_path: Path,
) -> None:
    world = await World.begin(tmp_path, PWSH_MANAGER_PWSH="/nonexistent/pwsh")
    try:
        answer = await world.login()
        assert (answer["success"], answer["code"]) == (False, "sign_in_failed")
        assert "/nonexistent/pwsh" in answer["error"]
    finally:
        await world.end()


async def test_a_powershell_that_dies_while_it_opens_is_followed_by_another(
    tmp_path: Path,
) -> None:
    real = shutil.which("pwsh") or str((await find_powershell()).path)
    wrapper = tmp_path / "pwsh"
    wrapper.write_text(
        f'#!/bin/sh\ncase " $* " in *" -s "*) [ -e {tmp_path}/well ] || exit 3;; esac\n'
        f'exec {real} "$@"\n'
    )
    wrapper.chmod(0o755)
    world = await World.begin(tmp_path, PWSH_MANAGER_PWSH=str(wrapper))
    try:
        assert (await world.login())["code"] == "sign_in_failed"
        (tmp_path / "well").touch()
        assert (await world.sign_in())["state"] == "signed_in"
    finally:
        await world.end()


async def test_a_sign_in_whose_note_cannot_be_written_goes_on(tmp_path: Path) -> None:
    world = await World.begin(tmp_path)
    try:
        (world.settings.data_dir / "sessions").touch()
        assert (await world.sign_in())["state"] == "signed_in"
    finally:
        await world.end()


async def test_a_command_goes_on_through_a_restart_under_its_id_with_all_its_output(
    tmp_path: Path,
) -> None:
    wait = "while (-not (Test-Path ~/{})) {{ Start-Sleep -Milliseconds 20 }}"
    command = (
        f"'begun'; {wait.format('go')}; 'meanwhile'; $null = New-Item ~/went; "
        f"{wait.format('end')}; 'last'; Write-Error 'oops'"
    )
    first = await World.begin(tmp_path)
    await first.sign_in()
    caller = asyncio.create_task(first.run(command, principal="token"))
    (running,) = await begun(first, "begun")
    await first.stop()
    told = await caller
    assert (told["code"], told["run_id"]) == ("server_restarting", running["run_id"])
    assert "do not run it again" in told["error"]
    assert running["run_id"] in told["error"]
    home = first.settings.homes / CONTOSO / "exo"
    (home / "go").touch()
    await until((home / "went").exists)
    second = await World.begin(tmp_path)
    try:
        (home / "end").touch()
        run = await second.ended(running["run_id"])
        text = "".join(one["text"] for one in run["entries"] if one["stream"] == "stdout")
        assert text == "begun\nmeanwhile\nlast\n"
        assert (run["state"], run["code"], run["error"]) == ("failed", "command_failed", "oops")
        assert (run["command"], run["principal"]) == (command, "token")
        assert (await second.becomes(CONTOSO, "signed_in"))["account"] == "admin@contoso.example"
        commands = second.sessions.run_views(purpose="command")
        assert [one["run_id"] for one in commands] == [running["run_id"]]
        assert not list((second.settings.data_dir / "runs").glob("*.run"))
    finally:
        await second.end()


async def test_a_command_that_waited_when_the_server_stopped_is_cancelled_at_every_later_server(
    tmp_path: Path,
) -> None:
    first = await World.begin(tmp_path, PWSH_MANAGER_RUN_SIGNED_OUT="true")
    running = await first.begin_run("'begun'; Start-Sleep 60")
    await first.output_of(running, "begun")
    waiting = await first.begin_run("'never'")
    await first.stop()
    ended_at = set()
    for _ in range(2):
        later = await World.begin(tmp_path, PWSH_MANAGER_RUN_SIGNED_OUT="true")
        try:
            run = await later.ended(waiting)
            assert (run["state"], run["command"], run["entries"]) == ("cancelled", "'never'", [])
            assert "none of it was run" in run["error"]
            assert (await later.sessions.run_view(running))["state"] == "running"
            ended_at.add(run["ended_at"])
        finally:
            await later.stop()
    assert len(ended_at) == 1
    note = first.settings.data_dir / "runs" / f"{waiting}.run"
    assert note.exists()
    last = await World.begin(tmp_path, PWSH_MANAGER_RUNS_MAX_AGE="0.001")
    try:
        with pytest.raises(UnknownRun):
            await last.sessions.run_view(waiting)
        assert not note.exists()
    finally:
        await last.end()


@pytest.mark.parametrize("noted", [True, False], ids=["noted", "killed too early"])
async def test_a_prompt_that_was_open_when_the_server_ended_is_answered_at_the_next(
    lasting: Path, noted: bool
) -> None:
    first = await World.begin(lasting, PWSH_MANAGER_RUN_SIGNED_OUT="true")
    run_id = await first.begin_run("$name = Read-Host 'Name'; \"It is $name\"")
    assert (await first.asked(run_id))["state"] == "waiting_for_input"
    await first.stop()
    (note,) = (first.settings.data_dir / "runs").glob("*.run")
    assert note.stat().st_mode & 0o777 == 0o600
    if not noted:
        note.unlink()
    second = await World.begin(lasting, PWSH_MANAGER_RUN_SIGNED_OUT="true")
    try:
        (found,) = second.sessions.run_views(purpose="command")
        assert (found["run_id"] == run_id) is noted
        assert found["state"] == "waiting_for_input"
        assert found["prompt"] is not None
        assert found["prompt"]["message"] == "Name"
        assert found["command"].startswith("$name = Read-Host")
        await second.sessions.answer(found["run_id"], "Ada", for_other=not noted)
        ended = await second.ended(found["run_id"])
        assert (ended["state"], ended["entries"][-1]["text"]) == ("succeeded", "It is Ada\n")
        assert (await second.run("$name"))["result"] == "Ada\n"
    finally:
        await second.stop()


async def test_a_command_whose_kernel_died_while_no_server_ran_is_lost(tmp_path: Path) -> None:
    first = await World.begin(tmp_path, PWSH_MANAGER_RUN_SIGNED_OUT="true")
    run_id = await first.begin_run("'begun'; Start-Sleep 60")
    await first.output_of(run_id, "begun")
    kernel = first.kernel()
    await first.stop()
    kernel.kill()
    assert gone(kernel)
    second = await World.begin(tmp_path, PWSH_MANAGER_RUN_SIGNED_OUT="true")
    try:
        run = await second.sessions.run_view(run_id)
        assert (run["state"], run["code"]) == ("lost", "session_lost")
        assert "while no server watched it" in run["error"]
    finally:
        await second.end()


async def test_a_kernel_that_is_silent_while_it_is_looked_for_is_asked_until_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await World.begin(tmp_path, PWSH_MANAGER_RUN_SIGNED_OUT="true")
    run_id = await first.begin_run("'begun'; $kept = Read-Host 'Name'")
    assert (await first.asked(run_id))["state"] == "waiting_for_input"
    kernel = first.kernel()
    await first.stop()
    kernel.suspend()
    monkeypatch.setattr(lifecycle, "ADOPT_WAIT_S", 0.5)
    second = await World.begin(tmp_path, PWSH_MANAGER_RUN_SIGNED_OUT="true")
    try:
        (view,) = second.sessions.views()
        assert (view["state"], view["reason"]) == ("starting", lifecycle.SILENT)
        monkeypatch.setattr(lifecycle, "ADOPT_WAIT_S", END_WAIT)
        kernel.resume()
        await until(lambda: bool(second.sessions.run_views(purpose="command")))
        assert (await second.asked(run_id))["state"] == "waiting_for_input"
        await second.sessions.answer(run_id, "Ada")
        await second.becomes(CONTOSO, "signed_out")
        assert (await second.run("$kept"))["result"] == "Ada\n"
    finally:
        await second.end()


async def test_a_frozen_kernel_is_disconnected_within_ten_seconds(world: World) -> None:
    assert (await world.sign_in())["state"] == "signed_in"
    kernel, powershell = world.kernel(), world.powershell()
    kernel.suspend()
    await until(lambda: kernel.status() == psutil.STATUS_STOPPED)
    async with asyncio.timeout(10):
        await world.sessions.disconnect(CONTOSO, "exo")
    assert gone(kernel, powershell)


async def test_a_frozen_powershell_is_disconnected_within_ten_seconds(world: World) -> None:
    assert (await world.sign_in())["state"] == "signed_in"
    kernel, powershell = world.kernel(), world.powershell()
    powershell.suspend()
    await until(lambda: powershell.status() == psutil.STATUS_STOPPED)
    async with asyncio.timeout(12):  # a busy machine takes its share of the two waits
        await world.sessions.disconnect(CONTOSO, "exo")
    assert gone(kernel, powershell)


async def begun(world: World, text: str) -> list[Run]:
    """Wait until a command that runs has printed something; return the commands."""
    await until(lambda: bool(world.sessions.run_views(purpose="command")))
    runs = world.sessions.run_views(purpose="command")
    await world.output_of(runs[0]["run_id"], text)
    return runs


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that nobody tells us of."""
    async with asyncio.timeout(END_WAIT):
        while not holds():  # noqa: ASYNC110 - a file of another process
            await asyncio.sleep(0.02)
