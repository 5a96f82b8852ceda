"""Verifies the log that this process writes, beside its writing, and keeps what was found last."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from pwsh_kernels.audit.chain import BEGINNING
from pwsh_kernels.audit.files import first_of, log_files
from pwsh_kernels.audit.log import AuditLog, Written
from pwsh_kernels.audit.verification import Verification, read_record, verify

NEWEST_FILES = 4
"""Files that are verified at once, some 110,000 records; `audit verify` takes all."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found, and when; `first` is the number of the first record that was looked at."""

    at: datetime
    first: int
    found: Verification


class Verifier:
    """Verifies the newest files of a log, one verification at a time."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log
        self._one = asyncio.Lock()
        self.last: Verified | None = None

    async def verify(self) -> Verified:
        """Return what is wrong with the log as far as it has been written now. Raises OSError.

        The last hash that this process remembers is an anchor: a log that another program has
        shortened, or written anew, shows.
        """
        async with self._one:
            written = self._log.written
            self.last = await asyncio.to_thread(_verify, self._log.folder, written)
            return self.last


def _verify(folder: Path, written: Written) -> Verified:
    every = log_files(folder)
    files = [one for one in every if written.file is None or one.name <= written.file.name]
    files = files[-NEWEST_FILES:]
    first = first_of(files[0]) if files else 1
    after = BEGINNING if first == 1 else _previous(files[0])
    named = ((path.name, BytesIO(_content(path, written))) for path in files)
    anchors = [] if written.head == BEGINNING else [written.head]
    return Verified(datetime.now(UTC), first, verify(named, anchors, after))


def _previous(path: Path) -> str:
    """Return the hash that the first record of a file names as the one before it."""
    with path.open("rb") as opened:
        record = read_record(opened.readline())
    return str(record.get("previous", BEGINNING)) if record else BEGINNING


def _content(path: Path, written: Written) -> bytes:
    """Return a file's content, without what is written meanwhile."""
    with path.open("rb") as opened:
        return opened.read(written.size if path == written.file else -1)
