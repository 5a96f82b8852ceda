"""A Docker engine to build and test the image with: the one that runs, or Debian's docker.io, which
is started for a while where nobody runs one.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

DAEMON = "/usr/sbin/dockerd"
CLIENTS = ("docker", "/usr/bin/docker")
"""A newer client on PATH may lack what builds; Debian's has it."""
INSTALL_LIMIT = 600.0
"""Seconds that Debian's packages may take."""
START_LIMIT = 60.0
"""Seconds until an engine that was started must answer."""
ASK_LIMIT = 30.0
"""Seconds that a client may take to say whether an engine answers."""
PAUSE = 0.5
"""Seconds between two questions to an engine that starts."""


class NoEngine(Exception):
    """No Docker engine runs here and none can be started; the text says why."""


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
    with the block. Raises NoEngine.
    """
    found = next((one for one in map(Docker, CLIENTS) if one.works()), None)
    if found:
        yield found
        return
    install(["docker.io"], DAEMON)
    with _started(folder) as docker:
        yield docker


def install(packages: Sequence[str], program: str) -> None:
    """Install Debian's packages unless their program is there. Raises NoEngine."""
    if shutil.which(program):
        return
    if os.getuid() or not shutil.which("apt-get"):
        raise NoEngine(f"{program} is not installed; automatic installation needs root on Debian")
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for tried in (["apt-get", "update", "-qq"], command):
        done = subprocess.run(
            tried, env=quiet, capture_output=True, text=True, check=False, timeout=INSTALL_LIMIT
        )
    if done.returncode:
        raise NoEngine(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")


@contextmanager
def _started(folder: Path) -> Iterator[Docker]:
    if os.getuid():
        raise NoEngine("no Docker engine answers, and only root can start one")
    folder.mkdir(parents=True, exist_ok=True)
    socket, log = folder / "docker.sock", folder / "log"
    with log.open("w") as written:
        daemon = subprocess.Popen(
            [
                *(DAEMON, "--host", f"unix://{socket}", "--pidfile", str(folder / "pid")),
                # No rule stays behind: a port on loopback and a build on the host need none.
                "--iptables=false",
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


def _wait_for(docker: Docker, daemon: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT
    while not docker.works():
        if daemon.poll() is not None or time.monotonic() > deadline:
            raise NoEngine(f"{DAEMON} did not start: {log.read_text()[-500:]}")
        time.sleep(PAUSE)


def _end(daemon: "subprocess.Popen[bytes]") -> None:
    """End our engine and take away the bridge that it leaves behind."""
    daemon.terminate()
    with suppress(subprocess.TimeoutExpired):
        daemon.wait(START_LIMIT)
    daemon.kill()
    daemon.wait()
    if ip := shutil.which("ip"):
        subprocess.run([ip, "link", "delete", "docker0"], capture_output=True, check=False)
