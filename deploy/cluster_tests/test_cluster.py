"""Sessions in a real cluster: what no played node can show. `make test-kubernetes` runs it."""

import pytest

from deploy.cluster_tests.cluster import CONTOSO, MEMORY, Cluster
from tests.fixtures.figures import Measure

GREED = """
$block = [byte[]]::new(16MB)
$start = [Runtime.InteropServices.Marshal]::AllocHGlobal(1GB)
foreach ($step in 0..63) {
    [Runtime.InteropServices.Marshal]::Copy($block, 0, [IntPtr]::Add($start, $step * 16MB), 16MB)
}
"""
"""Memory of which .NET knows nothing: of its own it would refuse to take more than there is."""


def test_a_session_signs_in_runs_asks_and_is_cancelled_in_its_pod(cluster: Cluster) -> None:
    status = cluster.sign_in()
    assert (status["state"], status["place"]) == ("signed_in", "kubernetes")
    assert cluster.result("$x = 41; $HOME") == "/session/home"
    assert cluster.result("hostname") == cluster.pod().removeprefix("pod/")
    asked = cluster.run("Read-Host 'Name'", wait_s=30)
    assert asked["state"] == "waiting_for_input", asked
    cluster.post(f"/runs/{asked['run_id']}/input", value="Ada")
    long = cluster.run("Start-Sleep 100", wait_s=0)
    cluster.post(f"/runs/{long['run_id']}/cancel")
    assert cluster.result("$x + 1") == "42"
    assert "$x = 41" in cluster.result("(Get-SessionHistory).command -join ' '")


@pytest.mark.parametrize(
    "secret",
    [
        "/run/session/connection.json",
        "/run/session/session.json",
        "/run/pwsh-kernels/connection.json",
        "/run/token/token",
        "/var/run/secrets/kubernetes.io/serviceaccount/token",
        "/data/state/sessions",
        "/proc/1/environ",
    ],
)
def test_a_command_reads_no_secret_of_its_pod_nor_of_the_server(
    cluster: Cluster, secret: str
) -> None:
    cluster.sign_in()
    read = f"try {{ Get-Content -Raw {secret} -ErrorAction Stop }} catch {{ 'nothing' }}"
    assert cluster.result(read) == "nothing"


def test_a_crash_of_the_server_and_its_replacement_end_no_session(
    cluster: Cluster, measure: Measure
) -> None:
    cluster.sign_in()
    cluster.result("$x = 41")
    with measure("Kubernetes: from the server's crash until the session is found again"):
        cluster.crash_server()
        assert cluster.status()["state"] == "signed_in"
    assert cluster.result("$x + 1") == "42"
    with measure("Kubernetes: until the next server's Pod has found the session again"):
        cluster.replace_server()
        assert cluster.status()["state"] == "signed_in"
    assert cluster.result("$x + 1") == "42"


def test_a_deleted_pod_is_a_lost_session_and_the_next_one_has_its_home(
    cluster: Cluster, measure: Measure
) -> None:
    cluster.sign_in()
    cluster.result("'kept' > $HOME/kept.txt")
    with measure("Kubernetes: from a Pod's deletion until the reason is shown"):
        cluster.kubectl("delete", cluster.pod(), "--wait=false")
        assert cluster.becomes_lost() == "its kernel process has ended (its Pod was deleted)"
    cluster.sign_in()
    assert cluster.result("Get-Content $HOME/kept.txt") == "kept"


def test_a_session_that_exceeds_its_memory_is_lost_alone(
    cluster: Cluster, measure: Measure
) -> None:
    cluster.sign_in()
    with measure("Kubernetes: a command takes all memory, until the reason is shown"):
        cluster.run(GREED, wait_s=0)
        reason = cluster.becomes_lost()
    assert reason in (
        f"its kernel process has ended (out of memory: its Pod may have {MEMORY})",
        "PowerShell ended: killed by SIGKILL",
    )
    assert cluster.get("/sessions")["sessions"]


def test_a_powershell_that_is_killed_is_said_and_its_pod_goes(
    cluster: Cluster, measure: Measure
) -> None:
    cluster.sign_in()
    with measure("Kubernetes: from PowerShell's end until the reason is shown"):
        cluster.run("Stop-Process -Id $PID -Force", wait_s=0)
        assert cluster.becomes_lost().startswith("PowerShell ended: ")
    cluster.until(lambda: not cluster.pods())


def test_a_session_that_is_disconnected_leaves_its_home_alone(cluster: Cluster) -> None:
    cluster.sign_in()
    cluster.disconnect()
    assert "pwsh-home-" in cluster.kubectl("get", "persistentvolumeclaims", "-o", "name")
    cluster.sign_in()
    cluster.post("/disconnect", **CONTOSO, forget=True)
    cluster.until(lambda: "pwsh-home-" not in cluster.kubectl("get", "pvc", "-o", "name"))
