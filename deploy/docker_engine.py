"""A Docker engine to build and test the image with: the one that runs, or Debian's docker.io, which
is started for a while where nobody runs one.
"""

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path

from deploy.debian import NotHere, install

DAEMON = "/usr/sbin/dockerd"
CLIENTS = ("docker", "/usr/bin/docker")
"""A newer client on PATH may lack what builds; Debian's has it."""
START_LIMIT = 60.0
"""Seconds until an engine that was started must answer."""
ASK_LIMIT = 30.0
"""Seconds that a client may take to say whether an engine answers."""
PAUSE = 0.5
"""Seconds between two questions to an engine that starts."""
NETWORKS = IPv4Network("172.16.0.0/12")
"""Where Docker's own networks are: the sandbox's sign-in page answers browsers there."""
ADDRESS = re.compile(r"\b\d+\.\d+\.\d+\.\d+(?:/\d+)?")


@dataclass(frozen=True, slots=True)
class Docker:
    """A client, with the engine that it talks to."""

    client: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(
        self, *arguments: str, limit: float, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the client to its end, and return what it said."""
        return subprocess.run(
            [self.client, *arguments],
            env={**os.environ, **self.environment, "DOCKER_BUILDKIT": "1"},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=limit,
        )

    def works(self) -> bool:
        """Tell whether the engine answers and the client can build."""
        try:
            answers = self("version", "--format", "{{.Client.Version}}", limit=ASK_LIMIT)
            old = answers.stdout.partition(".")[0] < "23"  # builds without buildx
            return not answers.returncode and (
                old or not self("buildx", "version", limit=ASK_LIMIT).returncode
            )
        except (OSError, subprocess.TimeoutExpired):
            return False


@contextmanager
def docker_engine(folder: Path) -> Iterator[Docker]:
    """Give a Docker that works.

    One that is started here keeps its images in `folder`, so that the next build is fast, and ends
    with the block. Raises NotHere.
    """
    found = next((one for one in map(Docker, CLIENTS) if one.works()), None)
    if found:
        yield found
        return
    install(["docker.io"], DAEMON)
    install(["iproute2"], "ip")
    with _started(folder) as docker:
        yield docker


@contextmanager
def _started(folder: Path) -> Iterator[Docker]:
    if os.getuid():
        raise NotHere("no Docker engine answers, and only root can start one")
    folder.mkdir(parents=True, exist_ok=True)
    socket, log = folder / "docker.sock", folder / "log"
    with _bridge() as bridge, log.open("w") as written:
        daemon = subprocess.Popen(
            [
                *(DAEMON, "--host", f"unix://{socket}", "--pidfile", str(folder / "pid")),
                # No rule stays behind: a port on loopback and a build on the host need none.
                *("--iptables=false", f"--bridge={bridge}"),
                *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
            ],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
        )
        docker = Docker("/usr/bin/docker", {"DOCKER_HOST": f"unix://{socket}"})
        try:
            _wait_for(docker, daemon, log)
            yield docker
        finally:
            _end(daemon)


def free_network(routes: str) -> IPv4Network:
    """Return a network that no line of `ip route` names. Raises NotHere."""
    taken = [IPv4Network(one, strict=False) for one in ADDRESS.findall(routes)]
    for one in NETWORKS.subnets(new_prefix=24):
        if not any(map(one.overlaps, taken)):
            return one
    raise NotHere(f"all networks of {NETWORKS} are taken")


@contextmanager
def _bridge() -> Iterator[str]:
    """Give the name of a bridge of our own: `docker0` may be another engine's."""
    name = f"pwsh{os.getpid()}"
    network = free_network(_ip("route", "show", "table", "all"))
    _ip("link", "add", name, "type", "bridge")
    try:
        _ip("address", "add", f"{network[1]}/{network.prefixlen}", "dev", name)
        _ip("link", "set", name, "up")
        yield name
    finally:
        _ip("link", "delete", name)


def _ip(*arguments: str) -> str:
    done = subprocess.run(
        ["ip", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=ASK_LIMIT,
    )
    if done.returncode:
        raise NotHere(f"ip {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout


def _wait_for(docker: Docker, daemon: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT
    while not docker.works():
        if daemon.poll() is not None or time.monotonic() > deadline:
            raise NotHere(f"{DAEMON} did not start: {log.read_text()[-500:]}")
        time.sleep(PAUSE)


def _end(daemon: "subprocess.Popen[bytes]") -> None:
    daemon.terminate()
    with suppress(subprocess.TimeoutExpired):
        daemon.wait(START_LIMIT)
    daemon.kill()
    daemon.wait()
