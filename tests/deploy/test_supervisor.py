"""The container's supervisor, run as a container runs it, around a server that the test writes."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fixtures.repository import ROOT

SUPERVISOR = ROOT / "deploy" / "container" / "supervisor.py"
LIMIT = 30.0
"""Seconds for anything that a supervisor is asked to do."""
STEADY = 'echo "pid $$"; exec sleep 600\n'


class Container:
    """A supervisor in a child process; what it and its servers print arrives as lines."""

    def __init__(self, folder: Path, server: str, **env: str) -> None:
        command = folder / "bin" / "pwsh-kernels"
        command.parent.mkdir(exist_ok=True)
        command.write_text(f"#!/bin/sh\n{server}", encoding="utf-8")
        command.chmod(0o755)
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(SUPERVISOR), "--port=0"],
            env={
                **kept,
                "PATH": f"{command.parent}:/usr/bin:/bin",
                "PWSH_MANAGER_DATA_DIR": str(folder),
                **env,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.timer = threading.Timer(LIMIT, self.process.kill)
        self.timer.start()

    def line(self, start: str) -> str:
        """Return the rest of the next line that begins so; the supervisor's end is a failure."""
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith(start):
                return line[len(start) :].strip()
        raise AssertionError(f"the supervisor ended without {start!r}")

    def end(self) -> int:
        """Wait for the supervisor's end and return its exit code."""
        return self.process.wait(LIMIT)


@contextmanager
def container(folder: Path, server: str, **env: str) -> Iterator[Container]:
    """Start a supervisor, and end it with the block."""
    one = Container(folder, server, **env)
    try:
        yield one
    finally:
        one.process.terminate()
        one.end()
        one.timer.cancel()
        assert one.process.stdout
        one.process.stdout.close()


def test_a_server_that_is_killed_is_started_again(tmp_path: Path) -> None:
    with container(tmp_path, STEADY) as one:
        first = int(one.line("pid "))
        os.kill(first, signal.SIGKILL)
        assert one.line("[supervisor] ") == (
            "the server was ended by SIGKILL; the next one starts in 1 s"
        )
        assert int(one.line("pid ")) != first


def test_a_server_that_refuses_to_start_ends_the_container_with_its_code(tmp_path: Path) -> None:
    with container(tmp_path, "exit 2\n") as one:
        assert one.end() == 2


def test_a_container_that_is_told_to_stop_ends_its_server_first(tmp_path: Path) -> None:
    kind = 'trap "echo kindly; exit 0" TERM; echo "pid $$"; while :; do sleep 0.1; done\n'
    with container(tmp_path, kind) as one:
        server = int(one.line("pid "))
        one.process.terminate()
        one.line("kindly")
        assert one.end() == 0
        with pytest.raises(ProcessLookupError):
            os.kill(server, 0)


def test_a_container_is_stopped_while_it_waits_to_start_the_next_server(tmp_path: Path) -> None:
    with container(tmp_path, STEADY) as one:
        os.kill(int(one.line("pid ")), signal.SIGKILL)
        one.line("[supervisor] ")
        one.process.terminate()
        assert one.end() == 0


@pytest.mark.slow
def test_a_server_that_does_not_stop_is_killed_before_docker_would_kill_all(tmp_path: Path) -> None:
    deaf = 'trap "" TERM; echo "pid $$"; exec sleep 600\n'
    with container(tmp_path, deaf) as one:
        server = int(one.line("pid "))
        one.process.terminate()
        assert one.line("[supervisor] ") == "the server did not stop within 15 s and is killed"
        assert one.end() == 0
        with pytest.raises(ProcessLookupError):
            os.kill(server, 0)


TELL = 'echo "token $PWSH_MANAGER_TOKEN_FILE"; exec sleep 600\n'


def test_without_a_token_one_is_made_that_only_the_server_s_user_reads_and_that_stays(
    tmp_path: Path,
) -> None:
    tokens = set()
    for _ in range(2):
        with container(tmp_path, TELL) as one:
            file = Path(one.line("token "))
            tokens.add(file.read_text(encoding="utf-8"))
            assert (file, file.stat().st_mode & 0o777) == (tmp_path / "token", 0o600)
    (token,) = tokens
    assert len(token.strip()) >= 32


@pytest.mark.parametrize(
    "name", ["PWSH_MANAGER_TOKEN", "PWSH_MANAGER_TOKEN_FILE", "JUPYTER_TOKEN_FILE"]
)
def test_a_token_that_somebody_chose_is_left_alone(tmp_path: Path, name: str) -> None:
    with container(tmp_path, TELL, **{name: "chosen"}) as one:
        expected = "chosen" if name == "PWSH_MANAGER_TOKEN_FILE" else ""
        assert one.line("token ") == expected
    assert not (tmp_path / "token").exists()


def test_a_volume_that_belongs_to_another_user_is_named_in_one_sentence(tmp_path: Path) -> None:
    with container(tmp_path, TELL, PWSH_MANAGER_DATA_DIR=str(tmp_path / "none")) as one:
        said = one.line("pwsh-kernels: ")
        assert said.startswith(f"{tmp_path / 'none'} cannot be written (No such file")
        assert one.end() == 1
