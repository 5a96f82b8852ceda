"""A cgroup for each session: where one may be made, and what Linux does with a session in it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pwsh_kernels.limits import MB, Limits, apply
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.session_cgroups import (
    SessionCgroups,
    find_cgroups,
    killed,
    lacking,
    mounted,
    own_path,
    parent,
)
from tests.fixtures.server import CONTOSO, FABRIKAM, Server

KEY = SessionKey(CONTOSO, "exo")
FOUND, WHY_NOT = find_cgroups()
DELEGATED = pytest.mark.skipif(
    FOUND is None,
    reason=f"NOT TESTED: what Linux does with a session in a cgroup of its own: {WHY_NOT}"
    " (CONTRIBUTING.md, Cgroups)",
)
WAIT_S = 60.0
SLOW_MACHINE_S = 900
"""An emulated machine, on which these tests can also run, takes ten times as long."""
SLEEPER = """import subprocess
def begin():
    quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    return subprocess.Popen(['sleep', '600'], **quiet)
"""
"""Defines what begins a program that leaves its parent."""
UNIT_PATH = Path("/sys/fs/cgroup/system.slice/pwsh-kernels.service")


# -- where


def test_the_mount_and_the_own_path_are_those_of_version_2() -> None:
    old = "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n"
    new = "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n"
    assert mounted(old + new) == Path("/sys/fs/cgroup/unified")
    assert mounted(old) is None
    assert own_path("4:memory:/a\n0::/b/c\n") == "/b/c"
    assert own_path("4:memory:/a\n") is None


@pytest.mark.parametrize(
    ("own", "is_root", "folder"),
    [
        (UNIT_PATH / "server", False, UNIT_PATH),
        (UNIT_PATH, False, None),
        (Path("/sys/fs/cgroup/user.slice/user-0.slice/session-1.scope"), False, None),
        (Path("/sys/fs/cgroup"), True, None),
        (Path("/sys/fs/cgroup"), False, Path("/sys/fs/cgroup")),
    ],
    ids=["unit with a subgroup", "unit without", "person's shell", "whole machine", "container"],
)
def test_only_what_was_delegated_is_used(own: Path, is_root: bool, folder: Path | None) -> None:
    found, problem = parent(own, is_root=is_root)
    assert found == folder
    assert bool(problem) == (folder is None)


@pytest.mark.parametrize(
    ("controllers", "says"),
    [("cpu memory pids", ""), ("cpu", "controllers memory, pids"), ("memory", "controllers pids")],
)
def test_a_folder_without_controllers_is_not_used(
    tmp_path: Path, controllers: str, says: str
) -> None:
    (tmp_path / "cgroup.controllers").write_text(controllers + "\n")
    for name in ("cgroup.procs", "cgroup.subtree_control"):
        (tmp_path / name).touch()
    said = lacking(tmp_path)
    assert says in said
    assert bool(says) == bool(said)


@pytest.mark.parametrize(
    ("events", "was_killed"),
    [
        ("low 0\nhigh 0\nmax 12\noom 0\noom_kill 0\noom_group_kill 0\n", False),
        ("max 12\noom 1\noom_kill 1\n", True),
        ("oom 1\noom_kill 0\noom_group_kill 1\n", True),
    ],
)
def test_a_kill_is_read_from_the_events(events: str, was_killed: bool) -> None:
    assert killed(events) is was_killed


# -- what Linux does


@pytest.fixture
def cgroups() -> Iterator[SessionCgroups]:
    """The cgroups of this machine; that of the session is gone afterwards."""
    assert FOUND
    yield FOUND
    asyncio.run(FOUND.end(KEY))


def started(cgroups: SessionCgroups, script: str, *, memory: int, processes: int) -> str:
    """Return what a script of Python says that runs in a session's cgroup; "" if it was killed."""
    folder = cgroups.make(KEY, memory, processes)
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", f"input()\n{script}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        apply(Limits(cgroup=str(folder)), process.pid)
        return process.communicate("go\n", timeout=WAIT_S)[0]


def until_gone(pid: int) -> None:
    """Wait until a process has ended, which was told to."""
    with suppress(psutil.NoSuchProcess):
        psutil.Process(pid).wait(WAIT_S)


@DELEGATED
def test_a_session_past_its_memory_is_ended_with_all_that_it_started(
    cgroups: SessionCgroups,
) -> None:
    script = (
        f"{SLEEPER}print(begin().pid, flush=True)\n"
        "kept = [bytearray(b'x' * 1_000_000) for _ in range(500)]\n"
        "print('survived')\n"
    )
    said = started(cgroups, script, memory=100 * MB, processes=0).split()
    assert "survived" not in said
    until_gone(int(said[0]))
    assert cgroups.has_run_out_of_memory(KEY)


@DELEGATED
def test_a_session_within_its_memory_lives(cgroups: SessionCgroups) -> None:
    assert started(cgroups, "print(len(bytearray(50_000_000)))", memory=200 * MB, processes=0)
    assert not cgroups.has_run_out_of_memory(KEY)


@DELEGATED
def test_a_session_starts_no_more_processes_than_its_limit(cgroups: SessionCgroups) -> None:
    script = (
        f"{SLEEPER}running = []\n"
        "try:\n"
        "    for _ in range(50): running.append(begin())\n"
        "except OSError as error: print(len(running), error.strerror)\n"
    )
    said = started(cgroups, script, memory=0, processes=10)
    assert said.strip() == "9 Resource temporarily unavailable"


@DELEGATED
def test_the_end_of_a_session_leaves_no_process_and_no_cgroup(cgroups: SessionCgroups) -> None:
    pid = int(started(cgroups, f"{SLEEPER}print(begin().pid)", memory=0, processes=0))
    os.kill(pid, 0)
    asyncio.run(cgroups.end(KEY))
    assert not cgroups.folder(KEY).exists()
    until_gone(pid)


@pytest.mark.slow
@pytest.mark.timeout(SLOW_MACHINE_S)
@DELEGATED
def test_a_session_past_its_memory_is_lost_and_says_why_and_its_neighbour_lives(
    powershell_path: Path, tmp_path: Path
) -> None:
    settings = {
        "PWSH_MANAGER_RUN_SIGNED_OUT": "true",
        "PWSH_MANAGER_SESSION_MEMORY_MB": "400",
        "PWSH_MANAGER_START_TIMEOUT": "300",
    }
    server = Server(tmp_path, settings, start_wait=SLOW_MACHINE_S / 3).start()
    try:
        for tenant in (CONTOSO, FABRIKAM):
            assert server.run("1", tenant, wait_s=280)["success"]
        server.run("$x = 'x' * 300MB; $y = 'y' * 300MB; 1", wait_s=280)
        lost = server.until(
            lambda: (one := server.post("/status", tenant=CONTOSO))["state"] == "lost" and one,
            SLOW_MACHINE_S / 3,
        )
        assert lost["reason"] == (
            "the session used more memory than its limit of 0.4 GB"
            " (PWSH_MANAGER_SESSION_MEMORY_MB), so Linux ended it"
        )
        assert server.run("1 + 1", FABRIKAM, wait_s=280)["result"].strip() == "2"
        assert server.run("1", wait_s=280)["success"], "it begins again"
        server.end_sessions()
        assert FOUND
        assert not FOUND.folder(KEY).exists()
    finally:
        server.close()
