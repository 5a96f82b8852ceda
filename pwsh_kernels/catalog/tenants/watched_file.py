"""The tenants file, read again when it has changed; if it has a mistake then, the last good tenants
stay in force.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

from pwsh_kernels.catalog.tenants.loading import load_tenants
from pwsh_kernels.catalog.tenants.tenants import Tenants
from pwsh_kernels.catalog.watched_file import WatchedFile
from pwsh_kernels.errors import BrokenFile, ProductError

_log = logging.getLogger(__name__)


class TenantsFile(WatchedFile[Tenants]):
    """The tenants of the sandbox, of a file that may change at any time, and of the settings.

    Its first reading raises BrokenFile, InvalidSetting.
    """

    def __init__(
        self,
        path: Path | None = None,
        aliases: Mapping[str, str] | None = None,
        sharepoint: Mapping[str, str] | None = None,
        *,
        must_exist: bool = False,
    ) -> None:
        super().__init__(path, must_exist=must_exist)
        self._aliases, self._sharepoint = aliases or {}, sharepoint or {}

    def _read(self, path: Path | None) -> Tenants:
        return load_tenants(path, self._aliases, self._sharepoint)

    def _read_again(self, path: Path | None, last: Tenants) -> Tenants:  # noqa: ARG002 - see below
        try:
            # If the file is gone, tenants are not forgotten: an editor may be about to put a
            # new one there.
            tenants = self._read(self.path)
        except ProductError as problem:
            broken = (
                problem
                if isinstance(problem, BrokenFile)
                else BrokenFile(str(self.path), problem.text())
            )
            self.problem = broken
            place = f"{broken.file}, line {broken.line}" if broken.line else broken.file
            _log.error(
                "%s: %s. The tenants stay as they were until that is corrected.",
                place,
                broken.problem,
            )
            return last
        self.problem = None
        return tenants
