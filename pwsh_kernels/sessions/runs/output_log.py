"""The output of one run: read by a character cursor, bounded in memory, the rest in a file."""

import hashlib
import json
import logging
import os
import sys
import threading
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import FileIO
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from pwsh_kernels import shapes
from pwsh_kernels.records import Record

LOG = logging.getLogger(__name__)
Stream = Literal["stdout", "stderr"]

ENTRY_CHARS = 64_000
"""Longest text of one entry; a longer one is split, so that reading is bounded."""
MARK_BYTES = 16_000
"""Distance of two index marks into the file."""
MOST_CHARS = 200_000_000
"""Longest output of one run that is kept; anything beyond is counted and dropped, so that a loop
cannot fill the disk.
"""
READ_BYTES = 64_000
"""How much of the file is read at once."""
ENTRY_WEIGHT = 100
"""Characters that an entry counts for besides its text."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece of output; `start` counts characters of the whole output, both streams in order."""

    start: int
    stream: Stream
    kind: str
    text: str
    record: Record | None = None

    @property
    def end(self) -> int:
        """The cursor behind this entry."""
        return self.start + len(self.text)

    def part(self, first: int, last: int) -> "Entry":
        """Return the part between two cursors; only a part with the entry's beginning carries its
        record.
        """
        text = self.text[max(0, first - self.start) : last - self.start]
        return replace(
            self,
            start=max(first, self.start),
            text=text,
            record=self.record if first <= self.start else None,
        )

    def to_json(self) -> shapes.Entry:
        """Return the entry as JSON values (docs/rest.md)."""
        return {
            "start": self.start,
            "stream": self.stream,
            "kind": self.kind,
            "text": self.text,
            "record": self.record.to_json() if self.record else None,
        }

    @classmethod
    def from_json(cls, facts: shapes.Entry) -> "Entry":
        """Return the entry that `to_json` described."""
        record = Record.from_json(facts["record"]) if facts["record"] else None
        return cls(facts["start"], facts["stream"], facts["kind"], facts["text"], record)


@dataclass(frozen=True, slots=True)
class Page:
    """The result of one read."""

    entries: list[Entry]
    next_cursor: int
    more: bool


@dataclass(eq=False)
class DiskRoom:
    """The bytes that are left for the files of all outputs."""

    left: int

    def take(self, size: int) -> bool:
        """Reserve that many bytes; return whether there was room."""
        if size > self.left:
            return False
        self.left -= size
        return True


