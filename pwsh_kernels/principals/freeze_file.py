"""The file that keeps where agents are stopped, so that a new server knows it too."""

import logging
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from pwsh_kernels.catalog.watched_file import WatchedFile
from pwsh_kernels.errors import BrokenFile
from pwsh_kernels.principals.freezes import Freeze, Freezes, read_freezes

_log = logging.getLogger(__name__)
NAME = "frozen.json"
"""In the data folder."""


class FreezeFile(WatchedFile[Freezes]):
    """Where agents are stopped. A file that nobody can understand stops them everywhere."""

    path: Path

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / NAME, must_exist=False)

    def write(self, freezes: Freezes) -> None:
        """Replace the file, all of it or nothing. Raises OSError."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        number, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{NAME}-")
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(freezes.to_json())
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise

    def _read(self, path: Path | None) -> Freezes:
        self.problem = None
        if path is None:
            return Freezes()
        try:
            return read_freezes(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            self.problem = BrokenFile(str(path), str(problem))
            _log.error("%s Until then agents may do nothing.", self.problem.text())
            return Freezes((Freeze("", "a broken file", datetime.now(UTC), str(path)),))

    def _read_again(self, path: Path | None, last: Freezes) -> Freezes:  # noqa: ARG002 - each reading is a whole one
        return self._read(path)
