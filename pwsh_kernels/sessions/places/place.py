"""What a place of sessions is: the only interface through which the rest of the code deals with
where a session lives.

To Jupyter it is a kernel provisioner, which starts, watches and ends a kernel, so Jupyter's own
tools see ordinary kernels. The place answers what no kernel manager can: about the kernels of an
earlier server, and about what a session has besides its kernel.
"""

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Literal, Protocol

from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase

from pwsh_kernels.limits import Limits
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.confinement import Confined, Needs

PlaceName = Literal["local"]
"""What a tenants file and PWSH_MANAGER_PLACE may say."""


class Provisioner(KernelProvisionerBase):
    """A kernel provisioner of sessions that also reports how its kernel ended."""

    def death(self) -> str:
        """Return what ended the kernel, such as "SIGKILL"; "" if that cannot be known."""
        raise NotImplementedError


class Remains(Protocol):
    """A kernel and everything that it had started at one moment."""

    def kill(self) -> None:
        """Kill whatever is still running, without waiting for it."""
        ...


class Nothing:
    """The remains of a session without a process."""

    def kill(self) -> None:
        """There is nothing to kill."""


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

    def prepare_home(self, key: SessionKey) -> Path:
        """Make a session's HOME and return its path as the session sees it.

        Raises UnsafeFolder, FolderNotWritable.
        """
        ...

    def forget_home(self, key: SessionKey) -> bool:
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

    def check(self) -> None:
        """Raise ConfinementUnavailable if no session may begin here."""
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

    # -- how much it may use

    async def memory(self, keys: Collection[SessionKey]) -> Mapping[SessionKey, int]:
        """Return how many bytes each session's PowerShell uses with everything that it started;
        nothing for one of which that is unknown.

        A value above the session's limit counts no shared memory twice.
        """
        ...

    def yielding(self, key: SessionKey) -> AbstractAsyncContextManager[None]:
        """Lower the priority of a session that computes while it waits for a person."""
        ...

    async def stop_yielding(self, key: SessionKey) -> None:
        """Undo `yielding` of an earlier server."""
        ...
