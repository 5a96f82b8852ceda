"""Whether lines of an audit log are as they were written: what was changed, removed, inserted or
swapped, and where. Pure.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pwsh_kernels.audit.chain import BEGINNING, canonical, hash_after

UNFINISHED = "the line is not finished"
NO_RECORD = "this is not a record of the log"
REWRITTEN = "the record is not written as the server writes it"
MISFIT = "it does not follow from the record before it: one of the two was changed"
REPEATED = "record {seq} does not belong here: record {last} is before it"
MISSING = "records {first} to {last} are missing before it"
NO_ANCHOR = (
    "no record has the hash {anchor}: records at the end were removed, or the whole log was"
    " written anew"
)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where: `line` counts from 1; 0: the log as a whole."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.text}" if self.line else self.text


@dataclass(frozen=True, slots=True)
class Verification:
    """What a log was found to be. `head` is the hash of its last record."""

    records: int
    last: int
    head: str
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Reader:
    head: str
    last: int | None
    """The number of the last record; None: the first one may have any."""
    records: int = 0
    seen: set[str] = field(default_factory=set)

    def take(self, line: bytes) -> Iterable[str]:
        """Yield what is wrong with the next line."""
        if not line.endswith(b"\n"):
            yield UNFINISHED
        record = read_record(line)
        if record is None:
            yield NO_RECORD
            return
        sequence, own = record["seq"], record["hash"]
        if canonical(record) + b"\n" != line:
            yield REWRITTEN
        bare = {name: value for name, value in record.items() if name != "hash"}
        if hash_after(self.head, bare) != own:
            yield self._misfit(sequence)
        elif self.last is not None and sequence != self.last + 1:
            yield REPEATED.format(seq=sequence, last=self.last)
        self.head, self.last = own, sequence
        self.records += 1
        self.seen.add(own)

    def _misfit(self, sequence: int) -> str:
        if self.last is not None and sequence > self.last + 1:
            return MISSING.format(first=self.last + 1, last=sequence - 1)
        if self.last is not None and sequence <= self.last:
            return REPEATED.format(seq=sequence, last=self.last)
        return MISFIT


def read_record(line: bytes) -> Mapping[str, Any] | None:
    """Return the record of a line; None if it holds none."""
    try:
        record = json.loads(line)
        if not isinstance(record, dict):
            return None
        canonical(record)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(record.get("seq"), int) and isinstance(record.get("hash"), str)
    return record if whole else None


def verify(
    files: Iterable[tuple[str, Iterable[bytes]]],
    anchors: Collection[str] = (),
    after: str = BEGINNING,
) -> Verification:
    """Return what is wrong with files of a log: names and lines, each with its line end, in order.

    Records that are missing at the end, and a log that was written anew as a whole, fit together
    as any other: only an anchor, a hash that was noted elsewhere, tells. `after` is the hash
    before the first record, if earlier files are kept elsewhere.
    """
    reader = _Reader(after, 0 if after == BEGINNING else None, seen={after})
    problems = [
        Problem(name, number, text)
        for name, lines in files
        for number, line in enumerate(lines, 1)
        for text in reader.take(line)
    ]
    problems += [
        Problem("", 0, NO_ANCHOR.format(anchor=one)) for one in anchors if one not in reader.seen
    ]
    return Verification(reader.records, reader.last or 0, reader.head, tuple(problems))
