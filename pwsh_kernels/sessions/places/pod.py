"""The objects of a session on Kubernetes: a Pod, its Secret, and the claim that holds its HOME.

Pure. They are the mappings that Kubernetes' own documentation writes as YAML.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.shapes import ForeignJson

Manifest = ForeignJson
"""An object of Kubernetes, as its API takes and gives it."""
USER = 10001
"""Of the image, which runs as no other."""
APP = "app.kubernetes.io/name"
SESSION_APP = "pwsh-kernels-session"
"""Value of that label on everything of a session; network policies name it."""
TENANT, MODULE, TIER = "pwsh-kernels/tenant", "pwsh-kernels/module", "pwsh-kernels/tier"
"""Annotations that name the session: a label's value is too short for a tenant's name."""
PORTS = {
    "shell_port": 55001,
    "iopub_port": 55002,
    "stdin_port": 55003,
    "control_port": 55004,
    "hb_port": 55005,
}
"""A Pod has an address of its own, so its ports can stand in network policies."""
OWN = Path("/session")
"""Where the claim is: HOME, files and the kernel's log."""
HOME, FILES, LOG = OWN / "home", OWN / "files", OWN / "kernel.log"
GIVEN = Path("/run/session")
"""Where the Secret is; `pwsh_kernels.kernel.pod_start` reads it there."""
CONNECTION, FACTS, GRANTS = "connection.json", "session.json", "grants.key"
"""What the Secret holds, besides the files that the session may read. The key of the grants is for
servers only: no Pod sees it.
"""
MEMORY = Path("/run/pwsh-kernels")
"""Memory of the Pod's own: the connection file, which a kernel writes again."""
START = ["tini", "-g", "--", "python3", "-m", "pwsh_kernels.kernel.pod_start"]
GRACE_S = 5
"""Seconds that a Pod may take to end; the server has asked its kernel before."""
START_CHECKS = 3600
"""Seconds for which Kubernetes itself lets a kernel start: the server gives up before that."""
TEMPORARY_SIZE, MEMORY_SIZE = "1Gi", "16Mi"


@dataclass(frozen=True, slots=True)
class Mount:
    """A part of the server's data folder that a session sees at the same path."""

    path: Path
    inside: Path
    """Where it is in the claim."""
    read_only: bool


@dataclass(frozen=True, slots=True)
class Carried:
    """What of the server's machine comes along with a session."""

    mounts: tuple[Mount, ...] = ()
    files: tuple[Path, ...] = ()
    """Files that are put into its Secret, and are there at the same path."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a session's Pod is given."""

    facts: str
    """JSON for `pwsh_kernels.kernel.pod_start`."""
    carried: Carried
    files: Mapping[Path, bytes]
    """What is in the files that come along."""


@dataclass(frozen=True, slots=True)
class PodSettings:
    """What an administrator says about the Pods of sessions."""

    image: str
    requests: Mapping[str, str] = field(default_factory=dict)
    """`memory`, `cpu`, or `exo.memory` for one module."""
    limits: Mapping[str, str] = field(default_factory=dict)
    storage_class: str = ""
    home_size: str = "1Gi"
    data_claim: str = ""
    node_wait_s: int = 900


def pod_name(key: SessionKey) -> str:
    """Return what the Pod and the Secret of a session are called."""
    return f"pwsh-{key.kernel_id}"


def claim_name(key: SessionKey) -> str:
    """Return what the claim of a session's HOME is called."""
    return f"pwsh-home-{key.kernel_id}"


def pod(key: SessionKey, settings: PodSettings, carried: Carried) -> Manifest:
    """Return the Pod of a session."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata(pod_name(key), key),
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": GRACE_S,
            "tolerations": list(_tolerations(settings.node_wait_s)),
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [_container(key, settings, carried)],
            "volumes": list(_volumes(key, settings, carried)),
        },
    }


def secret(
    key: SessionKey, owner: str, texts: Mapping[str, str], files: Mapping[Path, bytes]
) -> Manifest:
    """Return the Secret of a session, which goes with the Pod that has the uid `owner`."""
    named = zip(files.values(), map(_file_key, range(len(files))), strict=True)
    data = {name: content.encode() for name, content in texts.items()}
    data |= {name: content for content, name in named}
    metadata = _metadata(pod_name(key), key)
    metadata["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "Pod", "name": pod_name(key), "uid": owner}
    ]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "immutable": True,
        "data": {name: base64.b64encode(content).decode() for name, content in data.items()},
    }


def claim(key: SessionKey, settings: PodSettings) -> Manifest:
    """Return the claim of a session's HOME, which outlives its Pods."""
    wanted: Manifest = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": settings.home_size}},
    }
    if settings.storage_class:
        wanted["storageClassName"] = settings.storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": _metadata(claim_name(key), key),
        "spec": wanted,
    }


