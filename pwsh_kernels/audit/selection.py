"""Which records somebody asks for."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from pwsh_kernels.audit.event import Kind, written
from pwsh_kernels.audit.files import named_lines
from pwsh_kernels.audit.verification import read_record
from pwsh_kernels.errors import InvalidRequest

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Selection:
    """What a record must be like; empty: anything will do."""

    who: str = ""
    """A principal, or those that act for it."""
    tenant: str = ""
    kind: str = ""
    """A kind, or the part before its dot: `run`."""
    since: datetime | None = None

    def takes(self, record: Record) -> bool:
        """Return whether a record is one of them."""
        principal, kind = str(record.get("principal", "")), str(record.get("kind", ""))
        return (
            (not self.who or principal == self.who or principal.startswith(f"{self.who}/"))
            and (not self.tenant or record.get("tenant") == self.tenant.lower())
            and (not self.kind or kind == self.kind or kind.startswith(f"{self.kind}."))
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
