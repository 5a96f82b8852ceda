"""What one server needs for many sessions: some with a real PowerShell on this machine, the others
Pods whose node and kernels are played here.

`python -m benchmarks.scale --local 50 --pods 150`; with `--pods` it needs
PWSH_KERNELS_KUBERNETES_RIG and etcd (docs/kubernetes.md).

Where `unshare` may, everything runs in a network of its own, so that Pods have addresses of
another machine: those of this one need no heartbeats.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.scale import figures
from benchmarks.scale.service import MODULE, tenant, write_files
from tests.fixtures.api_server import api_server
from tests.fixtures.repository import ROOT
from tests.fixtures.server import Server
from tests.sessions.places.kubernetes.node import namespace

FAR, NEAR = "198.18.0.0/16", "127.64.0.0/16"
"""Addresses of Pods: in a network of our own (RFC 2544: for benchmarks), and without one."""
INSIDE = "PWSH_KERNELS_SCALE_INSIDE"
ADD_NETWORK = f"ip link set lo up && ip route add local {FAR} dev lo"
WAIT_S = 120.0
START_S = 300.0
SETTLE_S = 5.0
"""After the last sign-in, before an idle server is looked at."""
LOCAL_AT_ONCE, PODS_AT_ONCE = 3, 10


@dataclass(frozen=True, slots=True)
class Row:
    """The figures with a number of sessions; the names are the table's heads."""

    sessions: int
    rss_mib: str
    pss_mib: str
    idle_cpu_s_min: str
    zmq_part: str
    sessions_p50_ms: str
    sessions_p99: str
    status_p50_ms: str
    status_p99: str
    run_local_ms: str
    run_pod_ms: str
    descriptors: int
    zmq_sockets: int
    threads: int


class Crowd:
    """The sessions of a server, opened as they are needed."""

    def __init__(self, server: Server, local: int, pods: int) -> None:
        self._server = server
        self._most = {"local": local, "pod": pods}
        self.open = {"local": 0, "pod": 0}

    def grow(self, total: int) -> None:
        """Have so many sessions, in the proportion of all."""
        everything = sum(self._most.values())
        local = round(total * self._most["local"] / everything)
        self._grow("local", local, LOCAL_AT_ONCE)
        self._grow("pod", min(total - local, self._most["pod"]), PODS_AT_ONCE)

    def _grow(self, place: str, number: int, at_once: int) -> None:
        names = [tenant(one, place) for one in range(self.open[place], number)]
        with ThreadPoolExecutor(at_once) as workers:
            list(workers.map(self._sign_in, names))
        self.open[place] = max(number, self.open[place])

    def _sign_in(self, name: str) -> None:
        with self._server.http() as http:
            facts = {"tenant": name, "module": MODULE}
            http.post("/login", json={**facts, "wait_s": WAIT_S}, timeout=2 * WAIT_S)
            status = http.post("/status", json={**facts, "wait_s": WAIT_S}, timeout=2 * WAIT_S)
            if status.json()["state"] != "signed_in":
                sys.exit(f"{name} did not sign in: {status.json()}\n{''.join(self._server.log)}")

    def example(self, place: str) -> str | None:
        """Return a session of a place."""
        return tenant(0, place) if self.open[place] else None


def measure(server: Server, crowd: Crowd, seconds: float, calls: int) -> Row:
    """Return the figures of a server as it is now."""
    pid = server.process.pid
    time.sleep(SETTLE_S)
    idle = figures.idle_minute(pid, seconds)
    rss, pss = figures.memory(pid)
    known, sockets = figures.descriptors(pid)
    with server.http() as http:
        listed = figures.milliseconds(lambda: ask(http, "GET", "/sessions"), calls)
        name = crowd.example("pod") or crowd.example("local") or tenant(0, "pod")
        facts = {"tenant": name, "module": MODULE}
        status = figures.milliseconds(lambda: ask(http, "POST", "/status", **facts), calls)
        runs = {one: one_plus_one(http, crowd.example(one), calls) for one in ("local", "pod")}
    return Row(
        sum(crowd.open.values()),
        f"{rss / figures.MIB:.0f}",
        f"{pss / figures.MIB:.0f}",
        f"{sum(idle.values()):.2f}",
        f"{idle['zmq']:.2f}",
        f"{figures.median(listed):.1f}",
        f"{figures.p99(listed):.1f}",
        f"{figures.median(status):.1f}",
        f"{figures.p99(status):.1f}",
        runs["local"],
        runs["pod"],
        known,
        sockets,
        figures.threads(pid),
    )


def ask(http: httpx.Client, method: str, path: str, **body: Any) -> dict[str, Any]:
    """Return an answer; one that is no success ends the benchmark."""
    answer = http.request(method, path, json=body or None, timeout=2 * WAIT_S)
    answer.raise_for_status()
    facts: dict[str, Any] = answer.json()
    return facts


