"""Pods of sessions at a real API server: begun, watched, found again, ended; a test plays kubelet.

What a node would do is said by the test, and what Kubernetes does with it is real: it takes the
objects, guards their form, tells of changes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest
import yaml
from lightkube.models.core_v1 import ResourceQuotaSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import PersistentVolumeClaim, Pod, ResourceQuota, Secret
from lightkube.types import PatchType

from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places import pod_watch
from pwsh_kernels.sessions.places.cluster import Cluster
from pwsh_kernels.sessions.places.kubernetes import KubernetesPlace
from pwsh_kernels.sessions.places.pod import (
    Carried,
    Contents,
    PodSettings,
    claim_name,
    pod_name,
)
from pwsh_kernels.sessions.places.pods import Pods, Running
from pwsh_kernels.settings import Settings
from tests.sessions.places.kubernetes.node import Node

pytestmark = [pytest.mark.xdist_group("kubernetes"), pytest.mark.slow]
KEY = SessionKey("contoso.com", "exo")
NAME = pod_name(KEY)
NOTICED_S = 3.0
"""How soon the end of a Pod must be known."""
WAIT_S = 20.0
SETTINGS = PodSettings("image:1", limits={"memory": "2Gi"})
CONTENTS = Contents("{}", Carried(files=(Path("/etc/exo.pfx"),)), {Path("/etc/exo.pfx"): b"pfx"})


def open_pods(node: Node, start_s: float = WAIT_S) -> Pods:
    """Return the Pods of a node's namespace, as a server sees them."""
    return Pods(Cluster(node.namespace), SETTINGS, start_s)


@pytest.fixture
async def pods(node: Node) -> AsyncIterator[Pods]:
    """Return the Pods of a namespace."""
    opened = open_pods(node)
    yield opened
    await opened.close()


async def taken(pods: Pods, node: Node) -> asyncio.Task[Running]:
    """Begin a session's Pod, and return its start once the node has it."""
    start = asyncio.create_task(pods.start(KEY, CONTENTS))
    await pods.watch.until(NAME, lambda state: bool(state and not state.ended), WAIT_S)
    await node.take(NAME)
    return start


async def started(pods: Pods, node: Node) -> Running:
    """Begin a session's Pod and let its kernel listen."""
    start = await taken(pods, node)
    await node.say_ready(NAME)
    return await start


async def known(pods: Pods, uid: str) -> str:
    """Return how a Pod ended, as soon as that is known."""
    await pods.until_ended(KEY, uid, NOTICED_S)
    return pods.ending(KEY, uid)


async def refused(start: Awaitable[Running]) -> str:
    """Return why a Pod did not start."""
    with pytest.raises(ConnectionError) as problem:
        await start
    return str(problem.value)


async def test_a_session_is_a_pod_a_secret_that_it_owns_and_a_claim(pods: Pods, node: Node) -> None:
    running = await started(pods, node)
    secret = await node.client.get(Secret, NAME)
    [owner] = secret.to_dict()["metadata"]["ownerReferences"]
    assert owner["uid"] == running.uid
    assert set(secret.data or {}) == {"connection.json", "session.json", "file-0", "grants.key"}
    assert await node.client.get(PersistentVolumeClaim, claim_name(KEY))
    connection = running.connection
    assert (connection["ip"], connection["shell_port"]) == ("127.0.0.1", 55001)
    assert len(connection["curve_secretkey"]) == 40
    assert [pods.ending(KEY, running.uid), pods.exit_status(KEY)] == ["", None]


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (
            {"exitCode": 137, "reason": "OOMKilled"},
            "out of memory: its Pod may have 2Gi",
        ),
        ({"exitCode": 137, "reason": "Error"}, "SIGKILL"),
        ({"exitCode": 4, "reason": "Error", "message": "oh"}, "exit status 4: oh"),
    ],
)
async def test_a_kernel_that_ends_is_known_with_its_exit_status_and_the_reason(
    pods: Pods, node: Node, status: dict[str, Any], sentence: str
) -> None:
    running = await started(pods, node)
    await node.say_of_container(NAME, "Failed", terminated=status)
    assert await known(pods, running.uid) == sentence
    assert pods.exit_status(KEY) == status["exitCode"]


