"""The files of an audit log: JSON lines, only ever appended to, named by their first record."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

PREFIX, SUFFIX = "audit-", ".jsonl"
TAIL_BYTES = 1 << 18
"""How much of a file's end is read; a record is far shorter."""


class Tail(NamedTuple):
    """The end of a file: its last whole line, and the bytes of one that was not finished."""

    line: bytes
    unfinished: bytes


def log_files(folder: Path) -> list[Path]:
    """Return the files of a log, oldest first. Raises OSError for what is no folder."""
    try:
        found = sorted(folder.glob(f"{PREFIX}*{SUFFIX}"))
    except FileNotFoundError:
        return []
    return [one for one in found if one.is_file() and not one.is_symlink()]


def file_name(first: int) -> str:
    """Return the name of the file that begins with this record."""
    return f"{PREFIX}{first:012}{SUFFIX}"


def first_of(path: Path) -> int:
    """Return the number of the first record by a file's name; 0 for a name of another kind."""
    number = path.name.removeprefix(PREFIX).removesuffix(SUFFIX)
    return int(number) if number.isdecimal() else 0


def named_lines(folder: Path, after: int = 0) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield each file's name and its lines, as verification takes them; from the file on that has
    the record behind a number.
    """
    files = log_files(folder)
    before = sum(first_of(path) <= after + 1 for path in files[1:])
    for path in files[before:]:
        with path.open("rb") as opened:
            yield path.name, iter(opened)


def read_tail(path: Path) -> Tail:
    """Return the end of a file."""
    with path.open("rb") as opened:
        opened.seek(max(0, os.fstat(opened.fileno()).st_size - TAIL_BYTES))
        *lines, unfinished = opened.read().split(b"\n")
    return Tail(lines[-1] + b"\n" if lines else b"", unfinished)


def lines_in(path: Path) -> int:
    """Return how many whole lines a file has."""
    with path.open("rb") as opened:
        return sum(line.endswith(b"\n") for line in opened)


@dataclass(slots=True)
class AuditFile:
    """The open file that is written now (0600). `size` is what we have written of it."""

    path: Path
    descriptor: int
    size: int

    @classmethod
    def opened(cls, path: Path, *, keep: int | None = None) -> Self:
        """Open a file, or make it. `keep`: cut it there first. Raises OSError."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FileExistsError(f"{path.name} is not a regular file")
            if keep is not None:
                os.ftruncate(descriptor, keep)
            return cls(path, descriptor, os.fstat(descriptor).st_size)
        except OSError:
            os.close(descriptor)
            raise

    @property
    def intact(self) -> bool:
        """True while nobody has removed, cut or continued the file."""
        facts = os.fstat(self.descriptor)
        return facts.st_nlink > 0 and facts.st_size == self.size

    def write(self, line: bytes) -> None:
        """Append a line, all of it or nothing. Raises OSError."""
        try:
            written = os.write(self.descriptor, line)
        except OSError:
            self._undo()
            raise
        if written != len(line):
            self._undo()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.size += written

    def _undo(self) -> None:
        """Take out what was written of a line that did not fit."""
        with suppress(OSError):  # `intact` then says no, and the next record begins a new file
            os.ftruncate(self.descriptor, self.size)

    def close(self) -> None:
        """Bring everything to the disk, and close."""
        with suppress(OSError):
            os.fsync(self.descriptor)
        os.close(self.descriptor)
