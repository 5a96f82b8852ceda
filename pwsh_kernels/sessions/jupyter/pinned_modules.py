"""The modules that a session pinned when it began: a folder of links to their versions, which is on
its PSModulePath.

`modules update` and `remove` leave linked versions alone, and a session finds no other version of
these modules.
"""

import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from pwsh_kernels.modules.links import link_versions
from pwsh_kernels.modules.lock import LockedModule
from pwsh_kernels.modules.store import ModuleStore
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.session_users import PASS, READ, share


class Pins:
    """The folder `pins` of a data folder: `TENANT.MODULE/NAME/VERSION`, each a link into the store
    of modules.
    """

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir.absolute() / "pins"  # PowerShell looks from a folder of its own
        self._store = ModuleStore(data_dir.absolute())

    def folder(self, key: SessionKey) -> Path:
        """Return the folder for PSModulePath of a session; it exists while the session has pinned
        something.
        """
        return self._folder / key.kernelspec

    def pin(
        self, key: SessionKey, without: Collection[str] = (), everyone: int | None = None
    ) -> dict[str, str]:
        """Link the selected versions for a session that begins, and return them by name.

        Raises BrokenFile.

        `without` names modules that it must not find, nor any module that needs one of them;
        `everyone` is the group of sessions, where they have users of their own.
        """
        self.release(key)
        wanted = usable(self._store.selected(), without)
        if not wanted:
            return {}
        link_versions(self.folder(key), self._store, wanted)
        if everyone is not None:
            self._share(key, wanted, everyone)
        return self.pinned(key)

    def _share(self, key: SessionKey, pinned: Collection[LockedModule], everyone: int) -> None:
        """Let sessions find these modules; what is in a version's folder, everybody may read."""
        share(self.folder(key), everyone, READ)
        for one in pinned:
            share(self.folder(key) / one.name, everyone, READ)
            share(self._store.folder(one.name, one.version).parent, everyone, PASS)

    def pinned(self, key: SessionKey) -> dict[str, str]:
        """Return the versions that a session has pinned and that still exist, by name."""
        links = sorted(self.folder(key).glob("*/*"), key=lambda link: link.parent.name.casefold())
        return {link.parent.name: link.name for link in links if link.is_dir()}

    def release(self, key: SessionKey) -> None:
        """Remove a session's pins; the modules themselves stay."""
        shutil.rmtree(self.folder(key), ignore_errors=True)

    def sessions(self) -> Iterator[SessionKey]:
        """Yield the sessions that have pinned something; leftovers of an interrupted pinning are
        removed.
        """
        for folder in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
            key = SessionKey.of_kernelspec(folder.name)
            if key.tenant:
                yield key
            else:
                shutil.rmtree(folder, ignore_errors=True)


def usable(selected: Mapping[str, LockedModule], without: Collection[str]) -> list[LockedModule]:
    """Return the modules except those named in `without` and those that need one of them. Pure."""
    barred = {name.casefold() for name in without}
    while needing := {
        one.name.casefold()
        for one in selected.values()
        if one.name.casefold() not in barred
        and not barred.isdisjoint(name.casefold() for name in one.dependencies)
    }:
        barred |= needing
    return [one for one in selected.values() if one.name.casefold() not in barred]
