"""Session notes: what a later server needs to find a session's kernel again.

One file each, no secrets.
"""

import json
import logging
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from pwsh_kernels.catalog import RouteName
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.shapes import SessionState

LOG = logging.getLogger(__name__)


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

    @property
    def key(self) -> SessionKey:
        """The tenant and the module that the note is about."""
        return SessionKey(self.tenant, self.module)

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
        """Write or replace a note, all of it or nothing."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=self._folder, suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(asdict(note), stream)
        Path(part).replace(self._path(note.key))

    def remove(self, key: SessionKey) -> None:
        """Forget a session."""
        self._path(key).unlink(missing_ok=True)

    def read_all(self) -> Iterator[SessionNote]:
        """Yield every readable note; an unreadable one is reported and skipped."""
        for path in sorted(self._folder.glob("*.json")):
            try:
                yield SessionNote(**json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError) as error:
                LOG.warning(
                    "The session note %s is unreadable and was skipped: %s", path.name, error
                )

    def _path(self, key: SessionKey) -> Path:
        return self._folder / f"{key.kernelspec}.json"
