"""The file that keeps where agents are stopped, so that a new server knows it too."""

import logging
from datetime import UTC, datetime
from pathlib import Path

from pwsh_kernels.catalog.file_replacement import replace_file
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
        replace_file(self.path, freezes.to_json())

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
