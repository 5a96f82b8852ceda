"""Which processes are a session's, and how much memory they use."""

import os
import subprocess
from collections.abc import Iterator

import psutil
import pytest

from pwsh_kernels.limits import MB
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.memory_use import Families, Member, MemoryUse, still_there

KEY = SessionKey("contoso.example", "exo")
KERNEL, SHELL, CHILD, ORPHAN, STRANGER = 10, 11, 12, 13, 14


def process(pid: int, parent: int, leader: int) -> Member:
    """Return a process of a made-up machine."""
    return Member(pid, started=pid * 100, parent=parent, session=leader, resident=MB)


MACHINE = [
    process(KERNEL, 1, KERNEL),
    process(SHELL, KERNEL, SHELL),
    process(CHILD, SHELL, CHILD),
    process(ORPHAN, 1, SHELL),
    process(STRANGER, 1, STRANGER),
]


@pytest.mark.parametrize(
    ("known", "found"),
    [
        ([], {SHELL, CHILD, ORPHAN}),
        ([(STRANGER, STRANGER * 100)], {SHELL, CHILD, ORPHAN, STRANGER}),
        ([(STRANGER, 1)], {SHELL, CHILD, ORPHAN}),
    ],
    ids=["what it leads", "what was seen", "an id that somebody else has now"],
)
def test_a_session_is_what_its_kernel_started_and_leads_and_what_was_seen_there(
    known: list[tuple[int, int]], found: set[int]
) -> None:
    assert {one.pid for one in Families(MACHINE).of(KERNEL, known)} == found


@pytest.fixture
def child() -> Iterator[psutil.Process]:
    """A child of ours: this process plays the kernel."""
    with subprocess.Popen(["/bin/sh", "-c", "read line"], stdin=subprocess.PIPE) as process:
        yield psutil.Process(process.pid)
        process.kill()


@pytest.mark.parametrize("limit", [0, 1], ids=["resident", "exact, as it is above the limit"])
def test_the_memory_of_what_a_process_started_is_known(child: psutil.Process, limit: int) -> None:
    memory = MemoryUse()
    assert memory.members(KEY) == frozenset()
    used = memory.look({KEY: os.getpid()}, limit)[KEY]
    assert used > 0
    if limit:
        assert used < MemoryUse().look({KEY: os.getpid()}, 0)[KEY]
    assert child.pid in still_there(memory.members(KEY))
