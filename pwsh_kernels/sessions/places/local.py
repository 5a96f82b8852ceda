"""The place `local`: a session's kernel is a process of this machine, and its HOME a folder."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import psutil

from pwsh_kernels.errors import ConfinementUnavailable
from pwsh_kernels.landlock import not_enforced
from pwsh_kernels.limits import MB, Limits
from pwsh_kernels.sessions.damaged_files import put_aside
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.confinement import Confined, Needs, rules
from pwsh_kernels.sessions.places.environment import kernel_environment
from pwsh_kernels.sessions.places.homes import Homes, private_folder
from pwsh_kernels.sessions.places.local_process import (
    ForeignProcess,
    ProcessIdentity,
    is_connection_file,
    kernel_of_home,
    living_kernels,
    living_process,
    write_process_note,
)
from pwsh_kernels.sessions.places.memory_use import MemoryUse, still_there
from pwsh_kernels.sessions.places.place import PlaceName, file_limits
from pwsh_kernels.sessions.places.priority import (
    USUAL_NICE,
    WAITING_NICE,
    can_be_raised_again,
    set_nice,
)
from pwsh_kernels.sessions.places.process_tree import kill_tree
from pwsh_kernels.settings import Settings

LOG = logging.getLogger(__name__)
TEMPORARY = ".tmp"
"""Folder in the HOME of a confined session, instead of the machine's /tmp."""
FIRST_TO_GO = 500
"""oom_score_adj of sessions: where memory is short, Linux ends a session before the server (0)."""
UNREACHABLE = (
    "its connection file {file} was gone or damaged, so that nobody could reach its process, which"
    " was ended"
)


@dataclass(frozen=True, slots=True)
class Family:
    """A kernel's process with all that it has started."""

    processes: tuple[psutil.Process, ...] = ()

    @classmethod
    def of(cls, process: ForeignProcess | None) -> "Family":
        """Return a process with everything that it has started; nothing if it has ended."""
        try:
            return cls((process, *process.children(recursive=True))) if process else cls()
        except psutil.NoSuchProcess:
            return cls()

    async def kill(self) -> None:
        kill_tree(self.processes)


