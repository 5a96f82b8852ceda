"""The place `local`: a session's kernel is a process of this machine, and its HOME a folder."""

import asyncio
import functools
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import psutil

from pwsh_kernels import shapes
from pwsh_kernels.errors import ConfinementUnavailable, FolderNotWritable
from pwsh_kernels.landlock import not_enforced
from pwsh_kernels.limits import MB, Limits
from pwsh_kernels.sessions.damaged_files import put_aside
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.confinement import Confined, Needs, as_user, rules
from pwsh_kernels.sessions.places.environment import kernel_environment
from pwsh_kernels.sessions.places.grant_key import PUBLIC, grant_key, read_grant_key
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
from pwsh_kernels.sessions.places.session_cgroups import SessionCgroups, find_cgroups
from pwsh_kernels.sessions.places.session_users import (
    READ,
    READ_FILE,
    SessionUser,
    SessionUsers,
    give,
    share,
)
from pwsh_kernels.sessions.places.temporary import (
    TEMPORARY,
    empty_temporary,
    temporary_folder,
)
from pwsh_kernels.settings import Settings

LOG = logging.getLogger(__name__)
USERS = "session_users.json"
"""File of the data folder: which user each session has."""
TIDY_WAIT_S = 2.0
"""Seconds for which the start of a session waits until old temporary files are removed."""
FIRST_TO_GO = 500
"""oom_score_adj of sessions: where memory is short, Linux ends a session before the server (0)."""
OUT_OF_MEMORY = (
    "the session used more memory than its limit of {limit:.3g} GB"
    " (PWSH_MANAGER_SESSION_MEMORY_MB), so Linux ended it"
)
UNREACHABLE = (
    "its file {file} was gone or damaged, so that nobody could reach its process, which was ended"
)


@dataclass(frozen=True, slots=True)
class Family:
    """A kernel's process with all that it has started."""

    processes: tuple[psutil.Process, ...] = ()
    end_others: Callable[[], Awaitable[None]] | None = None
    """Ends what is in the session's cgroup, if it has one."""

    @classmethod
    def of(cls, process: ForeignProcess | None) -> "Family":
        """Return a process with everything that it has started; nothing if it has ended."""
        try:
            return cls((process, *process.children(recursive=True))) if process else cls()
        except psutil.NoSuchProcess:
            return cls()

    async def kill(self) -> None:
        kill_tree(self.processes)
        if self.end_others:
            await self.end_others()


def local_place(
    connection_file: Callable[[SessionKey], Path], settings: Settings, abi: int
) -> "LocalPlace":
    """Return the place of these settings."""
    everyone = settings.session_users[0] + 1 if settings.session_users else None
    return LocalPlace(Homes(settings.homes, everyone), connection_file, settings, abi)


