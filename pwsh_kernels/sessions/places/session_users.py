"""The users of sessions: where the server may switch users, each session has a number of its own,
which it keeps.

The numbers need no entry in /etc/passwd; a user's group has the same number.
"""

import json
import logging
import os
import stat
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pwsh_kernels.errors import FolderNotWritable, NoSessionUserLeft
from pwsh_kernels.sessions.damaged_files import put_aside
from pwsh_kernels.sessions.key import SessionKey

PASS, READ = 0o710, 0o750
"""Mode of a folder that a group may pass through, and of one that it may also list."""
READ_FILE = 0o640
LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionUser:
    """Whom a session runs as."""

    number: int
    """User and group."""
    everyone: int
    """The group of all sessions, which may pass through the server's folders."""


class SessionUsers:
    """Who has which number of a range, noted in a file of the data folder (0600).

    The first number is the one user of all simulated tenants' sessions, which share the sandbox;
    the second the group of all sessions.
    """

    def __init__(self, numbers: tuple[int, ...], file: Path) -> None:
        """`numbers`: the first and the last."""
        self._first, self._last = numbers
        self._file = file
        self._chosen: dict[SessionKey, SessionUser] = {}

    @property
    def simulated(self) -> int:
        """The user of simulated tenants' sessions."""
        return self._first

    @property
    def everyone(self) -> int:
        """The group of all sessions."""
        return self._first + 1

    def choose(self, key: SessionKey, *, simulated: bool, home: Path) -> SessionUser:
        """Return whom a session runs as: the one that it had before, or a new one.

        Raises NoSessionUserLeft, FolderNotWritable.
        """
        number = self.simulated if simulated else self._number(key, home)
        self._chosen[key] = SessionUser(number, self.everyone)
        return self._chosen[key]

    def of(self, key: SessionKey) -> SessionUser:
        """Return whom `choose` has named."""
        return self._chosen[key]

    def _number(self, key: SessionKey, home: Path) -> int:
        noted = self._read()
        own = range(self.everyone + 1, self._last + 1)
        if noted.get(str(key)) in own:
            return noted[str(key)]
        owners = _owners(home.parent.parent)
        number = next_number(own, {*noted.values(), *owners.values()}, owners.get(home))
        if number is None:
            raise NoSessionUserLeft(first=self._first, last=self._last)
        self._write({**noted, str(key): number})
        return number

    def _read(self) -> dict[str, int]:
        try:
            facts = json.loads(self._file.read_bytes())
            return {str(name): int(number) for name, number in facts.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            put_aside(self._file, error)
            return {}

    def _write(self, noted: Mapping[str, int]) -> None:
        try:
            handle, part = tempfile.mkstemp(dir=self._file.parent, suffix=".part")
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(noted, stream, indent=1)
            Path(part).replace(self._file)
        except OSError as error:
            problem = error.strerror or str(error)
            raise FolderNotWritable(folder=str(self._file.parent), problem=problem) from error


def next_number(own: range, taken: Iterable[int], owner: int | None) -> int | None:
    """Return the number of a session that has none yet: the one that its HOME belongs to (the note
    was lost), else a free one; None where there is none left. Pure.
    """
    if owner in own:
        return owner
    used = set(taken)
    return next((one for one in own if one not in used), None)


def _owners(homes: Path) -> dict[Path, int]:
    """Return whose each HOME is."""
    return {one: one.lstat().st_uid for one in homes.glob("*/*")}


def give(folder: Path, user: int, group: int) -> None:
    """Give a folder to a user with everything that is in it, unless it is that user's.

    What was in it may have been put there by an attacker: no link is followed, and a file that also
    has a name elsewhere stays whose it is. The folder itself comes last, so that an interrupted
    change is made again. Raises OSError.
    """
    if folder.lstat().st_uid == user:
        return
    for place, folders, files, descriptor in os.fwalk(folder, topdown=False):
        for name in (*folders, *files):
            facts = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if stat.S_ISREG(facts.st_mode) and facts.st_nlink > 1:
                LOG.warning("%s/%s has other names too and was left as it is", place, name)
                continue
            os.chown(name, user, group, dir_fd=descriptor, follow_symlinks=False)
    os.chown(folder, user, group, follow_symlinks=False)


def share(path: Path, group: int, mode: int) -> None:
    """Let a group use a folder or file of ours. Raises OSError."""
    os.chown(path, -1, group)
    path.chmod(mode)
