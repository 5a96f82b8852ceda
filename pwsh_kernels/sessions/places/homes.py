"""The HOMEs of sessions on this machine: one private folder for each tenant, module and
tier."""

import os
import shutil
import stat
from pathlib import Path

from pwsh_kernels.errors import FolderNotWritable, UnsafeFolder
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.session_users import PASS, READ, share


class Homes:
    """A folder with one HOME (0700) per session, which holds what its module keeps of a sign-in."""

    def __init__(self, folder: Path, everyone: int | None = None) -> None:
        """`everyone`: the group of all sessions, where they have users of their own."""
        self._folder = folder
        self._everyone = everyone

    def home(self, key: SessionKey) -> Path:
        return self._folder / key.tenant / key.folder

    def key_of(self, home: Path) -> SessionKey | None:
        """Return the session whose HOME a folder is; None if it is not one of ours."""
        if home.parent.parent != self._folder:
            return None
        return SessionKey.of_folder(home.parent.name, home.name)

    def prepare(self, key: SessionKey) -> Path:
        """Make a session's HOME (0700).

        Raises UnsafeFolder when the folder of all HOMEs is open to everybody, FolderNotWritable.
        """
        check_private(self._folder)
        for folder in (self._folder, self._folder / key.tenant):
            private_folder(folder, self._everyone)
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


def private_folder(path: Path, group: int | None = None, mode: int = PASS) -> Path:
    """Make a folder that is its user's alone, or that a group may use too. Raises
    FolderNotWritable.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if group is not None:
            share(path, group, mode)
        elif not _is_shared(path):
            path.chmod(0o700)
    except OSError as error:
        raise FolderNotWritable(folder=str(path), problem=_problem(path, error)) from error
    return path


def _is_shared(path: Path) -> bool:
    """Return whether a folder was shared with sessions' users. It stays so when they are given up:
    one of them may still live.
    """
    facts = path.stat()
    return stat.S_IMODE(facts.st_mode) in (PASS, READ) and facts.st_gid != os.getegid()


def _problem(path: Path, error: OSError) -> str:
    """Return what is wrong with a folder; one of a session's own user can be taken back."""
    if isinstance(error, PermissionError) and path.is_dir():
        owner, own = path.stat().st_uid, os.geteuid()
        if owner not in (0, own):
            return f"it belongs to user {owner} (as root: `chown -R {own} {path}`)"
    return error.strerror or str(error)
