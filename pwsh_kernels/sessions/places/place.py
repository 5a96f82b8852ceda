"""What a place of sessions is: the only interface through which the rest of the code deals with
where a session lives.

To Jupyter it is a kernel provisioner, which starts, watches and ends a kernel, so Jupyter's own
tools see ordinary kernels. The place answers what no kernel manager can: about the kernels of an
earlier server, and about what a session has besides its kernel.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase

from pwsh_kernels.limits import MB, Limits
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.confinement import Confined, Needs
from pwsh_kernels.sessions.places.session_users import SessionUser
from pwsh_kernels.settings import Settings

PlaceName = Literal["local", "kubernetes"]
"""What a tenants file and PWSH_MANAGER_PLACE may say."""


class Provisioner(KernelProvisionerBase):
    """A kernel provisioner of sessions that also reports how its kernel ended."""

    def looks_dead(self) -> bool:
        """Return whether its kernel has probably ended; `poll` knows. It is asked every second, so
        it costs next to nothing.
        """
        raise NotImplementedError

    def death(self) -> str:
        """Return what ended the kernel, such as "SIGKILL"; "" if that cannot be known."""
        raise NotImplementedError


class Remains(Protocol):
    """A kernel and everything that it had started at one moment."""

    async def kill(self) -> None:
        """Kill whatever is still running, without waiting for it."""
        ...


class Nothing:
    """The remains of a session without a process."""

    async def kill(self) -> None:
        """There is nothing to kill."""


@dataclass(frozen=True, slots=True)
class SessionLaunch:
    """How the kernel of a session is started."""

    key: SessionKey
    place: "Place"
    environment: Mapping[str, str]
    cwd: Path
    log_file: Path
    needs: Needs


class Place(Protocol):
    """Where sessions live."""

    @property
    def name(self) -> PlaceName:
        """Its name in settings and answers."""
        ...

    @property
    def provisioner(self) -> str:
        """The entry point of its `Provisioner`, for the kernelspec of a session."""
        ...

    # -- what a session has

    def environment(self, given: Mapping[str, str], pass_env: Iterable[str]) -> dict[str, str]:
        """Return which variables of our own environment (`given`) a session's kernel gets there."""
        ...

    def choose_user(self, key: SessionKey, *, simulated: bool) -> None:
        """Choose whom a session runs as, before anything of it is made; those of simulated tenants
        share one. Raises NoSessionUserLeft, FolderNotWritable.
        """
        ...

    def user(self, key: SessionKey) -> SessionUser | None:
        """Return the user that a session has of its own, on this machine; None: it has none."""
        ...

    def prepare_home(self, key: SessionKey) -> Path:
        """Make a session's HOME and return its path as the session sees it.

        Raises UnsafeFolder, FolderNotWritable.
        """
        ...

    def prepare_files(self, key: SessionKey) -> Path:
        """Make the folder in which a session's commands begin and return its path as the session
        sees it. It is not in HOME, which is removed with a sign-in. Raises FolderNotWritable.
        """
        ...

    async def tidy(self, key: SessionKey) -> None:
        """Remove the temporary files that an earlier session has left, before a session begins."""
        ...

    async def hand_over(self, key: SessionKey) -> None:
        """Make its folders a session's own; before its kernel starts, when nothing of it lives.

        Raises FolderNotWritable.
        """
        ...

    async def lend(self, key: SessionKey, file: Path) -> Path:
        """Return where a session can read a file of the server's, as it is now. Raises OSError,
        FolderNotWritable.
        """
        ...

    def log_file(self, key: SessionKey) -> Path:
        """Return where the log of a session's kernel is, as the kernel sees it."""
        ...

    @property
    def shares_data(self) -> bool:
        """Whether a session sees its own parts of the server's data folder, at the same paths:
        history, installed modules, the sandbox.
        """
        ...

    async def forget_home(self, key: SessionKey) -> bool:
        """Remove a session's HOME with everything that its module kept there; return whether there
        was one.
        """
        ...

    def confine(self, key: SessionKey, needs: Needs) -> Confined | None:
        """Return how a session's PowerShell is confined; None if it is not."""
        ...

    def limits(self, key: SessionKey) -> Limits:
        """Return what a session's PowerShell may have, as far as its kernel sets that."""
        ...

    def check(self, needs: Needs) -> None:
        """Raise ConfinementUnavailable, PlaceUnavailable or OutOfReach if no session with these
        needs may begin here.
        """
        ...

    # -- its kernel

    async def alive(self, key: SessionKey) -> str | None:
        """Return which kernel of a session is alive there, or None.

        Two answers are equal if they refer to the same start of a kernel.
        """
        ...

    async def find(self, key: SessionKey) -> str | None:
        """Return the kernel of a session that can be taken over, as `alive` does, or None.

        Raises ConnectionError for one that can no longer be reached, after ending it.
        """
        ...

    async def living(self) -> list[SessionKey]:
        """Return the sessions whose kernel is alive there, with or without notes."""
        ...

    async def remains(self, key: SessionKey) -> Remains:
        """Return a session's running processes. Call this before its kernel is asked to end: what a
        dead kernel has started can no longer be found.
        """
        ...

    async def close(self) -> None:
        """Let go of everything; sessions live on."""
        ...

    # -- how much it may use

    async def memory(self, keys: Collection[SessionKey]) -> Mapping[SessionKey, int]:
        """Return how many bytes each session's PowerShell uses with everything that it started;
        nothing for one of which that is unknown.

        A value above the session's limit counts no shared memory twice.
        """
        ...

    def excess(self, key: SessionKey) -> str:
        """Return which limit has ended a session, as a reason; "": none, as far as is known."""
        ...

    def yielding(self, key: SessionKey) -> AbstractAsyncContextManager[None]:
        """Lower the priority of a session that computes while it waits for a person."""
        ...

    async def stop_yielding(self, key: SessionKey) -> None:
        """Undo `yielding` of an earlier server."""
        ...


def file_limits(settings: Settings) -> Limits:
    """Return the limits of files, which are the same in every place."""
    return Limits(
        open_files=settings.session_open_files, file_size=settings.session_file_size_mb * MB
    )
