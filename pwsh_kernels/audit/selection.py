"""Which records somebody asks for."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from pwsh_kernels.audit.event import Kind, written
from pwsh_kernels.audit.files import first_of, log_files, named_lines
from pwsh_kernels.audit.verification import read_record
from pwsh_kernels.errors import InvalidRequest

Record = Mapping[str, Any]
LOOKED_AT = 20_000
"""Records that one search from the end looks at; the next one goes on there."""
SET_BACK = timedelta(days=1)
"""How far the server's clock may have been set back: so much before its time a search still looks
for records."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a record must be like; empty: anything will do."""

    who: str = ""
    """A principal, or those that act for it."""
    tenant: str = ""
    kind: str = ""
    """A kind, or the part before its dot: `run`."""
    since: datetime | None = None
    judged: str = ""
    """The class of a command: `write`."""
    run_id: str = ""

    def takes(self, record: Record) -> bool:
        """Return whether a record is one of them."""
        principal, kind = str(record.get("principal", "")), str(record.get("kind", ""))
        return (
            (not self.who or principal == self.who or principal.startswith(f"{self.who}/"))
            and (not self.tenant or record.get("tenant") == self.tenant.lower())
            and (not self.kind or kind == self.kind or kind.startswith(f"{self.kind}."))
            and (not self.judged or record.get("class") == self.judged)
            and (not self.run_id or record.get("run_id") == self.run_id)
            and (self.since is None or str(record.get("time", "")) >= _begin(self.since))
        )


def require_kind(kind: str, field: str = "kind") -> None:
    """Raise InvalidRequest for what is no kind of record, nor the beginning of some; "" is any."""
    known = [one.value for one in Kind]
    groups = sorted({one.partition(".")[0] for one in known if "." in one})
    if kind and kind not in known and kind not in groups:
        raise InvalidRequest(field, f"must be one of {', '.join(groups)}, {', '.join(known)}")


def read_page(folder: Path, selection: Selection, after: int, most: int) -> list[dict[str, Any]]:
    """Return the first chosen records behind a number; files before it are not read."""
    found = records(named_lines(folder, after), selection, after)
    return [dict(one) for one in islice(found, most)]


class Newest(NamedTuple):
    """The newest chosen records; the search goes on `before` a number, if there are `more`."""

    records: list[dict[str, Any]]
    before: int
    more: bool


def read_newest(folder: Path, selection: Selection, before: int, most: int) -> Newest:
    """Return the newest chosen records before a number (0: before the end), newest first."""
    found: list[dict[str, Any]] = []
    looked, last = 0, before
    oldest = _begin(selection.since - SET_BACK) if selection.since else ""
    for record in _from_the_end(folder, before):
        if len(found) == most or looked == LOOKED_AT:
            return Newest(found, last, more=True)
        looked, last = looked + 1, record["seq"]
        if str(record.get("time", "")) < oldest:
            break
        if selection.takes(record):
            found.append(dict(record))
    return Newest(found, last, more=False)


def _from_the_end(folder: Path, before: int) -> Iterator[Record]:
    for path in reversed(log_files(folder)):
        if before and first_of(path) >= before:
            continue
        for line in reversed(path.read_bytes().split(b"\n")):
            record = read_record(line)
            if record is not None and (not before or record["seq"] < before):
                yield record


def _begin(time: datetime) -> str:
    try:
        return written(time)
    except OverflowError:  # a year that UTC does not have
        return written(time.replace(tzinfo=UTC))


def records(
    files: Iterable[tuple[str, Iterable[bytes]]], selection: Selection, after: int = 0
) -> Iterator[Record]:
    """Yield the chosen records of a log behind a number, oldest first; what is no record is left
    to verification.
    """
    for _, lines in files:
        for line in lines:
            record = read_record(line)
            if record is not None and record["seq"] > after and selection.takes(record):
                yield record