def one_plus_one(http: httpx.Client, name: str | None, calls: int) -> str:
    """Return the median of `1+1` in a session."""
    if name is None:
        return "-"
    facts = {"tenant": name, "module": MODULE, "command": "1+1", "wait_s": WAIT_S}

    def run() -> None:
        answer = ask(http, "POST", "/run", **facts)
        if answer["result"].strip() != "2":
            sys.exit(f"1+1 in {name} is not 2 but {answer}")

    return f"{figures.median(figures.milliseconds(run, calls)):.1f}"


def show_sessions(server: Server) -> None:
    """Print what a session on this machine needs besides the server."""
    for kind, mark in (("kernel", "pwsh_kernels.kernel"), ("PowerShell", "-NoProfile")):
        found = [one.pid for one in server.family() if mark in one.cmdline()]
        sizes = [figures.memory(one)[1] / figures.MIB for one in found]
        if sizes:
            print(
                f"{kind} of a session here: PSS {figures.median(sizes):.0f} MiB (of {len(sizes)})"
            )


def restart(server: Server, number: int, expected: int) -> None:
    """End the server with a signal, start it again, and print how long its sessions take to be
    found, signed in.
    """
    begun = time.monotonic()
    server.stop(number)
    stopped, server.start_wait = time.monotonic(), START_S
    server.start()
    ready = time.monotonic()
    try:
        server.until(lambda: signed_in(server) == expected, START_S)
    except BaseException:
        print("".join(server.log))
        raise
    end = time.monotonic()
    spent = sum(figures.cpu(server.process.pid).values())
    print(
        f"restart after {signal.Signals(number).name} with {expected} sessions: stopped"
        f" {stopped - begun:.1f} s, then ready after {ready - stopped:.1f} s, all signed in after"
        f" {end - stopped:.1f} s; CPU of the new server {spent:.1f} s",
        flush=True,
    )


def signed_in(server: Server) -> int:
    states = [one["state"] for one in server.get("/sessions")["sessions"]]
    return states.count("signed_in")


@contextmanager
def cluster(folder: Path, network: str) -> Iterator[dict[str, str]]:
    """Run an API server and a node that plays all Pods; give the settings of a server."""
    folder.mkdir()
    with ExitStack() as running:
        config = running.enter_context(api_server(folder))
        os.environ["KUBECONFIG"] = str(config)
        with asyncio.Runner() as runner:
            spaces = namespace()
            name = runner.run(spaces.__aenter__())
            node = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.scale.node", name, network], cwd=ROOT
            )
            try:
                yield {
                    "KUBECONFIG": str(config),
                    "PWSH_MANAGER_KUBERNETES_IMAGE": "played:1",
                    "PWSH_MANAGER_KUBERNETES_NAMESPACE": name,
                }
            finally:
                node.kill()
                node.wait()
                runner.run(spaces.__aexit__(None, None, None))


def run(options: argparse.Namespace, network: str) -> None:
    """Print everything."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        settings = write_files(Path(folder), options.local, options.pods)
        settings["PWSH_MANAGER_SESSIONS"] = str(options.local + options.pods)
        if options.pods:
            settings |= running.enter_context(cluster(Path(folder) / "cluster", network))
        server = Server(Path(folder) / "server", settings).start()
        running.callback(server.close)
        crowd = Crowd(server, options.local, options.pods)
        head(network)
        for total in steps(options):
            crowd.grow(total)
            show(measure(server, crowd, options.seconds, options.calls))
        show_sessions(server)
        for number in (signal.SIGTERM, signal.SIGKILL):
            restart(server, number, sum(crowd.open.values()))


def steps(options: argparse.Namespace) -> list[int]:
    """Return the numbers of sessions to measure."""
    everything = options.local + options.pods
    return [*(one for one in options.steps if one < everything), everything]


def head(network: str) -> None:
    print(f"{psutil.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; Pods in {network}")
    print("| " + " | ".join(one.name for one in fields(Row)) + " |")
    print("|" + "---|" * len(fields(Row)), flush=True)


def show(row: Row) -> None:
    print("| " + " | ".join(str(getattr(row, one.name)) for one in fields(Row)) + " |", flush=True)


def enter_network(arguments: Sequence[str]) -> None:
    """Become the same program in a network of its own, where that is allowed."""
    unshare = ["unshare", "-n", *([] if os.getuid() == 0 else ["-r"])]
    tried = [*unshare, "sh", "-c", ADD_NETWORK]
    if subprocess.run(tried, check=False, capture_output=True).returncode:
        return
    again = [*unshare, sys.executable, "-m", "benchmarks.scale", *arguments]
    os.execvpe(again[0], again, {**os.environ, INSIDE: "1"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--local", type=int, default=50, help="sessions with a real PowerShell")
    parser.add_argument("--pods", type=int, default=150, help="sessions as played Pods")
    parser.add_argument("--steps", type=int, nargs="*", default=[0, 10, 50, 100])
    parser.add_argument("--seconds", type=float, default=30, help="how long to look at an idle one")
    parser.add_argument("--calls", type=int, default=200, help="calls for each figure")
    options = parser.parse_args()
    if INSIDE not in os.environ:
        enter_network(sys.argv[1:])
    else:
        subprocess.run(["sh", "-c", ADD_NETWORK], check=True)
    run(options, FAR if INSIDE in os.environ else NEAR)


if __name__ == "__main__":
    main()
