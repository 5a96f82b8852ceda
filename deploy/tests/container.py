"""A container of our image, run as docker-compose.yml runs it, with a port of its own."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar
from uuid import uuid4

import httpx
import yaml

from deploy.docker_engine import Docker
from tests.fixtures.repository import ROOT

LIMIT = 120.0
"""Seconds for anything that a container is asked to do."""
BUILD_LIMIT = 400.0
"""Seconds for an image on top of ours: Debian's packages are fetched."""
PAUSE = 0.5
CONTOSO = "contoso.example"
ADMIN = f"admin@{CONTOSO}"
IMAGE = os.environ.get("PWSH_KERNELS_IMAGE", "pwsh-kernels:latest")
DEFAULT = re.compile(r"\$\{\w+:-([^}]*)\}")
Found = TypeVar("Found")


def with_defaults(text: str) -> str:
    """Return a text of a compose file as where none of its variables is set."""
    return DEFAULT.sub(r"\1", text)


def service() -> dict[str, Any]:
    """Return the service of docker-compose.yml with the defaults of its variables."""
    text = with_defaults((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    found: dict[str, Any] = yaml.safe_load(text)["services"]["pwsh-kernels"]
    return found


def run_flags(prefix: str) -> Iterator[str]:
    """Yield the options of `docker run` that say what docker-compose.yml says."""
    one = service()
    yield f"--publish={one['ports'][0].replace(':5100:', '::')}"
    yield from (f"--env={name}={value or ''}" for name, value in one["environment"].items())
    yield from (f"--volume={prefix}-{volume}" for volume in one["volumes"])
    yield from (f"--tmpfs={mount}" for mount in one["tmpfs"])
    yield from (f"--cap-drop={capability}" for capability in one["cap_drop"])
    yield from (f"--security-opt={option}" for option in one["security_opt"])
    yield f"--memory={one['mem_limit']}"
    yield f"--pids-limit={one['pids_limit']}"
    yield from ["--read-only"] if one["read_only"] else []


def docker() -> Docker:
    """Return the client that `python -m deploy.image test` found."""
    return Docker(os.environ.get("PWSH_KERNELS_DOCKER", "docker"))


@dataclass
class Container:
    """A running server in a container."""

    name: str = field(default_factory=lambda: f"pwsh-kernels-test-{uuid4().hex[:8]}")
    docker: Docker = field(default_factory=docker)
    image: str = IMAGE
    command: Sequence[str] = ()
    """What runs in the container instead of the image's own command."""
    path: str = ""
    """The path that the server is told to serve under."""
    url: str = ""
    token: str = field(default="", repr=False)

    def say(self, *arguments: str, stdin: str | None = None, limit: float = LIMIT) -> str:
        """Return what a docker command prints; a failure of it fails the test."""
        done = self.docker(*arguments, limit=limit, stdin=stdin)
        assert done.returncode == 0, done.stderr or done.stdout
        return done.stdout

    def inside(self, *command: str) -> str:
        """Return what a command prints in the container."""
        return self.say("exec", self.name, *command)

    @contextmanager
    def signed_in(self, *more: str) -> Iterator[Self]:
        """Start it and sign in to a session; remove it at the end."""
        try:
            self.start(*more)
            self.sign_in()
            yield self
        finally:
            self.remove()

    def facts(self) -> dict[str, Any]:
        """Return what `docker inspect` says."""
        found: dict[str, Any] = json.loads(self.say("inspect", self.name))[0]
        return found

    def start(self, *more: str) -> None:
        """Make and start the container, and wait until it is ready."""
        flags = (f"--name={self.name}", *run_flags(self.name), *more)
        self.say("run", "--detach", *flags, self.image, *self.command)
        self.wait_until_ready()
        self.token = self.inside("cat", "/data/state/token").strip()

    def wait_until_ready(self) -> None:
        """Wait until the server answers at the port of this machine that Docker chose."""
        self.url = f"http://{self.published(5100)}{self.path}"
        self.until(lambda: self._answers("/health/ready"))

    def published(self, port: int) -> str:
        """Return the address of this machine that leads to a port of the container."""
        return self.say("port", self.name, f"{port}/tcp").splitlines()[0]

    def _answers(self, path: str) -> bool:
        try:
            return httpx.get(self.url + path, timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def build(self, dockerfile: str, folder: str) -> str:
        """Build an image of deploy/tests/ on top of the container's; return its name."""
        tag = f"{self.image}-{dockerfile.partition('.')[0]}"
        self.say(
            *("build", "--network=host", "--quiet", f"--build-arg=IMAGE={self.image}"),
            *(f"--file={ROOT / 'deploy/tests' / dockerfile}", f"--tag={tag}", str(ROOT / folder)),
            limit=BUILD_LIMIT,
        )
        return tag

    def until(self, find: Callable[[], Found]) -> Found:
        """Return the first thing found; what does not come within LIMIT fails the test."""
        deadline = time.monotonic() + LIMIT
        while not (found := find()):
            assert time.monotonic() < deadline, self.logs()
            time.sleep(PAUSE)
        return found

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Return the JSON answer of a POST through the published port."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer: dict[str, Any] = httpx.post(
            self.url + path, json=body, headers=headers, timeout=LIMIT, trust_env=False
        ).json()
        return answer

    def sign_in(self, tenant: str = CONTOSO) -> None:
        """Sign in as a person does: with the code, in a browser of this machine."""
        pending = self.post("/login", tenant=tenant, module="exo")
        page = f"{self.url}/sandbox/devicelogin"
        with httpx.Client(timeout=LIMIT, trust_env=False) as browser:
            form = {
                "code": pending["device_code"],
                "account": f"admin@{tenant}",
                "action": "approve",
            }
            assert "You have signed in" in browser.post(page, data=form).text
        self.until(lambda: self.status(tenant)["state"] == "signed_in")

    def status(self, tenant: str = CONTOSO) -> dict[str, Any]:
        """Return the state of a tenant's session."""
        return self.post("/status", tenant=tenant, module="exo")

    def run(self, command: str) -> str:
        """Return the text that a command gives in contoso's session."""
        session = {"tenant": "contoso.example", "module": "exo"}
        answer = self.post("/run", **session, command=command, wait_s=60, format="text")
        assert answer.get("success"), answer
        return str(answer["result"]).strip()

    def logs(self) -> str:
        """Return what the container wrote to stdout and stderr."""
        done = self.docker("logs", self.name, limit=LIMIT)
        return done.stdout + done.stderr

    def remove(self) -> None:
        """Remove the container and its volumes."""
        self.docker("rm", "--force", "--volumes", self.name, limit=LIMIT)
        volumes = (f"{self.name}-{one.partition(':')[0]}" for one in service()["volumes"])
        self.docker("volume", "rm", "--force", *volumes, limit=LIMIT)
