"""What a session in a Pod reaches of a neighbour's, of the server's, of its own kernel: nothing."""

import json
from collections.abc import Iterator

import pytest

from deploy.cluster_tests.cluster import Cluster
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.pod import MEMORY, PORTS
from tests.fixtures.reach import (
    ATTACKER,
    ATTEMPTS,
    CONFIG,
    NEIGHBOUR,
    PROCESSES,
    Belongings,
    got,
    request,
    write_tenants,
)

SERVER_PORT = 5100


def belongings(cluster: Cluster) -> Belongings:
    """Return where everything is: some in the server's Pod, some in the neighbour's, some here."""
    key = SessionKey(NEIGHBOUR, "exo")
    told = cluster.kubectl("exec", cluster.pod(ATTACKER), "--", "python3", "-c", PROCESSES)
    ((_, own_kernel),) = json.loads(told).values()
    pods = "app.kubernetes.io/name=pwsh-kernels"
    server = cluster.kubectl("get", "pods", "-l", pods, "-o", "jsonpath={.items[0].status.podIP}")
    return {
        "token": "/run/token/token",
        "connection": str(MEMORY / "connection.json"),
        "kernel_host": cluster.pods()[NEIGHBOUR]["status"]["podIP"],
        "kernel_port": PORTS["shell_port"],
        # No process of another Pod can be seen; the kernel, which has the keys, can.
        "process": own_kernel,
        "own_kernel": own_kernel,
        "home": f"/data/state/homes/{NEIGHBOUR}/exo",
        "files": f"/data/state/files/{NEIGHBOUR}/exo",
        "certificate": f"{CONFIG}/{NEIGHBOUR}.pfx",
        "server_host": server,
        "server_port": SERVER_PORT,
        "tenants": f"{CONFIG}/tenants.toml",
        "history": f"/data/state/history/{key.kernelspec}/runs.jsonl",
        "secrets": f"https://10.96.0.1/api/v1/namespaces/{cluster.namespace}/secrets",
    }


@pytest.fixture(scope="module")
def reached(cluster: Cluster) -> Iterator[dict[str, str]]:
    """What a session of one tenant got."""
    write_tenants(cluster.inside)
    for tenant in (NEIGHBOUR, ATTACKER):
        assert cluster.post("/run", tenant=tenant, command="1+1", wait_s=90)["result"] == "2"
    yield got(cluster.post("/run", tenant=ATTACKER, **request(belongings(cluster))))
    for tenant in (NEIGHBOUR, ATTACKER):
        cluster.disconnect(tenant)
    cluster.inside("rm", f"{CONFIG}/tenants.toml")


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_session_in_a_pod_does_not_reach(reached: dict[str, str], attempt: str) -> None:
    assert reached[attempt].startswith("refused"), reached
