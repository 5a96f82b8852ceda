"""Starting, stopping, restarting and breaking a server: what survives, what is lost, and how that
is reported.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.figures import Measure
from tests.fixtures.server import CONTOSO, Server, server_environment

pytestmark = [pytest.mark.slow, pytest.mark.pwsh]

LOST_WAIT = 3.0


def test_a_session_outlives_restarts_of_its_server_and_is_lost_with_its_powershell_within_three_seconds(  # noqa: E501
    own_server: Server, measure: Measure
) -> None:
    assert own_server.sign_in()["state"] == "signed_in"
    own_server.run("$kept = 'still here'; Set-Content ~/kept.txt 'kept'")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
        own_server.stop(number)
        assert own_server.process.returncode == (-number if number == signal.SIGKILL else 0)
        with measure(
            f"local: from a server's start, after {number.name}, until it has its session"
        ):
            own_server.start()
            status = own_server.post("/status", tenant=CONTOSO, wait_s=20)
        assert (status["state"], status["account"]) == ("signed_in", "admin@contoso.example")
        assert "still here" in own_server.run("$kept")["result"]
    run = own_server.run("Start-Sleep 60", wait_s=0.5)
    with measure("local: from PowerShell's end until the reason is shown"):
        for process in own_server.powershells():
            process.kill()
        lost = own_server.until(
            lambda: (one := own_server.post("/status", tenant=CONTOSO))["state"] == "lost" and one,
            LOST_WAIT,
        )
    assert lost["reason"]
    assert own_server.get(f"/runs/{run['run_id']}")["state"] == "lost"
    assert own_server.run("1")["code"] == "session_lost"
    assert own_server.sign_in()["state"] == "signed_in"
    assert own_server.run("1")["result"] == "1"
    power_fails(own_server, measure)
    disconnect_leaves_nothing(own_server)


def power_fails(own_server: Server, measure: Measure) -> None:
    """End everything at once: the session is lost, its HOME is not."""
    own_server.process.kill()
    for process in own_server.family():
        process.kill()
    own_server.stop()
    with measure("local: from a server's start, after a power failure, until it reports the loss"):
        own_server.start()
        lost = own_server.post("/status", tenant=CONTOSO, wait_s=20)
    assert lost["state"] == "lost"
    assert lost["reason"]
    assert own_server.sign_in()["state"] == "signed_in"
    assert "kept" in own_server.run("Get-Content ~/kept.txt")["result"]


def disconnect_leaves_nothing(own_server: Server) -> None:
    """Close the session and see its processes go."""
    assert own_server.powershells()
    answer = own_server.post("/disconnect", tenant=CONTOSO)
    assert answer == {"success": True, "message": f"Disconnected {CONTOSO}:exo"}
    assert own_server.until(lambda: not own_server.powershells())
    assert own_server.post("/status", tenant=CONTOSO)["connected"] is False


def test_a_second_server_on_the_same_data_is_refused_by_name(server: Server) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "pwsh_kernels.web.launch"],
        env=server_environment(server.folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    assert f"process {server.process.pid}" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_data_folder_that_cannot_be_written_is_named_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "data", tmp_path / "whole"):
        (tmp_path / "whole" / "sandbox").parent.mkdir(exist_ok=True)
        (tmp_path / "whole" / "sandbox").touch()
        ended = subprocess.run(
            [sys.executable, "-m", "pwsh_kernels.web.launch"],
            env=server_environment(tmp_path, PWSH_MANAGER_DATA_DIR=str(place)),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 1
        assert "cannot be written: " in ended.stderr
        assert str(place) in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_umask_that_takes_the_owner_s_own_rights_away_changes_nothing(tmp_path: Path) -> None:
    with_umask = ("sh", "-c", 'umask 0777; exec "$@"', "sh")
    server = Server(tmp_path, prefix=with_umask).start()
    try:
        assert server.get("/sessions")["success"] is True
        (facts,) = (tmp_path / "runtime").glob("jpserver-*.json")
        assert facts.stat().st_mode & 0o777 == 0o600
    finally:
        server.close()


def test_a_server_stops_in_order_where_warnings_are_errors(tmp_path: Path) -> None:
    server = Server(tmp_path, {"PYTHONWARNINGS": "error"}).start()
    try:
        server.stop()
        assert (server.process.returncode, "Traceback" in "".join(server.log)) == (0, False)
    finally:
        server.close()


def test_a_taken_port_ends_the_server_and_no_other_is_chosen(
    server: Server, tmp_path: Path
) -> None:
    port = server.url.rpartition(":")[2]
    second = subprocess.run(
        [sys.executable, "-m", "pwsh_kernels.web.launch"],
        env=server_environment(tmp_path / "other", PWSH_MANAGER_PORT=port),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    assert port in second.stderr


def test_the_runtime_file_tells_clients_where_the_server_is_and_goes_with_it(
    own_server: Server,
) -> None:
    file = own_server.folder / "runtime" / f"jpserver-{own_server.process.pid}.json"
    facts = json.loads(file.read_text(encoding="utf-8"))
    assert (facts["service"], facts["url"], facts["token"]) == (
        "pwsh-kernels",
        own_server.url + "/",
        own_server.token,
    )
    assert file.stat().st_mode & 0o077 == 0
    own_server.stop()
    assert not file.exists()
    assert own_server.process.returncode == 0


@pytest.fixture(scope="module")
def talkative(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that logs everything, has a token of the settings and waits no longer than
    a moment.
    """
    settings = {
        "PWSH_MANAGER_DEBUG": "true",
        "PWSH_MANAGER_TOKEN": "a-token-of-mine-that-nobody-guesses",
        "PWSH_MANAGER_MAX_WAIT": "0.2",
    }
    server = Server(tmp_path_factory.mktemp("talkative"), settings).start()
    yield server
    server.close()