async def test_an_eviction_is_known_with_what_the_node_lacked(pods: Pods, node: Node) -> None:
    running = await started(pods, node)
    await node.say(NAME, phase="Failed", reason="Evicted", message="low on resource: memory.")
    assert await known(pods, running.uid) == "it was evicted from played: low on resource: memory"


async def test_a_node_that_is_away_ends_nothing_until_kubernetes_gives_the_pod_up(
    pods: Pods, node: Node
) -> None:
    running = await started(pods, node)
    condition = {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}
    await node.say(NAME, conditions=[condition])
    with pytest.raises(TimeoutError):
        await pods.until_ended(KEY, running.uid, 0.5)
    await node.client.delete(Pod, NAME, grace_period=30)
    assert await known(pods, running.uid) == "played, where it ran, did not answer any more"


@pytest.mark.parametrize("grace", [0, 30])
async def test_a_deletion_is_known_at_once_however_long_the_pod_may_take(
    pods: Pods, node: Node, grace: int
) -> None:
    running = await started(pods, node)
    await node.client.delete(Pod, NAME, grace_period=grace)
    assert await known(pods, running.uid) == "its Pod was deleted"


async def test_a_later_server_finds_the_same_kernel_with_the_same_keys(
    pods: Pods, node: Node
) -> None:
    running = await started(pods, node)
    later = open_pods(node)
    try:
        assert await later.take_over(KEY) == running
        assert [one.session for one in (await later.listed()).values()] == [KEY]
        await node.client.delete(Pod, NAME, grace_period=0)
        assert await known(later, running.uid) == "its Pod was deleted"
        assert await later.take_over(KEY) is None
    finally:
        await later.close()


async def test_a_pod_whose_secret_is_gone_can_be_reached_by_nobody_and_is_ended(
    pods: Pods, node: Node
) -> None:
    running = await started(pods, node)
    await node.client.delete(Secret, NAME)
    with pytest.raises(ConnectionError, match=r"its Secret .* was gone or damaged"):
        await pods.check(KEY)
    assert await known(pods, running.uid) == "its Pod was deleted"


async def test_a_new_start_replaces_what_is_left_and_keeps_the_home(pods: Pods, node: Node) -> None:
    first = await started(pods, node)
    home = await node.client.get(PersistentVolumeClaim, claim_name(KEY))
    await node.client.delete(Pod, NAME, grace_period=30)
    second = await started(pods, node)
    assert second.uid != first.uid
    assert second.connection["key"] != first.connection["key"]
    assert pods.ending(KEY, first.uid) == "its Pod was deleted"
    kept = await node.client.get(PersistentVolumeClaim, claim_name(KEY))
    assert kept.to_dict()["metadata"]["uid"] == home.to_dict()["metadata"]["uid"]
    await pods.end(KEY)
    await pods.end(KEY)
    assert [await pods.forget_home(KEY), await pods.take_over(KEY)] == [True, None]


async def test_a_home_that_is_being_removed_is_waited_for_and_not_used_again(
    pods: Pods, node: Node
) -> None:
    await started(pods, node)
    await pods.forget_home(KEY)  # the API server keeps it until a controller agrees
    start = asyncio.create_task(pods.start(KEY, CONTENTS))
    await pods.watch.until(NAME, lambda state: bool(state and state.ended), WAIT_S)
    released = {"metadata": {"finalizers": None}}
    await node.client.patch(PersistentVolumeClaim, claim_name(KEY), released)
    await pods.watch.until(NAME, lambda state: bool(state and not state.ended), WAIT_S)
    await node.take(NAME)
    await node.say_ready(NAME)
    await start
    claim = await node.client.get(PersistentVolumeClaim, claim_name(KEY))
    assert claim.metadata.deletionTimestamp is None


async def test_an_image_that_cannot_be_had_is_said_when_the_wait_is_over(node: Node) -> None:
    pods = open_pods(node, start_s=1.5)
    start = await taken(pods, node)
    waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "image:1"'}
    await node.say_of_container(NAME, "Pending", waiting=waiting)
    assert await refused(start) == (
        "its Pod was not ready after 2 s: its image image:1 cannot be had: Back-off pulling image"
        ' "image:1" (ImagePullBackOff)'
    )
    await pods.close()


