"""Try sessions on Kubernetes: python -m deploy.two_nodes [ARGUMENTS OF PYTEST].

In the cluster that KUBECONFIG names; otherwise in one of two nodes, which is started here and ends
with the tests. It lives in namespaces of its own: whatever happens, no rule, no network, no mount
and no process stays behind.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from deploy.debian import NotHere
from deploy.docker_engine import DAEMON, docker_engine
from deploy.image import ENGINE, ROOT, build, say
from deploy.two_nodes.control_plane import ask, control_plane
from deploy.two_nodes.network import CABLE, network
from deploy.two_nodes.node import Image, node
from deploy.two_nodes.volumes import volumes
from deploy.two_nodes.waiting import until
from tests.fixtures.api_server import RIG

KEPT = ROOT / ".make" / "two_nodes"
"""The image and what each node's Docker made of it, so that the next time is faster."""
LINK = "PWSH_KERNELS_NODE_LINK"
"""Tells the tests which network interface leads to the second node."""
IMAGE = os.environ.get("PWSH_KERNELS_IMAGE", "pwsh-kernels:latest")
PROGRAMS = ("kubectl", "etcd", "openssl", "ip", "iptables", "nsenter", "unshare", "sysctl", "runc")
NAMESPACES = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
INSIDE = "inside"
SAVE_LIMIT = 300.0
ALL_LIMIT = 2400.0
"""Seconds until everything is ended; it took 20 minutes on a very busy machine."""
PYTEST = ("-m", "pytest", "-q", "deploy/cluster_tests", "--timeout", "600")
NOT_TESTED = "NOTHING WAS TESTED ON KUBERNETES: {} (docs/kubernetes.md)."


def obstacle() -> str:
    """Return why no cluster can be started here; "": it can."""
    rig = os.environ.get(RIG)
    if not rig:
        return f"KUBECONFIG names no cluster, and {RIG} no folder to start one of"
    if missing := [one for one in ("kubetest.xz", "runc-here") if not (Path(rig) / one).is_file()]:
        return f"{rig} has no {' and no '.join(missing)}"
    if os.getuid():
        return "only root can start a cluster"
    absent = [one for one in (*PROGRAMS, DAEMON) if shutil.which(one) is None]
    return f"{', '.join(absent)} cannot be found on PATH" if absent else ""


def have_image() -> int:
    """Build the image, keep it as a file that the nodes load, and return the exit code of that.

    Raises NotHere.
    """
    KEPT.mkdir(parents=True, exist_ok=True)
    with docker_engine(ENGINE) as docker:
        if failed := build(docker, "slim", IMAGE):
            return failed
        number = docker("image", "inspect", "--format", "{{.Id}}", IMAGE, limit=SAVE_LIMIT).stdout
        known = KEPT / "image.id"
        if not known.is_file() or known.read_text() != number:
            docker("save", "--output", str(KEPT / "image.tar"), IMAGE, limit=SAVE_LIMIT)
            known.write_text(number)
        return 0


def try_here(*arguments: str) -> int:
    """Run the cluster and the tests in namespaces of their own, and return the exit code."""
    # Removed when the namespaces are gone, with what was mounted in there. Its name is short,
    # because the path of a socket has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="k8s-") as folder:
        again = [sys.executable, "-m", "deploy.two_nodes", INSIDE, folder, *arguments]
        return subprocess.run(
            [*NAMESPACES, *again], cwd=ROOT, check=False, timeout=ALL_LIMIT
        ).returncode


def inside(folder: Path, *arguments: str) -> int:
    """Run the cluster and the tests; we are alone in our namespaces."""
    with ExitStack() as running:
        hosts = running.enter_context(network())
        authority = running.enter_context(control_plane(folder, *hosts))
        config = authority.folder / "admin.conf"
        made = volumes(folder / "volumes")
        until("the volumes", lambda: ask(config, "apply", "-f", "-", stdin=made), folder)
        image = Image(IMAGE, (KEPT / "image.id").read_text(), KEPT / "image.tar")
        for host in hosts:
            running.enter_context(node(folder, KEPT / host.name, host, authority, image))
        return run_tests(*arguments, KUBECONFIG=str(config), **{LINK: CABLE})


def run_tests(*arguments: str, **environment: str) -> int:
    """Run the tests, and return their exit code."""
    return subprocess.run(
        [sys.executable, *PYTEST, *arguments],
        env={**os.environ, **environment},
        cwd=ROOT,
        check=False,
    ).returncode


def main(*arguments: str) -> int:
    """Try what can be tried, and say loudly when that is nothing."""
    if arguments[:1] == (INSIDE,):
        return inside(Path(arguments[1]), *arguments[2:])
    if os.environ.get("KUBECONFIG") and shutil.which("kubectl"):
        return run_tests(*arguments)
    if reason := obstacle():
        say(NOT_TESTED.format(reason))
        return 0
    try:
        return have_image() or try_here(*arguments)
    except NotHere as reason:
        say(NOT_TESTED.format(reason))
        return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
