"""Two nodes and the cable between them, which can be cut: the first is the network namespace that
we are already in, the second one of its own. Each sees its own files of a kubelet.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

CABLE = "to-node2"
"""The first node's end of the cable. Without it, connections break; without packets, they hang."""
SERVICES = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
"""Where Pods ask for the API server; no kube-proxy runs, so each node's own rule leads there."""
API_PORT = 6443


@dataclass(frozen=True, slots=True)
class Host:
    """A node as the network sees it."""

    name: str
    address: str
    pods: str
    """The address of its Docker's bridge, with the length of its Pods' network."""
    pid: int = 0
    """A process in its namespaces; 0: they are ours."""

    def inside(self, *command: str) -> list[str]:
        """Return a command that runs on this node."""
        enter = ["nsenter", f"--target={self.pid}", "--net", "--mount", "--"] if self.pid else []
        return [*enter, *command]

    def run(self, *command: str) -> None:
        """Run a short command on this node."""
        subprocess.run(self.inside(*command), check=True, capture_output=True, timeout=30)


NODE1 = Host("node1", "10.77.0.1", "172.31.77.1/24")
NODE2 = Host("node2", "10.77.0.2", "172.31.78.1/24")
DROP = tuple(
    ("iptables", action, chain, direction, CABLE, "-j", "DROP")
    for action in ("-I", "-D")
    for chain, direction in (("FORWARD", "-i"), ("FORWARD", "-o"), ("INPUT", "-i"))
)
CUTS = {
    "packets are lost": (DROP[:3], DROP[3:]),
    "connections break": (
        (("ip", "link", "set", CABLE, "down"),),
        (("ip", "link", "set", CABLE, "up"),),
    ),
}
"""The commands that cut the first node from the second, and those that mend it again."""


@contextmanager
def network() -> Iterator[tuple[Host, Host]]:
    """Give two nodes with a cable between them; we must be in a network namespace of our own."""
    own = ["unshare", "--net", "--mount", "sleep", "infinity"]
    keeper = subprocess.Popen(own, start_new_session=True)
    try:
        _wait_for_namespace(keeper.pid)
        node2 = replace(NODE2, pid=keeper.pid)
        lay_cable(NODE1, node2)
        for one in (NODE1, node2):
            _route_pods(one)
            _own_logs(one)
        yield NODE1, node2
    finally:
        keeper.kill()
        keeper.wait()


def _wait_for_namespace(pid: int) -> None:
    """Wait until a process has left our namespace; the keeper does so as its first act."""
    ours, theirs = Path("/proc/self/ns/net"), Path(f"/proc/{pid}/ns/net")
    while ours.readlink() == theirs.readlink():
        os.sched_yield()


def lay_cable(node1: Host, node2: Host) -> None:
    """Connect the two nodes."""
    node1.run(*f"ip link add {CABLE} type veth peer name to-node1 netns {node2.pid}".split())
    for one, end in ((node1, CABLE), (node2, "to-node1")):
        one.run("ip", "link", "set", "lo", "up")
        one.run("ip", "address", "add", f"{one.address}/24", "dev", end)
        one.run("ip", "link", "set", end, "up")
    for one, other in ((node1, node2), (node2, node1)):
        route(one, other)


def route(one: Host, other: Host) -> None:
    """Tell a node where the other one's Pods are."""
    one.run("ip", "route", "replace", other.pods.replace(".1/", ".0/"), "via", other.address)


@contextmanager
def cut(how: str) -> Iterator[None]:
    """Cut the second node off until the block ends; for a process in the first node's network."""
    begin, end = CUTS[how]
    for command in begin:
        NODE1.run(*command)
    try:
        yield
    finally:
        for command in end:
            NODE1.run(*command)
        route(NODE1, NODE2)


def _own_logs(host: Host) -> None:
    """Give a kubelet a folder of its own: it removes what it finds there of another one's Pods."""
    host.run("mount", "-t", "tmpfs", "tmpfs", "/var/log")


def _route_pods(host: Host) -> None:
    host.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    to_api = ["-d", API_SERVICE, "-p", "tcp", "--dport", "443"]
    target = ["-j", "DNAT", "--to-destination", f"{NODE1.address}:{API_PORT}"]
    for chain in ("PREROUTING", "OUTPUT"):
        host.run("iptables", "-t", "nat", "-A", chain, *to_api, *target)
