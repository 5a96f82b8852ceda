"""The writer of an audit log: one process, one record after the other, from file to file."""

import errno
import fcntl
import hashlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pwsh_kernels.audit.chain import BEGINNING, seal
from pwsh_kernels.audit.event import Event, Kind
from pwsh_kernels.audit.files import (
    AuditFile,
    file_name,
    first_of,
    lines_in,
    log_files,
    read_tail,
)
from pwsh_kernels.audit.verification import read_record

FILE_BYTES = 16 << 20
"""From this size on, the next record begins a new file."""
LOCK = "audit.lock"
IN_USE = "another process writes it"


class Written(NamedTuple):
    """What this process has written: the last hash, its file, and how much of it there is."""

    head: str
    file: Path | None
    size: int


def _utc_now() -> datetime:
    return datetime.now(UTC)


class AuditLog:
    """Appends records. Every method may raise OSError, and then has recorded nothing."""

    def __init__(
        self,
        folder: Path,
        file_bytes: int = FILE_BYTES,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """`folder` is made with the first record."""
        self.folder = folder
        self.head, self.last = BEGINNING, 0
        self._file_bytes = file_bytes
        self._now = now
        self._file: AuditFile | None = None
        self._lock: int | None = None
        self._unsynced = False

    def append(self, event: Event) -> None:
        """Write one record, after what the log itself has to say."""
        if self._lock is None:
            self._open()
        if self._file is None or not self._file.intact or self._file.size >= self._file_bytes:
            self._begin_file()
        self._write(event)

    def descriptor_to_sync(self) -> int | None:
        """Return a descriptor of its own for `fsync`, to be closed by the caller; None: everything
        is on the disk.
        """
        if self._file is None or not self._unsynced:
            return None
        self._unsynced = False
        return os.dup(self._file.descriptor)

    @property
    def written(self) -> Written:
        """What has been written until now."""
        file = self._file
        return Written(self.head, file.path if file else None, file.size if file else 0)

    def close(self) -> None:
        """Let go of the log; another process may write it then."""
        self._close_file()
        if self._lock is not None:
            os.close(self._lock)
        self._lock = None

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _write(self, event: Event) -> None:
        if self._file is None:
            raise FileNotFoundError(errno.ENOENT, "the log is not open")
        sealed = seal(self.head, event.record(self.last + 1, self._now()))
        self._file.write(sealed.line)
        self.head, self.last, self._unsynced = sealed.hash, self.last + 1, True

    def _begin_file(self) -> None:
        """Begin a file; its first record names the last hash of the file before."""
        self._close_file()
        path = self.folder / file_name(self.last + 1)
        torn = path.exists() and not read_tail(path).line
        self._file = AuditFile.opened(path, keep=0 if torn else None)
        try:
            self._write(Event(Kind.LOG_OPENED, more={"previous": self.head}))
        except OSError:
            self._close_file()  # no other record may be its first
            raise

    def _open(self) -> None:
        """Continue where the last process has stopped."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise BlockingIOError(errno.EAGAIN, IN_USE) from None
        try:
            self._resume()
        except OSError:
            self._close_file()
            os.close(lock)
            raise
        self._lock = lock

    def _resume(self) -> None:
        """Find the last record. A file without any is from a crash, and is begun again."""
        found = log_files(self.folder)
        whole = [path for path in found if read_tail(path).line]
        if whole:
            self._resume_after(whole[-1], only_head=whole[-1] != found[-1])

    def _resume_after(self, path: Path, *, only_head: bool) -> None:
        line, unfinished = read_tail(path)
        record = read_record(line)
        if record is None:  # verification names it
            self.last = first_of(path) + lines_in(path) - 1
            self.head = hashlib.sha256(line).hexdigest()
            return
        self.last, self.head = record["seq"], record["hash"]
        if only_head:
            return
        size = path.stat().st_size
        self._file = AuditFile.opened(path, keep=size - len(unfinished) if unfinished else None)
        if unfinished:
            digest = hashlib.sha256(unfinished).hexdigest()
            lost = Event(Kind.LOG_RECOVERED, more={"bytes": len(unfinished), "sha256": digest})
            self._write(lost)
