"""Session notes: what a later server needs to find a session's kernel again.

One file each, no secrets.
"""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import get_args

from pwsh_kernels.catalog import RouteName
from pwsh_kernels.sessions.damaged_files import put_aside
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.places.place import PlaceName
from pwsh_kernels.sessions.states import SESSION_STATES
from pwsh_kernels.shapes import SessionState, Tier


@dataclass(frozen=True, slots=True)
class SessionNote:
    """One session; times are ISO 8601."""

    tenant: str
    module: str
    kernel_id: str
    connection_file: str
    created_at: str
    state: SessionState = "signed_out"
    expected_account: str | None = None
    signed_in_at: str | None = None
    route: RouteName | None = None
    place: PlaceName = "local"
    tier: Tier = "write"

    @property
    def key(self) -> SessionKey:
        """The session that the note is about."""
        return SessionKey(self.tenant, self.module, self.tier)

    def created_time(self) -> datetime:
        """Return when the session was made."""
        return datetime.fromisoformat(self.created_at)

    def signed_in_time(self) -> datetime | None:
        """Return when the sign-in was accepted."""
        return datetime.fromisoformat(self.signed_in_at) if self.signed_in_at else None


class SessionNotes:
    """The folder of notes (0700, files 0600)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, note: SessionNote) -> None:
        """Write or replace a note, all of it or nothing. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=self._folder, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(asdict(note), stream)
            Path(part).replace(self._path(note.key))
        except OSError:
            Path(part).unlink(missing_ok=True)
            raise

    def remove(self, key: SessionKey) -> None:
        """Forget a session."""
        with suppress(NotADirectoryError):
            self._path(key).unlink(missing_ok=True)

    def read_all(self) -> Iterator[SessionNote]:
        """Yield every readable note; unreadable ones are set aside."""
        for path in sorted(self._folder.glob("*.json")):
            try:
                note = read_note(path.read_bytes())
            except (OSError, ValueError, TypeError, RecursionError) as error:
                put_aside(path, error)
            else:
                yield note

    def _path(self, key: SessionKey) -> Path:
        return self._folder / f"{key.kernelspec}.json"


def read_note(text: bytes) -> SessionNote:
    """Return the note in a text. Raises ValueError or TypeError, whatever is wrong."""
    facts = json.loads(text)
    note = SessionNote(**facts)
    if not all(value is None or isinstance(value, str) for value in facts.values()):
        raise TypeError("a fact is not text")
    if note.state not in SESSION_STATES:
        raise ValueError(f"no state: {note.state}")
    if note.place not in get_args(PlaceName):
        raise ValueError(f"no place: {note.place}")
    if note.tier not in get_args(Tier):
        raise ValueError(f"no tier: {note.tier}")
    note.created_time()
    note.signed_in_time()
    return note