class LocalPlace:
    """Sessions as processes of our own user, or of users of their own; see Place."""

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
        self._users_file = settings.data_dir.absolute() / USERS
        self._users = (
            SessionUsers(settings.session_users, self._users_file)
            if settings.session_users
            else None
        )
        self._looked_at: dict[SessionKey, ForeignProcess] = {}
        """Which kernel each session had at the last look, so that files are read once."""

    def environment(self, given: Mapping[str, str], pass_env: Iterable[str]) -> dict[str, str]:
        return kernel_environment(given, pass_env)

    def choose_user(self, key: SessionKey, *, simulated: bool) -> None:
        if self._users:
            self._let_through(self._settings.data_dir, self._users.everyone)
            self._users.choose(key, simulated=simulated, home=self._homes.home(key))

    def user(self, key: SessionKey) -> SessionUser | None:
        return self._users.of(key) if self._users else None

    def prepare_home(self, key: SessionKey) -> Path:
        return self._homes.prepare(key)

    def prepare_files(self, key: SessionKey) -> Path:
        own = self._files(key)
        for folder in (own.parent.parent, own.parent):
            private_folder(folder, self._everyone)
        return private_folder(own)

    async def hand_over(self, key: SessionKey) -> None:
        """Give its folders to its user, or back to ours if it no longer has one; make its cgroup.

        Raises FolderNotWritable.
        """
        await asyncio.to_thread(self._hand_over, key)
        if self._cgroups:
            settings = self._settings
            try:
                self._cgroups.make(key, settings.session_memory_mb * MB, settings.session_processes)
            except OSError as problem:
                LOG.warning("%s begins without a cgroup: %s", key, problem)

    async def lend(self, key: SessionKey, file: Path) -> Path:
        """A session with a user of its own gets a copy: several may need the same file."""
        return await asyncio.to_thread(self._lend, key, file) if self._users else file

    def log_file(self, key: SessionKey) -> Path:
        logs = private_folder(self._settings.data_dir / "logs")
        return logs / f"{key.kernelspec}.log"

    async def tidy(self, key: SessionKey) -> None:
        """Wait for it a while; what takes longer goes on beside the session."""
        home = self._homes.home(key)
        work = asyncio.ensure_future(asyncio.to_thread(empty_temporary, home))
        await asyncio.wait([work], timeout=TIDY_WAIT_S)

    async def forget_home(self, key: SessionKey) -> bool:
        return await asyncio.to_thread(self._homes.forget, key)

    def confine(self, key: SessionKey, needs: Needs) -> Confined | None:
        """Make its folder for temporary files, in its HOME; one with a user of its own makes it
        itself: our hand in a folder of somebody else could be led elsewhere by a link.
        """
        wanted, user = self._settings.confine, self.user(key)
        home = self._homes.home(key)
        confines = wanted != "off" and bool(self._abi)
        if user is None and not confines:
            return None
        temporary = home / TEMPORARY if user else temporary_folder(home)
        if not confines:
            return Confined(as_user("{}", user, temporary), temporary)
        own = replace(
            needs,
            read=(*needs.read, self._lending(key, user)) if user else needs.read,
            write=(*needs.write, home, *self._settings.confine_folders),
            private=(*needs.private, self._connection_file(key).parent),
        )
        ports = self._settings.confine_ports
        made = rules(own, os.environ, ports, temporary, required=wanted == "required")
        return Confined(as_user(made, user, temporary), temporary)

    def limits(self, key: SessionKey) -> Limits:
        user = self.user(key)
        own = bool(self._users and user and user.number != self._users.simulated)
        return replace(
            file_limits(self._settings),
            processes=self._settings.session_processes if own else 0,
            cgroup=str(self._cgroups.folder(key)) if self._cgroups else "",
            oom_score=FIRST_TO_GO,
        )

    def excess(self, key: SessionKey) -> str:
        if self._cgroups and self._cgroups.has_run_out_of_memory(key):
            return OUT_OF_MEMORY.format(limit=self._settings.session_memory_mb / 1000)
        return ""

    async def memory(self, keys: Collection[SessionKey]) -> dict[SessionKey, int]:
        return await asyncio.to_thread(self._look, keys)

    def check(self, needs: Needs) -> None:  # noqa: ARG002 - everything is on this machine
        missing = not_enforced(self._abi)
        if missing and self._settings.confine == "required":
            raise ConfinementUnavailable(missing=missing)

    async def alive(self, key: SessionKey) -> str | None:
        return _identity(living_process(self._connection_file(key)))

    async def find(self, key: SessionKey) -> str | None:
        """A missing note is written again; a kernel without a connection file, or without the key
        that its grants need, is ended.
        """
        file = self._connection_file(key)
        process = await asyncio.to_thread(self._process, key)
        if file.exists() and not is_connection_file(file):
            put_aside(file, "it does not say how to reach a kernel")
        if process is None:
            return None
        if not _can_be_granted(process, file):
            await Family.of(process).kill()
            raise ConnectionError(UNREACHABLE.format(file=grant_key(file)))
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
        others = functools.partial(self._cgroups.end, key) if self._cgroups else None
        return Family((*family.processes, *_processes(detached)), others)

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

    def limits_in_force(self) -> shapes.LimitsInForce:
        """Return by what sessions are kept within their limits here."""
        limited, counted = self._settings.session_memory_mb, self._settings.session_processes
        if self._cgroups:
            return {
                "memory": "cgroup" if limited else "none",
                "processes": "cgroup" if counted else "none",
            }
        return {
            "memory": "watch" if limited else "none",
            "processes": "user" if counted and self._users else "none",
        }

    def without_cgroups(self) -> str:
        """Return why sessions have no cgroups of their own; "": they have."""
        return self._found_cgroups[1]

    @functools.cached_property
    def _found_cgroups(self) -> tuple[SessionCgroups | None, str]:
        return find_cgroups()

    @property
    def _cgroups(self) -> SessionCgroups | None:
        return self._found_cgroups[0]

    @property
    def _everyone(self) -> int | None:
        return self._users.everyone if self._users else None

    def _let_through(self, data: Path, everyone: int) -> None:
        """Let sessions pass through the data folder; its own files stay closed, also those that an
        earlier version wrote.

        Raises FolderNotWritable.
        """
        private_folder(data, everyone)
        for file in data.iterdir():
            if file.is_file() and not file.is_symlink():
                file.chmod(0o600)

    def _files(self, key: SessionKey) -> Path:
        return self._settings.data_dir / "files" / key.tenant / key.folder

    def _lent(self, key: SessionKey) -> Path:
        """Return the folder with copies of what a session may read."""
        return self._settings.data_dir.absolute() / "lent" / key.kernelspec

    def _lending(self, key: SessionKey, user: SessionUser) -> Path:
        """Make that folder. Raises FolderNotWritable."""
        folder = self._lent(key)
        private_folder(folder.parent, user.everyone)
        return private_folder(folder, user.number, READ)

    def _lend(self, key: SessionKey, file: Path) -> Path:
        """Copy a file. Raises OSError, FolderNotWritable."""
        user, folder = self._users.of(key) if self._users else None, self._lent(key)
        if user is None:
            return file
        handle, part = tempfile.mkstemp(dir=self._lending(key, user), suffix=".part")
        with os.fdopen(handle, "wb") as copy:
            copy.write(file.read_bytes())
        share(Path(part), user.number, READ_FILE)
        return Path(part).replace(folder / file.name)

    def _hand_over(self, key: SessionKey) -> None:
        user = self.user(key)
        if user is None and not self._users_file.exists():
            return
        number, group = (user.number,) * 2 if user else (os.geteuid(), os.getegid())
        for folder in (self._homes.home(key), self._files(key)):
            try:
                give(folder, number, group)
            except OSError as error:
                problem = f"it cannot be given to user {number}: {error.strerror}"
                raise FolderNotWritable(folder=str(folder), problem=problem) from error

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


def _can_be_granted(process: ForeignProcess, connection_file: Path) -> bool:
    """Return whether we have the key of a kernel's grants, or it asks for none, as those of older
    versions.
    """
    try:
        public = process.environ().get(PUBLIC)
    except (OSError, psutil.Error):  # it ended in this very moment
        return True
    signer = read_grant_key(connection_file)
    return not public or (signer is not None and signer.public == public)


def _identity(process: ForeignProcess | None) -> str | None:
    try:
        one = ProcessIdentity.of(process.pid) if process else None
    except OSError:  # it ended in this very moment
        return None
    return f"{one.pid} {one.started} {one.boot}" if one else None
