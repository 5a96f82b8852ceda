"""One node of a cluster for tests: a Docker engine and a kubelet in the node's network."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.docker_engine import DAEMON, Docker
from deploy.two_nodes.certificates import Authority
from deploy.two_nodes.control_plane import api, ask
from deploy.two_nodes.network import NODE1, Host
from deploy.two_nodes.waiting import DidNotStartError, until
from tests.fixtures.api_server import RIG, process, unpacked

PAUSE_IMAGE = "localhost/pause:1"
"""What holds the network of a Pod: our own image, which is there anyway, doing nothing."""
PAUSE_FILE = (
    'FROM {image}\nUSER 0\nHEALTHCHECK NONE\nENTRYPOINT ["tini", "--", "sleep", "infinity"]'
)
RUNC = """#!/bin/sh
case $1 in --version) exec runc --version;; *) exec {rig}/runc-here "$@";; esac
"""
"""The rig's `runc-here` starts containers where not even root may lower an oom_score_adj. It is
Python, and Docker asks for the version all the time.
"""
LOAD_LIMIT = 300.0
ASK_LIMIT = 60.0


@dataclass(frozen=True, slots=True)
class Image:
    """An image in a file, and the number that Docker knows it by."""

    name: str
    number: str
    file: Path


@contextmanager
def node(
    folder: Path, kept: Path, host: Host, authority: Authority, image: Image
) -> Iterator[None]:
    """Run a node until the block ends; `kept` holds its images."""
    mine = folder / host.name
    mine.mkdir()
    config = authority.kubeconfig(identity(authority, host), api(NODE1))
    with ExitStack() as running:
        log = running.enter_context((folder / f"{host.name}.log").open("wb"))
        running.enter_context(process(host.inside(*docker_command(mine, kept, host)), log))
        docker = Docker("/usr/bin/docker", {"DOCKER_HOST": f"unix://{mine}/docker.sock"})
        until(f"Docker of {host.name}", lambda: _answers(docker), folder)
        have_images(docker, image)
        running.callback(remove_containers, docker)
        running.enter_context(process(host.inside(*kubelet_command(mine, host, config)), log))
        admin = authority.folder / "admin.conf"
        until(host.name, lambda: is_ready(admin, host.name), folder)
        yield


def identity(authority: Authority, host: Host) -> str:
    """Make the certificate of a kubelet, and return its name."""
    name = f"kubelet-{host.name}"
    authority.issue(name, f"/O=system:nodes/CN=system:node:{host.name}")
    return name


def docker_command(folder: Path, kept: Path, host: Host) -> list[str]:
    """Return how a node's Docker is started: without rules, so that Pods keep their addresses."""
    runc = folder / "runc"
    runc.write_text(RUNC.format(rig=os.environ[RIG]), encoding="utf-8")
    runc.chmod(0o755)
    return [
        *(
            DAEMON,
            "--host",
            f"unix://{folder}/docker.sock",
            "--pidfile",
            str(folder / "docker.pid"),
        ),
        *("--data-root", str(kept), "--exec-root", str(folder / "docker")),
        *("--bip", host.pods, "--iptables=false", "--ip-masq=false"),
        *("--add-runtime", f"here={runc}", "--default-runtime", "here"),
    ]


def have_images(docker: Docker, image: Image) -> None:
    """Load the image, unless this node has it, and make the one that holds a Pod's network."""
    remove_containers(docker)
    known = docker("image", "inspect", "--format", "{{.Id}}", image.name, limit=ASK_LIMIT)
    if known.stdout != image.number:
        _must(docker("load", "--quiet", "--input", str(image.file), limit=LOAD_LIMIT))
    build = ("build", "--quiet", "--tag", PAUSE_IMAGE, "-")
    _must(docker(*build, stdin=PAUSE_FILE.format(image=image.name), limit=LOAD_LIMIT))


def _must(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        raise DidNotStartError(done.stderr)


def remove_containers(docker: Docker) -> None:
    """Remove every container, and what an earlier image left."""
    if names := docker("ps", "--all", "--quiet", limit=ASK_LIMIT).stdout.split():
        docker("rm", "--force", "--volumes", *names, limit=ASK_LIMIT)
    docker("image", "prune", "--force", limit=ASK_LIMIT)


def kubelet_command(folder: Path, host: Host, config: Path) -> list[str]:
    """Return how a kubelet is started."""
    authority = config.parent
    file = folder / "kubelet.json"
    file.write_text(json.dumps(kubelet_settings(authority / "ca.crt", host)), encoding="utf-8")
    pair = config.stem
    return [
        *(str(unpacked()), "kubelet", "--config", str(file), "--kubeconfig", str(config)),
        *("--root-dir", str(folder / "kubelet"), "--cert-dir", str(folder / "kubelet" / "pki")),
        *("--hostname-override", host.name, "--node-ip", host.address),
        *("--container-runtime", "docker", "--docker-endpoint", f"unix://{folder}/docker.sock"),
        *("--pod-infra-container-image", PAUSE_IMAGE, "--network-plugin", ""),
        *("--tls-cert-file", str(authority / f"{pair}.crt")),
        *("--tls-private-key-file", str(authority / f"{pair}.key")),
    ]


def kubelet_settings(authority: Path, host: Host) -> dict[str, object]:
    """Return the kubelet's configuration file."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "x509": {"clientCAFile": str(authority)},
        },
        "authorization": {"mode": "Webhook"},
        "address": host.address,
        "readOnlyPort": 0,
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "makeIPTablesUtilChains": False,
        "hairpinMode": "none",
        "resolvConf": "/etc/resolv.conf",
    }


def is_ready(admin: Path, name: str) -> bool:
    """Tell whether a node is ready."""
    return " Ready" in ask(admin, "get", "node", name, "--no-headers")


def _answers(docker: Docker) -> bool:
    return not docker("version", limit=ASK_LIMIT).returncode
