"""The HOMEs of sessions on this machine: one private folder for each tenant and module."""

import shutil
import stat
from pathlib import Path

from pwsh_kernels.errors import FolderNotWritable, UnsafeFolder
from pwsh_kernels.sessions.key import SessionKey


class Homes:
    """A folder with one HOME (0700) per session, which holds what its module keeps of a sign-in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def home(self, key: SessionKey) -> Path:
        return self._folder / key.tenant / key.module

    def key_of(self, home: Path) -> SessionKey | None:
        """Return the session whose HOME a folder is; None if it is not one of ours."""
        if home.parent.parent != self._folder:
            return None
        return SessionKey(home.parent.name, home.name)

    def prepare(self, key: SessionKey) -> Path:
        """Make a session's HOME (0700).

        Raises UnsafeFolder when the folder of all HOMEs is open to everybody, FolderNotWritable.
        """
        check_private(self._folder)
        for folder in (self._folder, self._folder / key.tenant):
            private_folder(folder)
        return private_folder(self.home(key))

    def forget(self, key: SessionKey) -> bool:
        """Remove a session's HOME; return whether there was one."""
        home = self.home(key)
        if not home.exists():
            return False
        shutil.rmtree(home)
        return True


def check_private(folder: Path) -> None:
    """Raise UnsafeFolder for a folder that every user of the machine can read or enter."""
    if folder.exists() and stat.S_IMODE(folder.stat().st_mode) & stat.S_IRWXO:
        raise UnsafeFolder(folder=str(folder))


def private_folder(path: Path) -> Path:
    """Make a folder that is its user's alone. Raises FolderNotWritable."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
    except OSError as error:
        raise FolderNotWritable(folder=str(path), problem=error.strerror or str(error)) from error
    return path
