"""The principals file, read again when it has changed.

If it has a mistake then, or is gone, nobody but the owner has a right until it is corrected: the
change may be the one that takes a right away.
"""

import logging
import os
import stat
from pathlib import Path

from pwsh_kernels.catalog.watched_file import WatchedFile
from pwsh_kernels.errors import BrokenFile
from pwsh_kernels.principals.parsing import read_principals
from pwsh_kernels.principals.roll import Roll

_log = logging.getLogger(__name__)
OTHERS = stat.S_IRWXG | stat.S_IRWXO
NOBODY = Roll()


def load_principals(path: Path) -> Roll:
    """Read a principals file. Raises BrokenFile with the first problem's line."""
    try:
        with path.open(encoding="utf-8") as opened:
            _refuse_others(path, os.fstat(opened.fileno()))
            content = read_principals(opened.read())
    except UnicodeDecodeError:
        raise BrokenFile(str(path), "it is not UTF-8 text") from None
    except OSError as problem:
        raise BrokenFile(str(path), problem.strerror or str(problem)) from None
    if content.problems:
        first = content.problems[0]
        raise BrokenFile(str(path), first.text, first.line)
    return Roll(content.principals, content.claims)


def _refuse_others(path: Path, facts: os.stat_result) -> None:
    """Refuse a file that somebody else could have written, or can read."""
    if facts.st_uid not in {os.geteuid(), 0}:
        raise BrokenFile(str(path), f"it belongs to user {facts.st_uid}, not to the server's")
    if facts.st_mode & OTHERS:
        raise BrokenFile(str(path), f"other users can use it: run `chmod 600 {path}`")


class PrincipalsFile(WatchedFile[Roll]):
    """The principals of a file that may change at any time.

    Its first reading raises BrokenFile.
    """

    def __init__(self, path: Path | None = None, *, must_exist: bool = False) -> None:
        super().__init__(path, must_exist=must_exist)

    def _read(self, path: Path | None) -> Roll:
        return load_principals(path) if path else NOBODY

    def _read_again(self, path: Path | None, last: Roll) -> Roll:  # noqa: ARG002 - a right may have gone
        self.problem = None
        try:
            return self._read(path)
        except BrokenFile as problem:
            self.problem = problem
            _log.error(
                "%s Until then only the owner's token is valid.",
                problem.text().replace(" and start again", ""),
            )
            return NOBODY
