"""The tenants file, read again when it has changed; if it has a mistake then, the last good tenants
stay in force.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

from pwsh_kernels.catalog.file_stamp import Stamp, stamp_of
from pwsh_kernels.catalog.tenants.loading import load_tenants
from pwsh_kernels.catalog.tenants.tenants import Tenants
from pwsh_kernels.errors import BrokenFile, ProductError

_log = logging.getLogger(__name__)


class TenantsFile:
    """The tenants of the sandbox, of a file that may change at any time, and of the settings."""

    def __init__(
        self,
        path: Path | None = None,
        aliases: Mapping[str, str] | None = None,
        sharepoint: Mapping[str, str] | None = None,
        *,
        must_exist: bool = False,
    ) -> None:
        """Name the file, without reading it.

        `must_exist`: the file was named explicitly, so it is a mistake if it is missing.
        """
        self.path = path
        self.problem: BrokenFile | None = None
        self._aliases, self._sharepoint, self._must_exist = (
            aliases or {},
            sharepoint or {},
            must_exist,
        )
        self._stamp: Stamp = None
        self._tenants: Tenants | None = None

    def current(self) -> Tenants:
        """Return the tenants as the file has them now.

        Raises BrokenFile, InvalidSetting, at the first call only.
        """
        stamp = stamp_of(self.path)
        if self._tenants is None:
            self._tenants = self._read(stamp)
        elif stamp != self._stamp:
            self._tenants = self._read_again(self._tenants)
        self._stamp = stamp
        return self._tenants

    def _read(self, stamp: Stamp) -> Tenants:
        absent = stamp is None and not self._must_exist
        return load_tenants(None if absent else self.path, self._aliases, self._sharepoint)

    def _read_again(self, last: Tenants) -> Tenants:
        try:
            # If the file is gone, tenants are not forgotten: an editor may be about to put a
            # new one there.
            tenants = load_tenants(self.path, self._aliases, self._sharepoint)
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
