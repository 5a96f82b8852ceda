"""A node that cannot be reached for a while, and one that is lost for good: in the cluster of
deploy/two_nodes, whose nodes can be cut off.
"""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.cluster_tests.cluster import CAN_CUT, CONTOSO, Cluster
from deploy.two_nodes.network import CUTS, NODE1, NODE2, cut
from tests.fixtures.figures import Measure

pytestmark = pytest.mark.skipif(
    not CAN_CUT, reason="NOT TESTED: a lost node. Only the cluster of deploy/two_nodes can lose one"
)
CUT_S = 20.0
LONG = "1..25 | ForEach-Object { $_; Start-Sleep 1 }"
LOST = [
    f"its kernel process has ended ({why})"
    for why in ("its Pod was deleted", f"{NODE2.name}, where it ran, did not answer any more")
]
"""What Kubernetes before 1.26 says, and since."""
WHOLE = [f"{number}" for number in range(1, 26)]


@pytest.fixture
def far(cluster: Cluster, measure: Measure) -> Iterator[Cluster]:
    """A cluster whose session of contoso is on the second node."""
    cluster.disconnect()
    cluster.kubectl("cordon", NODE1.name)
    try:
        with measure("Kubernetes: a sign-in, of which nothing has gone wrong"):
            assert cluster.sign_in()["state"] == "signed_in"
    finally:
        cluster.kubectl("uncordon", NODE1.name)
    assert cluster.pods()[CONTOSO["tenant"]]["spec"]["nodeName"] == NODE2.name
    yield cluster
    cluster.until(lambda: " Ready" in cluster.kubectl("get", "node", NODE2.name, "--no-headers"))


def ended(cluster: Cluster, run: str) -> dict[str, Any]:
    """Return a run once it has ended."""

    def look() -> dict[str, Any]:
        one = cluster.get(f"/runs/{run}")
        return one if one.get("ended_at") else {}

    return cluster.until(look)


@pytest.mark.parametrize("how", CUTS)
def test_a_session_lives_on_while_its_node_is_cut_off_and_so_does_its_command(
    far: Cluster, how: str, measure: Measure
) -> None:
    far.result("$x = 41")
    run = far.run(LONG, wait_s=2)
    with cut(how):
        threading.Event().wait(CUT_S)
        assert far.post("/status", **CONTOSO)["state"] == "signed_in"
    with measure(f"Kubernetes: {how} for {CUT_S:.0f} s, then until its command has ended"):
        found = ended(far, run["run_id"])
    whole = "".join(one["text"] for one in found["entries"]).split() == WHOLE
    assert whole or (how == "connections break" and found["code"] == "output_lost"), found
    assert (far.status()["state"], far.result("$x + 1")) == ("signed_in", "42")


def test_a_node_that_does_not_come_back_loses_its_session_and_the_next_one_has_its_home(
    far: Cluster, measure: Measure
) -> None:
    far.result("'kept' > $HOME/kept.txt")
    with cut("connections break"):
        with measure("Kubernetes: from the loss of a node until its session's reason is shown"):
            assert far.becomes_lost() in LOST
        with measure("Kubernetes: after that, until it is signed in again on another node"):
            assert far.sign_in()["state"] == "signed_in"
        assert far.result("Get-Content $HOME/kept.txt") == "kept"
