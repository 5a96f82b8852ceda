"""The two commands of README's "In a container", in a clone, as a person types them."""

import os
import pty
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from deploy.docker_engine import Docker
from deploy.tests.container import ADMIN, LIMIT, docker
from pwsh_kernels.sessions.places.ports import free_ports
from tests.fixtures.repository import ROOT

BUILD_LIMIT = 900.0
"""Seconds: as long as the image takes where nothing of it is kept."""
SECTION = re.compile(r"^### In a container$.*?```sh\n(.*?)```", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"open (\S+) and enter the code (\S+)")


def two_commands() -> list[str]:
    """Return the commands of the README, without what it says about them."""
    found = SECTION.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert found
    return [line.partition("  #")[0].strip() for line in found[1].strip().splitlines()]


@dataclass
class Clone:
    """A clone of this repository in a folder of its own, with a name and a port of its own."""

    folder: Path
    port: int
    docker: Docker = field(default_factory=docker)
    name: str = field(default_factory=lambda: f"pwsh-kernels-{uuid4().hex[:8]}")

    @property
    def environment(self) -> dict[str, str]:
        """What differs from a person's machine: nothing is built or served over another one's."""
        return {
            **os.environ,
            "PATH": f"{self.folder.parent}:{os.environ['PATH']}",
            "COMPOSE_PROJECT_NAME": self.name,
            "COMPOSE_FILE": f"docker-compose.yml:{ROOT / 'deploy/tests/here.yml'}",
            "PWSH_MANAGER_PORT": str(self.port),
            "PWSH_KERNELS_IMAGE": f"{self.name}:latest",
        }

    def run(self, command: str, limit: float = LIMIT) -> str:
        """Return what a command prints when no one looks at it."""
        done = subprocess.run(
            command.split(),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=limit,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def in_terminal(self, command: str) -> "Terminal":
        """Start a command in a terminal."""
        mine, its = pty.openpty()
        process = subprocess.Popen(
            command.split(),
            cwd=self.folder,
            env=self.environment,
            stdin=its,
            stdout=its,
            stderr=its,
        )
        os.close(its)
        return Terminal(process, mine)


@dataclass
class Terminal:
    """A command in a terminal, and what that shows."""

    process: "subprocess.Popen[bytes]"
    terminal: int
    shown: str = ""

    def read(self) -> bool:
        """Read what the command has written; tell whether more can come."""
        try:
            part = os.read(self.terminal, 4096)
        except OSError:  # its end
            return False
        self.shown += part.decode(errors="replace")
        return bool(part)

    def until(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Return the first match in what the command shows."""
        while not (found := pattern.search(self.shown)):
            assert self.read(), self.shown
        return found

    def end(self) -> int:
        """Read to the command's end, and return its exit code."""
        while self.read():
            pass
        return self.process.wait(LIMIT)


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    """Clone the repository; whatever was started there ends with the test."""
    (port,) = free_ports("127.0.0.1", 1, ())
    one = Clone(tmp_path / "pwsh-kernels", port)
    command = ["git", "clone", "--quiet", "--depth=1", f"file://{ROOT}", str(one.folder)]
    subprocess.run(command, check=True, timeout=LIMIT)
    (tmp_path / "docker").symlink_to(shutil.which(one.docker.client) or one.docker.client)
    yield one
    one.run("docker compose down --volumes --rmi all")


@pytest.mark.timeout(BUILD_LIMIT + 2 * LIMIT)
def test_two_commands_lead_from_a_clone_to_a_signed_in_session(clone: Clone) -> None:
    start, login = two_commands()
    clone.run(start, BUILD_LIMIT)
    terminal = clone.in_terminal(login)
    address, code = terminal.until(CODE).groups()
    assert address == f"http://127.0.0.1:{clone.port}/sandbox/devicelogin"
    form = {"code": code, "account": ADMIN, "action": "approve"}
    page = httpx.post(address, data=form, timeout=LIMIT, trust_env=False)
    assert "You have signed in" in page.text
    assert terminal.end() == 0, terminal.shown
    assert ADMIN in terminal.shown
    run = login.replace("login", "run").replace(" exec ", " exec -T ")
    assert clone.run(f"{run} 6*7").strip() == "42"