async def test_a_pod_that_no_node_takes_says_why(node: Node) -> None:
    pods = open_pods(node, start_s=1.5)
    start = asyncio.create_task(pods.start(KEY, CONTENTS))
    await pods.watch.until(NAME, lambda state: state is not None, WAIT_S)
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    said = "0/3 nodes are available: 3 Insufficient memory."
    await node.say(NAME, conditions=[{**condition, "message": said}])
    assert await refused(start) == (
        f"its Pod was not ready after 2 s: no node takes its Pod: {said}"
    )
    await pods.close()


async def test_what_never_comes_by_itself_is_said_at_once(pods: Pods, node: Node) -> None:
    start = await taken(pods, node)
    waiting = {"reason": "CreateContainerConfigError", "message": 'secret "x" not found'}
    await node.say_of_container(NAME, "Pending", waiting=waiting)
    assert await refused(start) == (
        'its container cannot be made: secret "x" not found (CreateContainerConfigError)'
    )


async def test_a_pod_that_ends_while_it_starts_says_how(pods: Pods, node: Node) -> None:
    start = await taken(pods, node)
    facts = {"exitCode": 1, "reason": "Error", "message": "No module named pwsh_kernels"}
    await node.say_of_container(NAME, "Failed", terminated=facts)
    assert await refused(start) == "its Pod ended: exit status 1: No module named pwsh_kernels"


async def test_a_quota_that_is_used_up_is_said_at_once(pods: Pods, node: Node) -> None:
    quota = ResourceQuota(
        metadata=ObjectMeta(name="few"), spec=ResourceQuotaSpec(hard={"pods": "0"})
    )
    await node.client.create(quota)
    counted = {"status": {"hard": {"pods": "0"}, "used": {"pods": "0"}}}
    await node.client.patch(ResourceQuota.Status, "few", counted, patch_type=PatchType.MERGE)
    said = await refused(pods.start(KEY, CONTENTS))
    assert said.startswith("Kubernetes refused it: ")
    assert "exceeded quota: few" in said


async def test_pods_that_are_none_of_ours_are_not_seen(pods: Pods, node: Node) -> None:
    spec: dict[str, Any] = {"containers": [{"name": "other", "image": "image:1"}]}
    spec |= {"automountServiceAccountToken": False}
    await node.client.create(Pod.from_dict({"metadata": {"name": "other"}, "spec": spec}))
    await started(pods, node)
    assert list(await pods.listed()) == [NAME]


async def test_an_api_server_that_does_not_answer_is_named(
    node: Node, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = yaml.safe_load(kubeconfig.read_text())  # noqa: ASYNC240 - a small file
    config["clusters"][0]["cluster"] = {"server": "https://127.0.0.1:9"}
    (tmp_path / "nobody.yaml").write_text(yaml.safe_dump(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nobody.yaml"))
    monkeypatch.setattr(pod_watch, "FIRST_WAIT_S", 1.0)
    away = open_pods(node)
    try:
        for _ in range(2):
            with pytest.raises(ConnectionError, match="no answer from Kubernetes: its API server"):
                await away.listed()
        with pytest.raises(ConnectionError, match="its API server does not answer"):
            await away.take_over(KEY)
        assert await refused(away.start(KEY, CONTENTS)) == (
            "Kubernetes refused it: its API server does not answer (All connection attempts failed)"
        )
        await away.end(KEY)
        assert await away.forget_home(KEY) is False
    finally:
        await away.close()


async def test_the_doctor_learns_which_cluster_answers(node: Node) -> None:
    settings = Settings.model_validate(
        {
            "PWSH_MANAGER_KUBERNETES_IMAGE": "image",
            "PWSH_MANAGER_KUBERNETES_NAMESPACE": node.namespace,
        }
    )
    place = KubernetesPlace(settings)
    assert place.state() == "not asked"
    assert f"namespace {node.namespace} (Pods of sessions: 0)" in await place.reachable()