def session_of(metadata: Mapping[str, Any]) -> SessionKey | None:
    """Return the session that an object belongs to; None: it is none of ours."""
    notes = metadata.get("annotations") or {}
    if not {TENANT, MODULE} <= set(notes):
        return None
    return SessionKey(notes[TENANT], notes[MODULE], "read" if TIER in notes else "write")


def resources(settings: PodSettings, module: str) -> Manifest:
    """Return what a module's Pod asks for and may have."""
    return {
        "requests": _of_module(settings.requests, module),
        "limits": _of_module(settings.limits, module),
    }


def _of_module(given: Mapping[str, str], module: str) -> dict[str, str]:
    """Return the amounts for all modules, and in their place those for this one."""
    prefix = f"{module}."
    own = {
        name.removeprefix(prefix): amount
        for name, amount in given.items()
        if name.startswith(prefix)
    }
    return {**{name: amount for name, amount in given.items() if "." not in name}, **own}


def _metadata(name: str, key: SessionKey) -> Manifest:
    return {
        "name": name,
        "labels": {APP: SESSION_APP, "app.kubernetes.io/managed-by": "pwsh-kernels"},
        "annotations": {
            TENANT: key.tenant,
            MODULE: key.module,
            **({TIER: key.tier} if key.reads else {}),
        },
    }


def _tolerations(node_wait_s: int) -> Iterator[Manifest]:
    """Yield how long a session waits for a node that is out of reach: Kubernetes' own 300 s would
    end a sign-in for a short cut of the network.
    """
    for problem in ("not-ready", "unreachable"):
        yield {
            "key": f"node.kubernetes.io/{problem}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": node_wait_s,
        }


def _container(key: SessionKey, settings: PodSettings, carried: Carried) -> Manifest:
    return {
        "name": "kernel",
        "image": settings.image,
        "imagePullPolicy": "IfNotPresent",
        "command": START,
        "workingDir": str(OWN),
        "resources": resources(settings, key.module),
        "ports": [
            {"name": name.removesuffix("_port"), "containerPort": port}
            for name, port in PORTS.items()
        ],
        # Only until it has started: who asks for ever costs a busy node more than it tells.
        "startupProbe": {
            "tcpSocket": {"port": PORTS["hb_port"]},
            "periodSeconds": 1,
            "failureThreshold": START_CHECKS,
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "privileged": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": list(_mounts(carried)),
    }


def _mounts(carried: Carried) -> Iterator[Manifest]:
    yield {"name": "home", "mountPath": str(OWN)}
    yield {"name": "temporary", "mountPath": "/tmp"}  # noqa: S108 - the Pod's own
    yield {"name": "memory", "mountPath": str(MEMORY)}
    yield {"name": "given", "mountPath": str(GIVEN), "readOnly": True}
    for number, path in enumerate(carried.files):
        name = _file_key(number)
        yield {"name": "files", "mountPath": str(path), "subPath": name, "readOnly": True}
    for one in carried.mounts:
        yield {
            "name": "data",
            "mountPath": str(one.path),
            "subPath": str(one.inside),
            "readOnly": one.read_only,
        }


def _volumes(key: SessionKey, settings: PodSettings, carried: Carried) -> Iterator[Manifest]:
    yield {"name": "home", "persistentVolumeClaim": {"claimName": claim_name(key)}}
    yield {"name": "temporary", "emptyDir": {"sizeLimit": TEMPORARY_SIZE}}
    yield {"name": "memory", "emptyDir": {"medium": "Memory", "sizeLimit": MEMORY_SIZE}}
    yield _secret_volume("given", key, [CONNECTION, FACTS])
    if carried.files:
        yield _secret_volume("files", key, [*map(_file_key, range(len(carried.files)))])
    if carried.mounts:
        yield {"name": "data", "persistentVolumeClaim": {"claimName": settings.data_claim}}


def _secret_volume(name: str, key: SessionKey, items: list[str]) -> Manifest:
    """Return a volume with some of a Secret: what is granted of one grants nothing of another."""
    return {
        "name": name,
        "secret": {
            "secretName": pod_name(key),
            "defaultMode": 0o440,
            "items": [{"key": one, "path": one} for one in items],
        },
    }


def _file_key(number: int) -> str:
    return f"file-{number}"
