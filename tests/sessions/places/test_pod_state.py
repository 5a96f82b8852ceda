"""What Kubernetes says of a Pod: whether it lives, what it waits for, how it ended."""

from typing import Any

import pytest

from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.pod import Carried, PodSettings, pod
from pwsh_kernels.sessions.places.pod_state import PodState, read_pod

KEY = SessionKey("contoso.com", "exo")


def seen(node: str = "node1", leaving: bool = False, **status: Any) -> PodState:
    """Return what is read of a Pod with this status."""
    made = pod(KEY, PodSettings("image:1", limits={"memory": "2Gi"}), Carried())
    made["metadata"] |= {"uid": "u"} | ({"deletionTimestamp": "now"} if leaving else {})
    made["spec"]["nodeName"] = node
    return read_pod({**made, "status": status})


def container(**state: Any) -> list[dict[str, Any]]:
    """Return the status of a container."""
    return [{"image": "image:1", "state": state}]


def condition(kind: str, status: str, reason: str = "", message: str = "") -> list[dict[str, str]]:
    """Return the conditions of a Pod with one."""
    return [{"type": kind, "status": status, "reason": reason, "message": message}]


def ended(code: int, reason: str = "Error", message: str = "") -> dict[str, Any]:
    """Return the status of a Pod whose container has ended."""
    facts = {"exitCode": code, "reason": reason, "message": message}
    return {"phase": "Failed", "containerStatuses": container(terminated=facts)}


def test_a_pod_is_ready_when_its_kernel_has_listened_once_and_stays_so_while_its_node_is_away() -> (
    None
):
    running = {**container(running={})[0], "started": True}
    state = seen(
        phase="Running",
        podIP="10.0.0.7",
        containerStatuses=[running],
        conditions=condition("Ready", "False"),
    )
    assert (state.ready, state.ended, state.ip, state.session) == (True, "", "10.0.0.7", KEY)
    begun = seen(phase="Running", podIP="10.0.0.7", containerStatuses=container(running={}))
    assert (begun.ready, begun.waits) == (False, "its kernel does not listen yet")


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ({}, "its node has not begun with it"),
        (
            {
                "conditions": condition(
                    "PodScheduled", "False", "Unschedulable", "0/2 nodes: 2 Insufficient memory."
                )
            },
            "no node takes its Pod: 0/2 nodes: 2 Insufficient memory.",
        ),
        (
            {
                "containerStatuses": container(
                    waiting={"reason": "ImagePullBackOff", "message": "Back-off"}
                )
            },
            "its image image:1 cannot be had: Back-off (ImagePullBackOff)",
        ),
        (
            {
                "containerStatuses": container(
                    waiting={"reason": "ErrImagePull", "message": "not found"}
                )
            },
            "its image image:1 cannot be had: not found (ErrImagePull)",
        ),
        (
            {
                "containerStatuses": container(
                    waiting={"reason": "CreateContainerConfigError", "message": "no secret x"}
                )
            },
            "its container cannot be made: no secret x (CreateContainerConfigError)",
        ),
        (
            {"containerStatuses": container(waiting={"reason": "ContainerCreating"})},
            "its node fetches the image and mounts volumes: ContainerCreating",
        ),
    ],
)
def test_a_pod_that_does_not_start_says_what_it_waits_for(
    status: dict[str, Any], sentence: str
) -> None:
    assert seen(phase="Pending", **status).waits == sentence


def test_only_what_never_comes_by_itself_is_hopeless() -> None:
    waiting = {
        reason: seen(phase="Pending", containerStatuses=container(waiting={"reason": reason}))
        for reason in ("CreateContainerConfigError", "InvalidImageName", "ImagePullBackOff")
    }
    assert [one.hopeless for one in waiting.values()] == [True, True, False]


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (seen(**ended(137, "OOMKilled")), "out of memory: its Pod may have 2Gi"),
        (seen(**ended(137)), "SIGKILL"),
        (seen(**ended(3, message="Landlock cannot\n")), "exit status 3: Landlock cannot"),
        (seen(**ended(0, "Completed")), "exit status 0"),
        (seen(**ended(200)), "exit status 200"),
        (seen(phase="Failed"), "it ended"),
        (
            seen(phase="Failed", reason="Evicted", message="The node was low on memory. "),
            "it was evicted from node1: The node was low on memory",
        ),
        (
            seen(phase="Failed", reason="OutOfmemory", message="no room"),
            "it was evicted from node1: no room",
        ),
        (seen(phase="Failed", reason="NodeShutdown"), "node1, where it ran, was shut down"),
        (
            seen(phase="Running", leaving=True, reason="NodeLost"),
            "node1, where it ran, did not answer any more",
        ),
        (
            seen(phase="Running", leaving=True, conditions=condition("Ready", "Unknown")),
            "node1, where it ran, did not answer any more",
        ),
        (
            seen(
                leaving=True,
                conditions=condition("DisruptionTarget", "True", "EvictionByEvictionAPI"),
            ),
            "it was evicted from node1, as when a node is drained",
        ),
        (
            seen(
                leaving=True,
                conditions=condition("DisruptionTarget", "True", "DeletionByTaintManager"),
            ),
            "node1, where it ran, did not answer any more",
        ),
        (seen(phase="Running", leaving=True), "its Pod was deleted"),
    ],
)
def test_each_way_to_end_has_its_own_sentence(state: PodState, sentence: str) -> None:
    assert state.ended == sentence
    assert not state.ready


def test_the_exit_status_of_a_kernel_is_kept() -> None:
    assert [seen(**ended(137)).status, seen(phase="Running").status] == [137, None]