class SharedFile:
    """The open file of an output, shared by the log and its readers in other threads; the last of
    them closes it. There might be no descriptor left for each reader.
    """

    def __init__(self, file: FileIO) -> None:
        self.file = file
        self._users = 1
        self._lock = threading.Lock()

    def share(self) -> Self:
        """Register one more user, who must leave later."""
        with self._lock:
            self._users += 1
        return self

    def leave(self) -> None:
        """Stop using it; the last user closes the file."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self.file.close()


class OutputLog:
    """An output: appended to by one run, read at any position at any time."""

    def __init__(self, path: Path, memory: int, room_on_disk: DiskRoom | None = None) -> None:
        """`memory`: characters that stay in memory; `path`: the file for anything beyond, made only
        when needed, as long as `room_on_disk` allows it (None: always).
        """
        self._room_on_disk = room_on_disk or DiskRoom(sys.maxsize)
        self._path = path
        self._room = memory
        self._entries: list[Entry] = []
        self._starts: list[int] = []
        self._file: SharedFile | None = None
        self._marks: list[tuple[int, int]] = []
        self._mark_line_ends: list[int] = []
        self._file_bytes = 0
        self._in_memory = 0
        self._line_ends = 0
        self._inside_line = False
        self._digest = hashlib.sha256()
        self.total_chars = 0
        self.dropped_chars = 0
        self.problem = ""
        """Why the rest of the output was not kept, for example because the disk is full; "" if all
        is kept."""

    @property
    def spilled(self) -> bool:
        """True if a part of the output is in the file."""
        return self._file is not None

    @property
    def sha256(self) -> str:
        """The hash of the whole output that is kept, in UTF-8; "" without any."""
        return self._digest.hexdigest() if self.total_chars else ""

    @property
    def total_lines(self) -> int:
        """Lines of the whole output; a last one without its end counts."""
        return self._line_ends + self._inside_line

    def append(self, stream: Stream, kind: str, text: str, record: Record | None = None) -> None:
        """Add output at the end."""
        room = 0 if self.problem else max(0, MOST_CHARS - self.total_chars)
        self.dropped_chars += max(0, len(text) - room)
        kept = text[:room]
        for offset in range(0, len(kept), ENTRY_CHARS):
            piece = kept[offset : offset + ENTRY_CHARS]
            self._add(Entry(self.total_chars, stream, kind, piece, record if offset == 0 else None))

    def read(self, cursor: int, limit: int) -> Page:
        """Return at most `limit` characters from `cursor` on."""
        last = min(cursor + limit, self.total_chars)
        wanted = takewhile(lambda entry: entry.start < last, self._from(cursor))
        entries = [entry.part(cursor, last) for entry in wanted if entry.end > cursor]
        reached = entries[-1].end if entries else min(max(cursor, 0), self.total_chars)
        return Page(entries, reached, reached < self.total_chars)

    def text(self, kinds: frozenset[str]) -> str:
        """Return the text of every stdout entry of these kinds, in order."""
        return "".join(
            one.text for one in self._from(0) if one.stream == "stdout" and one.kind in kinds
        )

    def texts(self) -> "LogTexts":
        """Return the output as it is now, for another thread to read.

        Leaving the block releases the file.
        """
        if self._file is None:
            return LogTexts(tuple(self._entries), self.total_lines)
        marks = tuple(zip(self._mark_line_ends, (offset for _, offset in self._marks), strict=True))
        return LogTexts(
            tuple(self._entries), self.total_lines, marks, self._file.share(), self._file_bytes
        )

    def close(self) -> None:
        """Forget everything and delete the file."""
        self._entries, self._starts, self._marks, self._mark_line_ends = [], [], [], []
        if self._file is not None:
            self._file.leave()
            self._file = None
            self._path.unlink(missing_ok=True)
            self._room_on_disk.left += self._file_bytes
            self._file_bytes = 0

    def _add(self, entry: Entry) -> None:
        weight = len(entry.text) + ENTRY_WEIGHT + (len(str(entry.record)) if entry.record else 0)
        if self._file is None and weight <= self._room and not self.problem:
            self._room -= weight
            self._keep(entry)
        elif not self._spill(entry):
            self.dropped_chars += len(entry.text)
            return
        self.total_chars = entry.end
        self._digest.update(entry.text.encode("utf-8", "surrogatepass"))
        self._line_ends += entry.text.count("\n")
        self._inside_line = not entry.text.endswith("\n") if entry.text else self._inside_line

    def _keep(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._starts.append(entry.start)
        self._in_memory = entry.end

    def _spill(self, entry: Entry) -> bool:
        """Write an entry to the file; return whether there was room for all of it.

        After the first failure nothing more is kept, so that the file is the output's beginning
        without a gap.
        """
        line = json.dumps(entry.to_json()).encode() + b"\n"
        if not self._room_on_disk.take(len(line)):
            return False
        try:
            self._write(line)
        except OSError as error:
            self._room_on_disk.left += len(line)
            self.problem = error.strerror or type(error).__name__
            LOG.warning("The output of %s is no longer kept: %s", self._path.stem, self.problem)
            return False
        if not self._marks or self._file_bytes - self._marks[-1][1] >= MARK_BYTES:
            self._marks.append((entry.start, self._file_bytes))
            self._mark_line_ends.append(self._line_ends)
        self._file_bytes += len(line)
        return True

    def _write(self, line: bytes) -> None:
        """Write a line after the last complete one. Raises OSError: on a full disk, without a free
        descriptor.
        """
        if self.problem:
            raise OSError(self.problem)
        if self._file is None:
            self._file = SharedFile(_create(self._path))
        written = 0
        while written < len(line):
            written += self._file.file.write(line[written:]) or 0

    def _from(self, cursor: int) -> Iterator[Entry]:
        if cursor < self._in_memory:
            yield from self._entries[max(0, bisect_right(self._starts, cursor) - 1) :]
        if self._file is not None:
            yield from self._from_file(cursor)

    def _from_file(self, cursor: int) -> Iterator[Entry]:
        assert self._file is not None  # noqa: S101 - told to mypy: the only caller has just looked
        mark = max(0, bisect_right(self._marks, (cursor, self._file_bytes)) - 1)
        for line in _lines(self._file.file, self._marks[mark][1], self._file_bytes):
            yield Entry.from_json(json.loads(line))


class LogTexts:
    """The text of an output as it was at one moment.

    Belongs to one reader, in any thread; the log may grow or close.
    """

    def __init__(
        self,
        entries: tuple[Entry, ...],
        total_lines: int,
        marks: tuple[tuple[int, int], ...] = (),
        file: SharedFile | None = None,
        file_bytes: int = 0,
    ) -> None:
        """`marks`: for some entries, how many line ends precede them and where they are in the
        file; anything beyond `file_bytes` is newer.
        """
        self.total_lines = total_lines
        self._entries = entries
        self._marks = marks
        self._file = file
        self._file_bytes = file_bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.leave()

    def around_line(self, number: int) -> tuple[int, Iterator[str]]:
        """Return the texts up to the end, in order, and the number (from 1) of the line that they
        begin with.

        They begin before the line `number`, or at the output's beginning.
        """
        mark = bisect_right(self._marks, number - 2, key=lambda one: one[0]) - 1
        if mark < 0:
            return 1, self._all()
        line_ends, offset = self._marks[mark]
        return line_ends + 1, self._in_file(offset)

    def _all(self) -> Iterator[str]:
        yield from (entry.text for entry in self._entries)
        yield from self._in_file(0)

    def _in_file(self, offset: int) -> Iterator[str]:
        if self._file is None:
            return
        for line in _lines(self._file.file, offset, self._file_bytes):
            yield json.loads(line)["text"]


def _create(path: Path) -> FileIO:
    """Make the file, unbuffered, so that a failed write is noticed at once and not at a later
    one.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return FileIO(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "r+")


def _lines(file: FileIO, offset: int, end: int) -> Iterator[bytes]:
    """Yield the lines between two places of a file, without another descriptor: there may be none
    left.
    """
    rest = b""
    while offset < end:
        piece = os.pread(file.fileno(), min(READ_BYTES, end - offset), offset)
        if not piece:
            return  # somebody has cut the file
        offset += len(piece)
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