def test_a_token_of_the_settings_is_the_server_s(talkative: Server) -> None:
    assert talkative.token == "a-token-of-mine-that-nobody-guesses"
    assert talkative.get("/sessions")["success"] is True


def test_no_secret_reaches_the_log_and_a_login_goes_on_without_its_caller(
    talkative: Server,
) -> None:
    talkative.post("/login", tenant=CONTOSO, wait_s=60)
    code = talkative.until(
        lambda: talkative.post("/status", tenant=CONTOSO, wait_s=60).get("device_code")
    )
    talkative.approve(code)
    talkative.until(lambda: talkative.post("/status", tenant=CONTOSO)["state"] == "signed_in")
    asked = talkative.run("Read-Host -AsSecureString 'Secret'; 'done'", wait_s=60)
    talkative.until(lambda: talkative.get(f"/runs/{asked['run_id']}")["prompt"])
    talkative.post(f"/runs/{asked['run_id']}/input", value="correct horse")
    talkative.until(lambda: talkative.get(f"/runs/{asked['run_id']}")["state"] == "succeeded")
    with talkative.http() as http:
        http.get("/api/kernels", params={"token": talkative.token})
    talkative.until(lambda: any("/api/kernels" in line for line in talkative.log))
    log = "".join(talkative.log)
    assert [secret for secret in (code, talkative.token, "correct horse") if secret in log] == []


def test_a_wait_is_capped_by_the_setting(talkative: Server) -> None:
    talkative.sign_in()
    talkative.until(lambda: talkative.post("/status", tenant=CONTOSO)["state"] == "signed_in")
    pending = talkative.run("Start-Sleep 60", wait_s=60)
    assert pending["code"] == "run_pending"
    talkative.post(f"/runs/{pending['run_id']}/cancel", wait_s=60)
    talkative.until(lambda: talkative.get(f"/runs/{pending['run_id']}")["state"] == "cancelled")


def test_without_a_powershell_health_is_degraded_and_names_no_path(tmp_path: Path) -> None:
    server = Server(tmp_path, {"PWSH_MANAGER_PWSH": str(tmp_path / "no-such-pwsh")}).start()
    try:
        health = server.until(
            lambda: (one := server.get("/health"))["powershell"]["found"] is False and one
        )
        assert (health["status"], health["powershell"]["error"]) == (
            "degraded",
            "powershell_not_found",
        )
        assert "no-such-pwsh" not in str(health)
    finally:
        server.close()
