"""A file that is read again when it has changed, its mode included."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from pwsh_kernels.errors import BrokenFile

Stamp = tuple[int, int, int, int] | None
"""None: there is no such file."""
Content = TypeVar("Content")


class WatchedFile(ABC, Generic[Content]):
    """What a file says, which may change at any time."""

    def __init__(self, path: Path | None, *, must_exist: bool) -> None:
        """Name the file, without reading it.

        `must_exist`: the file was named explicitly, so it is a mistake if it is missing.
        """
        self.path = path
        self.problem: BrokenFile | None = None
        self.on_change: Callable[[], None] = lambda: None
        """Called after each reading but the first."""
        self._must_exist = must_exist
        self._stamp: Stamp = None
        self._content: Content | None = None

    def current(self) -> Content:
        """Return what the file says now.

        Raises as reading it does, at the first call only.
        """
        stamp = stamp_of(self.path)
        path = self.path if stamp or self._must_exist else None
        if self._content is None:
            self._content, self._stamp = self._read(path), stamp
        elif stamp != self._stamp:
            self._content, self._stamp = self._read_again(path, self._content), stamp
            self.on_change()
        return self._content

    @abstractmethod
    def _read(self, path: Path | None) -> Content:
        """Read the file for the first time; None: there is none, and need not be."""

    @abstractmethod
    def _read_again(self, path: Path | None, last: Content) -> Content:
        """Read it after a change. Notes a `problem` instead of raising it."""


def stamp_of(path: Path | None) -> Stamp:
    """Return what changes whenever the file does."""
    try:
        facts = path.stat() if path else None
    except OSError:
        return None
    if facts is None:
        return None
    return facts.st_mtime_ns, facts.st_ctime_ns, facts.st_size, facts.st_ino
