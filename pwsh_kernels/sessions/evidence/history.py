"""What was run in a session, and by whom: a file that the session's own PowerShell reads
(Get-SessionHistory).
"""

import hashlib
import json
import logging
import os
import stat
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pwsh_kernels.sessions.damaged_files import put_aside
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.homes import private_folder
from pwsh_kernels.sessions.places.session_users import READ, READ_FILE, SessionUser, share
from pwsh_kernels.sessions.redaction import Known, redacted_beginning, secrets_of
from pwsh_kernels.sessions.runs.run import Run, failure_sentence, utc
from pwsh_kernels.shapes import FAILED

MODULES = Path(__file__).parent / "powershell"
"""Goes on PSModulePath of every session: the module with Get-SessionHistory."""
VARIABLE = "PWSH_KERNELS_HISTORY"
"""Variable of the session's PowerShell that names its file."""
RUNS_KEPT = 100
OURSELVES = "pwsh-kernels"
COMMAND_CHARS = 4000
"""Characters of one command that are kept."""
FULL_BYTES = 512 * 1024
"""A file that is longer is cut to the last RUNS_KEPT runs."""
CHANGED = (
    "Something other than the server has changed this file since run {before}, at the latest during"
    " run {run}: lines before this one may be missing, altered or made up. What the server itself"
    " reports (GET /runs, pwsh-kernels notebook) is not read from here."
)
LOG = logging.getLogger(__name__)


class SessionHistory:
    """A folder (0700) for each session with a file of JSON lines (0600); a line for each run that
    has ended. A session may read only its own folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._turn = threading.Lock()
        self._last: dict[SessionKey, str] = {}
        self._digests: dict[Path, bytes] = {}
        self._readers: dict[Path, int] = {}
        """Groups of the sessions that have users of their own."""

    def file(self, key: SessionKey) -> Path:
        """Return a session's file, which may not exist yet."""
        return self._folder / key.kernelspec / "runs.jsonl"

    def prepare(self, key: SessionKey, user: SessionUser | None) -> Path:
        """Make a session's folder, which its user may read if it has one of its own. Raises
        FolderNotWritable.
        """
        folder = self.file(key).parent
        private_folder(self._folder, user.everyone if user else None)
        private_folder(folder, user.number if user else None, READ)
        if user:
            self._readers[self.file(key)] = user.number
            if stat.S_ISREG(_mode(self.file(key))):
                share(self.file(key), user.number, READ_FILE)
        return folder

    def add(self, run: Run) -> None:
        """Note a run that has ended; from any thread."""
        with self._turn:
            self._append(run)

    def _append(self, run: Run) -> None:
        path = self.file(run.key)
        for folder in (self._folder, path.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        before = _read(path)
        added = _line(history_line(run))
        if self._is_changed(path, before):
            LOG.warning("%s was changed by something other than the server", path)
            added = _line(changed_line(run, self._last.get(run.key, ""))) + added
            if before and not before.endswith(b"\n"):
                added = b"\n" + added
        _write(path, added, os.O_APPEND, self._readers.get(path))
        content = before + added
        if len(content) > FULL_BYTES:
            content = b"".join(content.splitlines(keepends=True)[-RUNS_KEPT:])
            part = path.with_suffix(".part")
            _write(part, content, os.O_TRUNC, self._readers.get(path))
            part.replace(path)
        digest = self._digests[path] = _digest(content)
        _write(_sum_of(path), digest, os.O_TRUNC)
        self._last[run.key] = run.id

    def _is_changed(self, path: Path, content: bytes) -> bool:
        """Return whether a file was changed since this server, or an earlier one, wrote it."""
        known = self._digests.get(path)
        if known is None:
            known = _read(_sum_of(path)) or _digest(b"")
        return known != _digest(content)

    def forget(self, key: SessionKey) -> None:
        """Remove a session's history."""
        path = self.file(key)
        with self._turn:
            self._digests.pop(path, None)
            self._last.pop(key, None)
            path.unlink(missing_ok=True)
            _sum_of(path).unlink(missing_ok=True)
            with suppress(OSError):  # there is none, or a file that was set aside is still in it
                path.parent.rmdir()


def _sum_of(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _line(facts: Mapping[str, object]) -> bytes:
    return json.dumps(facts).encode() + b"\n"


def _read(path: Path) -> bytes:
    """Return a file's content. Anything but a plain file (a link, a pipe) is removed, and reading
    never blocks.
    """
    mode = _mode(path)
    if stat.S_ISREG(mode):
        return path.read_bytes()
    if mode:
        put_aside(path, "it is not a regular file")
    return b""


def _mode(path: Path) -> int:
    """Return type and mode of a file; 0: there is none."""
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return 0


def _write(path: Path, content: bytes, how: int, reader: int | None = None) -> None:
    """Write a file that only we can read, or a group too."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | how
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        if reader is not None:
            os.fchown(file.fileno(), -1, reader)
            os.fchmod(file.fileno(), READ_FILE)
        file.write(content)


def changed_line(run: Run, before: str) -> Mapping[str, object]:
    """Return what differs in a history from what the server wrote. Pure."""
    at = utc(run.ended_at)
    return {
        "run_id": "",
        "created_at": at,
        "started_at": at,
        "ended_at": at,
        "state": "changed",
        "principal": OURSELVES,
        "client": "",
        "account": None,
        "command": "",
        "error": CHANGED.format(before=before or "(of an earlier server)", run=run.id),
    }


def history_line(run: Run) -> Mapping[str, object]:
    """Return the facts of an ended run, without secrets and without its output. Pure."""
    secrets = Known(secrets_of(run.command, run.options.parameters))
    return {
        "run_id": run.id,
        "created_at": utc(run.created_at),
        "started_at": utc(run.started_at),
        "ended_at": utc(run.ended_at),
        "state": run.state,
        "principal": run.principal,
        "client": run.client,
        "account": run.account,
        "command": redacted_beginning(run.command, COMMAND_CHARS, secrets),
        "error": (
            redacted_beginning(run.reason or failure_sentence(run), COMMAND_CHARS, secrets)
            if run.state in FAILED
            else ""
        ),
    }