class LocalPlace:
    """Sessions as processes of our own user; see Place."""

    name: Final[PlaceName] = "local"
    provisioner: Final = "pwsh-kernels-local"
    """The entry point's name in pyproject.toml."""
    shares_data: Final = True

    def __init__(
        self,
        homes: Homes,
        connection_file: Callable[[SessionKey], Path],
        settings: Settings,
        abi: int,
    ) -> None:
        """`connection_file` returns where that of a session's kernel is; `abi` is Landlock's."""
        self._homes = homes
        self._connection_file = connection_file
        self._settings = settings
        self._abi = abi
        self._memory = MemoryUse()
        self._looked_at: dict[SessionKey, ForeignProcess] = {}
        """Which kernel each session had at the last look, so that files are read once."""

    def environment(self, given: Mapping[str, str], pass_env: Iterable[str]) -> dict[str, str]:
        return kernel_environment(given, pass_env)

    def prepare_home(self, key: SessionKey) -> Path:
        return self._homes.prepare(key)

    def prepare_files(self, key: SessionKey) -> Path:
        files = self._settings.data_dir / "files"
        for folder in (files, files / key.tenant):
            private_folder(folder)
        return private_folder(files / key.tenant / key.module)

    def log_file(self, key: SessionKey) -> Path:
        logs = private_folder(self._settings.data_dir / "logs")
        return logs / f"{key.kernelspec}.log"

    async def forget_home(self, key: SessionKey) -> bool:
        return await asyncio.to_thread(self._homes.forget, key)

    def confine(self, key: SessionKey, needs: Needs) -> Confined | None:
        """Make its folder for temporary files, in its HOME."""
        wanted = self._settings.confine
        if wanted == "off" or not self._abi:
            return None
        home = self._homes.home(key)
        temporary = private_folder(home / TEMPORARY)
        own = replace(
            needs,
            write=(*needs.write, home, *self._settings.confine_folders),
            private=(*needs.private, self._connection_file(key).parent),
        )
        ports = self._settings.confine_ports
        return Confined(rules(own, os.environ, ports, required=wanted == "required"), temporary)

    def limits(self) -> Limits:
        return replace(file_limits(self._settings), oom_score=FIRST_TO_GO)

    async def memory(self, keys: Collection[SessionKey]) -> dict[SessionKey, int]:
        return await asyncio.to_thread(self._look, keys)

    def check(self, needs: Needs) -> None:  # noqa: ARG002 - everything is on this machine
        missing = not_enforced(self._abi)
        if missing and self._settings.confine == "required":
            raise ConfinementUnavailable(missing=missing)

    async def alive(self, key: SessionKey) -> str | None:
        return _identity(living_process(self._connection_file(key)))

    async def find(self, key: SessionKey) -> str | None:
        """A missing note is written again; a kernel without a connection file is ended."""
        file = self._connection_file(key)
        process = await asyncio.to_thread(self._process, key)
        if file.exists() and not is_connection_file(file):
            put_aside(file, "it does not say how to reach a kernel")
        if process is None:
            return None
        if living_process(file) is None and file.exists():
            LOG.warning("The kernel of %s was found without its note: process %d", key, process.pid)
            write_process_note(file, process.pid)
        elif living_process(file) is None:
            await Family.of(process).kill()
            raise ConnectionError(UNREACHABLE.format(file=file))
        return _identity(process)

    async def living(self) -> list[SessionKey]:
        kernels = await asyncio.to_thread(list, living_kernels())
        keys = (self._homes.key_of(one.home) for one in kernels)
        return [key for key in keys if key]

    async def remains(self, key: SessionKey) -> Family:
        """Include what no longer belongs to its kernel but was once seen there."""
        detached = self._memory.members(key)
        family = await asyncio.to_thread(lambda: Family.of(self._process(key)))
        return Family((*family.processes, *_processes(detached)))

    async def close(self) -> None:
        """There is nothing to let go of."""

    @asynccontextmanager
    async def yielding(self, key: SessionKey) -> AsyncIterator[None]:
        """Lower the priority of a kernel's children and raise it again; do nothing if that could
        not be undone.
        """
        process = living_process(self._connection_file(key)) if can_be_raised_again() else None
        if process is None:
            yield
            return
        set_nice(process.pid, WAITING_NICE)
        try:
            yield
        finally:
            set_nice(process.pid, USUAL_NICE)

    async def stop_yielding(self, key: SessionKey) -> None:
        process = living_process(self._connection_file(key)) if can_be_raised_again() else None
        if process is not None:
            set_nice(process.pid, USUAL_NICE)

    def _look(self, keys: Collection[SessionKey]) -> dict[SessionKey, int]:
        found = ((key, self._kernel_at_look(key)) for key in keys)
        self._looked_at = {key: process for key, process in found if process}
        pids = {key: process.pid for key, process in self._looked_at.items()}
        return self._memory.look(pids, self._settings.session_memory_mb * MB)

    def _kernel_at_look(self, key: SessionKey) -> ForeignProcess | None:
        known = self._looked_at.get(key)
        alive = known is not None and known.poll() is None
        return known if alive else living_process(self._connection_file(key))

    def _process(self, key: SessionKey) -> ForeignProcess | None:
        """Return the process of a session's kernel, even if its files are gone."""
        if process := living_process(self._connection_file(key)):
            return process
        found = kernel_of_home(self._homes.home(key))
        return found.process if found else None


def _processes(identities: frozenset[tuple[int, int]]) -> list[psutil.Process]:
    found = []
    for pid in still_there(identities):
        with suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(pid))
    return found


def _identity(process: ForeignProcess | None) -> str | None:
    try:
        one = ProcessIdentity.of(process.pid) if process else None
    except OSError:  # it ended in this very moment
        return None
    return f"{one.pid} {one.started} {one.boot}" if one else None
