"""How much memory the sessions of this machine use: one pass over /proc for all of them.

A session's memory is that of everything that its kernel started, without the kernel. What was once
seen there still counts after its parent has ended.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pwsh_kernels.sessions.key import SessionKey

PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE")
PARENT, GROUP_SESSION, STARTED, PAGES = 1, 3, 19, 21
"""Places of fields 4, 6, 22 and 24 behind the process' name in its stat."""


@dataclass(frozen=True, slots=True)
class Member:
    """One process at one moment; id and start tell it from every other one."""

    pid: int
    started: int
    parent: int
    session: int
    """The process that leads its session, in the system's sense."""
    resident: int
    """Bytes, those that it shares with others included."""

    @property
    def identity(self) -> tuple[int, int]:
        """What no other process of this boot has."""
        return self.pid, self.started


class MemoryUse:
    """Remembers the processes of each session from look to look."""

    def __init__(self) -> None:
        self._members: dict[SessionKey, frozenset[tuple[int, int]]] = {}

    def look(self, kernels: Mapping[SessionKey, int], limit: int) -> dict[SessionKey, int]:
        """Return the bytes that the session of each kernel (its process id) uses.

        Counting shared memory once takes long, so it is done only for sessions above the limit; 0:
        there is none.
        """
        family = Families(_processes() if kernels else ())
        found = {key: family.of(pid, self.members(key)) for key, pid in kernels.items()}
        self._members = {
            key: frozenset(one.identity for one in members) for key, members in found.items()
        }
        return {key: _used(members, limit) for key, members in found.items()}

    def members(self, key: SessionKey) -> frozenset[tuple[int, int]]:
        """Return the ids and starts of the processes that were a session's at the last look."""
        return self._members.get(key, frozenset())


class Families:
    """The processes of a moment, by what ties them together. Pure."""

    def __init__(self, processes: Iterable[Member]) -> None:
        self._by_identity: dict[tuple[int, int], Member] = {}
        self._children: dict[int, list[Member]] = defaultdict(list)
        self._led: dict[int, list[Member]] = defaultdict(list)
        for one in processes:
            self._by_identity[one.identity] = one
            self._children[one.parent].append(one)
            self._led[one.session].append(one)

    def of(self, kernel: int, known: Iterable[tuple[int, int]] = ()) -> list[Member]:
        """Return what a kernel has started, at any remove, and what is `known` to be of it."""
        found: dict[int, Member] = {}
        there = [self._by_identity[one] for one in known if one in self._by_identity]
        todo = [*self._children.get(kernel, ()), *there]
        while todo:
            one = todo.pop()
            if one.pid not in found and one.pid != kernel:
                found[one.pid] = one
                todo += [*self._children.get(one.pid, ()), *self._led.get(one.pid, ())]
        return list(found.values())


def _used(members: list[Member], limit: int) -> int:
    resident = sum(one.resident for one in members)
    return sum(map(_exact, members)) if limit and resident > limit else resident


def _exact(member: Member) -> int:
    """Return the bytes of a process with its part of what it shares, swapped ones included."""
    try:
        lines = (PROC / str(member.pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return member.resident
    sizes = dict(line.split(":", 1) for line in lines[1:])
    return sum(int(sizes[name].split()[0]) * 1024 for name in ("Pss", "SwapPss") if name in sizes)


def _processes() -> Iterator[Member]:
    for entry in os.scandir(PROC):
        if entry.name.isdigit():
            with suppress(OSError, ValueError):  # it has ended
                yield _member(int(entry.name))


def _member(pid: int) -> Member:
    fields = (PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
    parent, session, started, pages = (
        int(fields[place]) for place in (PARENT, GROUP_SESSION, STARTED, PAGES)
    )
    return Member(pid, started, parent, session, pages * PAGE)


def still_there(identities: frozenset[tuple[int, int]]) -> list[int]:
    """Return the ids of those processes that are still the same."""
    found = []
    for pid, started in identities:
        with suppress(OSError, ValueError):
            if _member(pid).started == started:
                found.append(pid)
    return found
