"""What a place of sessions is: all that the rest of the code knows of where a session lives.

Jupyter's part of it is a kernel provisioner, so that its own tools see ordinary kernels: that one
starts, watches and ends a kernel. The place is asked what no kernel manager can know: about kernels
of an earlier server, and about what a session has besides its kernel.
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase

from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.confinement import Confined, Needs

PlaceName = Literal["local", "kubernetes"]
"""What a tenants file and PWSH_MANAGER_PLACE may say."""


class Provisioner(KernelProvisionerBase):
    """A kernel provisioner of sessions, which also tells how its kernel ended."""

    def death(self) -> str:
        """Return what ended the kernel, such as "SIGKILL"; "" where nobody can know."""
        raise NotImplementedError


class Remains(Protocol):
    """A kernel and all that it has started, as they were when somebody looked."""

    async def kill(self) -> None:
        """Kill what still lives of it; waits for nothing that it does."""
        ...


class Nothing:
    """The remains of a session that nobody knows."""

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
        """What it is called in settings and answers."""
        ...

    @property
    def provisioner(self) -> str:
        """The entry point of its `Provisioner`, for the kernelspec of a session."""
        ...

    # -- what a session has

    def environment(self, given: Mapping[str, str], pass_env: Iterable[str]) -> dict[str, str]:
        """Return what of our own environment (`given`) a session's kernel gets there."""
        ...

    def prepare_home(self, key: SessionKey) -> Path:
        """Make a session's HOME and return its path as the session sees it.

        Raises UnsafeFolder, FolderNotWritable.
        """
        ...

    def prepare_files(self, key: SessionKey) -> Path:
        """Make the folder in which a session's commands begin and return its path as the session
        sees it; not in its HOME, which is removed with a sign-in. Raises FolderNotWritable.
        """
        ...

    def log_file(self, key: SessionKey) -> Path:
        """Return where the log of a session's kernel is, as the kernel sees it."""
        ...

    @property
    def shares_data(self) -> bool:
        """Whether a session sees what is its own of the server's data folder, at the same paths:
        history, installed modules, the sandbox.
        """
        ...

    async def forget_home(self, key: SessionKey) -> bool:
        """Remove a session's HOME with all that its module kept in it; return whether there was
        one.
        """
        ...

    def confine(self, key: SessionKey, needs: Needs) -> Confined | None:
        """Return what keeps a session's PowerShell to itself; None where nothing does."""
        ...

    def check(self, needs: Needs) -> None:
        """Raise ConfinementUnavailable, PlaceUnavailable, OutOfReach where no session with these
        needs may begin.
        """
        ...

    # -- its kernel

    async def alive(self, key: SessionKey) -> str | None:
        """Return which kernel of a session lives there, or None.

        Two answers are equal when both mean the same start of a kernel.
        """
        ...

    async def find(self, key: SessionKey) -> str | None:
        """Return the kernel of a session that can be taken over, as `alive` does, or None.

        Raises ConnectionError for one that nobody can reach any more; it is then ended.
        """
        ...

    async def living(self) -> list[SessionKey]:
        """Return the sessions whose kernel lives there, whatever notes there are of them."""
        ...

    async def remains(self, key: SessionKey) -> Remains:
        """Return what lives of a session now. Look before its kernel is asked to end: what a dead
        one has started cannot be found any more.
        """
        ...

    async def close(self) -> None:
        """Let go of everything; sessions live on."""
        ...

    # -- how much it may compute

    def yielding(self, key: SessionKey) -> AbstractAsyncContextManager[None]:
        """Let others go before a session that computes while it waits for a person."""
        ...

    async def stop_yielding(self, key: SessionKey) -> None:
        """Undo `yielding` of an earlier server."""
        ...
