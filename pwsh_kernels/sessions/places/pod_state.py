"""What Kubernetes says of a session's Pod: whether it lives, what it waits for, how it ended.

Pure.
"""

import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.pod import session_of

ENDED = ("Succeeded", "Failed")
DELETED = "its Pod was deleted"
NO_IMAGE = frozenset(("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"))
NOT_MADE = frozenset(
    ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError")
)
HOPELESS = frozenset(("InvalidImageName", "CreateContainerConfigError"))
"""What a kubelet tries again, though nothing can come of it until somebody changes something."""
DISRUPTIONS = {
    "PreemptionByScheduler": "its Pod had to make room for a more important one",
    "DeletionByTaintManager": "{node}, where it ran, did not answer any more",
    "EvictionByEvictionAPI": "it was evicted from {node}, as when a node is drained",
    "DeletionByPodGC": "{node}, where it ran, is gone",
    "TerminationByKubelet": "{node} ended it: {message}",
}
"""Why Kubernetes itself ended a Pod, by the reason of its condition DisruptionTarget."""
NODE_REASONS = {
    "NodeLost": "{node}, where it ran, did not answer any more",
    "Evicted": "it was evicted from {node}: {message}",
    "Preempting": "its Pod had to make room for a more important one",
    "NodeShutdown": "{node}, where it ran, was shut down",
    "Terminated": "{node}, where it ran, was shut down",
    "Shutdown": "{node}, where it ran, was shut down",
    "NodeAffinity": "{node} did not take it: {message}",
}
"""Why a node ended a Pod, by the reason of its status; `OutOfmemory` and the like are no names."""
LAST_WORDS = 500
"""Characters of what a container said last."""


@dataclass(frozen=True, slots=True)
class PodState:
    """One Pod at one moment."""

    session: SessionKey | None
    uid: str
    node: str = ""
    ip: str = ""
    ready: bool = False
    waits: str = ""
    """What its start waits for."""
    hopeless: bool = False
    """Whether it waits in vain until somebody intervenes."""
    ended: str = ""
    """How it ended; "": it lives."""
    status: int | None = None
    """Exit status of its kernel."""


def read_pod(pod: Mapping[str, Any]) -> PodState:
    """Return the facts about a Pod that a session depends on."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    node = (pod.get("spec") or {}).get("nodeName") or ""
    container = _container(status)
    waiting = (container.get("state") or {}).get("waiting") or {}
    ended = _ending(pod)
    return PodState(
        session_of(metadata),
        uid=str(metadata.get("uid") or ""),
        node=node,
        ip=str(status.get("podIP") or ""),
        # Not its condition Ready: that goes whenever its node is out of reach.
        ready=not ended and bool(container.get("started")) and bool(status.get("podIP")),
        waits=_waits(status, container, waiting),
        hopeless=waiting.get("reason") in HOPELESS,
        ended=ended,
        status=_terminated(container).get("exitCode"),
    )


def _waits(
    status: Mapping[str, Any], container: Mapping[str, Any], waiting: Mapping[str, Any]
) -> str:
    scheduled = _condition(status, "PodScheduled")
    reason, said = waiting.get("reason"), str(waiting.get("message") or waiting.get("reason"))
    if scheduled.get("status") == "False":
        return f"no node takes its Pod: {scheduled.get('message') or scheduled.get('reason')}"
    if reason in NO_IMAGE:
        return f"its image {container.get('image')} cannot be had: {said} ({reason})"
    if reason in NOT_MADE:
        return f"its container cannot be made: {said} ({reason})"
    if not container:
        return "its node has not begun with it"
    if reason:
        return f"its node fetches the image and mounts volumes: {said}"
    return "its kernel does not listen yet"


def _ending(pod: Mapping[str, Any]) -> str:
    """Return how a Pod ended, or is about to; "": it lives."""
    status = pod.get("status") or {}
    leaving = bool(pod["metadata"].get("deletionTimestamp"))
    if not leaving and status.get("phase") not in ENDED:
        return ""
    return next(_reasons(pod), DELETED if leaving else "it ended")


def _reasons(pod: Mapping[str, Any]) -> Iterator[str]:
    """Yield why a Pod ended, the most specific reason first."""
    status, spec = pod.get("status") or {}, pod.get("spec") or {}
    facts = {"node": spec.get("nodeName") or "a node", "message": status.get("message") or ""}
    disruption = _condition(status, "DisruptionTarget")
    reason = str(status.get("reason") or "")
    if reason == "Evicted" or reason.startswith("OutOf"):
        yield _plain(NODE_REASONS["Evicted"].format(**facts))
    if disruption.get("status") == "True" and disruption.get("reason") in DISRUPTIONS:
        facts["message"] = str(disruption.get("message") or "")
        yield _plain(DISRUPTIONS[disruption["reason"]].format(**facts))
    if reason in NODE_REASONS:
        yield _plain(NODE_REASONS[reason].format(**facts))
    if _condition(status, "Ready").get("reason") == "NodeStatusUnknown" or _is_silent(status):
        yield NODE_REASONS["NodeLost"].format(**facts)
    if pod["metadata"].get("deletionTimestamp"):
        yield DELETED
    yield from _exit(_terminated(_container(status)), spec)


def _is_silent(status: Mapping[str, Any]) -> bool:
    return _condition(status, "Ready").get("status") == "Unknown"


def _exit(terminated: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[str]:
    if terminated.get("reason") == "OOMKilled":
        yield f"out of memory: its Pod may have {_memory_limit(spec)}"
    code = terminated.get("exitCode")
    if code is None:
        return
    words = str(terminated.get("message") or "").strip()[-LAST_WORDS:]
    yield f"{exit_text(code)}: {words}" if words and code else exit_text(code)


def exit_text(code: int) -> str:
    """Return an exit status in words: a container tells of a signal by 128 and its number."""
    if code > 128:
        with suppress(ValueError):
            return signal.Signals(code - 128).name
    return f"exit status {code}"


def _memory_limit(spec: Mapping[str, Any]) -> str:
    container: Mapping[str, Any] = next(iter(spec.get("containers") or ()), {})
    limits = (container.get("resources") or {}).get("limits") or {}
    return str(limits.get("memory") or "what its node can give")


def _terminated(container: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (container.get("state") or {}).get("terminated") or {}
    return found


def _container(status: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(iter(status.get("containerStatuses") or ()), {})
    return found


def _condition(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    conditions = status.get("conditions") or ()
    found: Mapping[str, Any] = next((one for one in conditions if one.get("type") == kind), {})
    return found


def _plain(text: str) -> str:
    return text.strip().removesuffix(".").rstrip(": ")
