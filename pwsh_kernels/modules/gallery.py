"""A source of packages, used through PowerShell's own package manager: finds and fetches
packages.
"""

import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from difflib import get_close_matches
from pathlib import Path

from pwsh_kernels.catalog.versions import Range, Version
from pwsh_kernels.errors import (
    NoSpaceLeft,
    PackageInstallFailed,
    PackageNotFound,
    PackageVersionNotFound,
    ProductError,
    UnknownRepository,
)
from pwsh_kernels.modules.engine import Engine, opened_engine
from pwsh_kernels.modules.packages import Package, Wanted, newest
from pwsh_kernels.modules.refusals import Failure, refusal
from pwsh_kernels.modules.source import Source

FIND_WAIT = 300.0
"""Seconds for one request to a repository, more than its own time limits."""
FETCH_WAIT = 1800.0
"""Seconds for one package: the largest have some hundred MB."""
SHOWN_VERSIONS = 8

Refused = Callable[[str, str], str]
"""Says why a version of a module is refused; "" if it may be taken."""


class Gallery:
    """One source. Every refusal of PowerShell becomes one of our errors."""

    def __init__(self, engine: Engine, source: Source, address: str) -> None:
        self._engine = engine
        self._source = source
        self.address = address

    async def find(self, wanted: Wanted, refused: Refused, known: Sequence[str]) -> Package:
        """Return the newest wanted version that is not refused, otherwise the newest wanted one.

        Raises PackageNotFound (with the nearest of `known`), PackageVersionNotFound and what
        refusals.py makes of failures.
        """
        exact = wanted.range.exact
        found = await self._packages(wanted, wanted.range.text if exact is None else exact.text)
        good = [one for one in found if exact or not refused(one.name, one.package_version)]
        package = newest(good, wanted.range) or newest(found, wanted.range)
        if package is None:
            raise await self._not_found(wanted, known)
        return package

    async def fetch(self, package: Package, folder: Path, temporary: Path) -> Path:
        """Unpack a package into an empty folder as NAME/VERSION, and return that place; `temporary`
        takes what arrives.
        """
        self._offer(package.name)
        answer = await self._engine.ask(
            FETCH_WAIT,
            do="save",
            name=package.name,
            version=package.package_version,
            repository=self._source.repository,
            folder=str(folder),
            temporary=str(temporary),
        )
        place = _unpacked(folder)
        if place is None or "error" in answer:
            lost = {"id": "it did not arrive", "chain": []}
            raise self._error(package.name, Failure.from_json(answer.get("error", lost)), folder)
        return place

    async def own_modules(self) -> Mapping[str, str]:
        """Return the versions of the modules that come with PowerShell, by name in lower case."""
        answer = await self._engine.ask(FIND_WAIT, do="own")
        if "error" in answer:
            failure = Failure.from_json(answer["error"])
            raise PackageInstallFailed("PowerShell's own modules", "PowerShell", failure.reason)
        return {str(one["name"]).casefold(): str(one["version"]) for one in answer["answer"]}

    def _offer(self, name: str) -> None:
        """Show PowerShell only the packages of one module in our folder: it would take
        `My.Tool.2.0.0.nupkg` for a version of Tool.
        """
        if self._source.folder is None:
            return
        shelf = _shelf(self._engine)
        for link in shelf.iterdir():
            link.unlink()
        for file in self._source.folder.glob("*.nupkg"):
            if _is_package_of(file.stem, name):
                (shelf / file.name).symlink_to(file)

    async def _packages(self, wanted: Wanted, version: str) -> list[Package]:
        self._offer(wanted.name)
        asked = {"name": wanted.name, "version": version, "prerelease": wanted.prerelease}
        answer = await self._engine.ask(
            FIND_WAIT, do="find", repository=self._source.repository, **asked
        )
        if "error" in answer:
            failure = Failure.from_json(answer["error"])
            if failure.id != "PackageNotFound" or failure.is_network or failure.is_refusal:
                raise self._error(wanted.name, failure, Path(tempfile.gettempdir()))
            return []
        return [Package.from_json(one) for one in answer["answer"] if one["type"] != "Script"]

    async def _not_found(
        self, wanted: Wanted, known: Sequence[str]
    ) -> PackageNotFound | PackageVersionNotFound:
        every = await self._packages(Wanted(wanted.name, Range(), prerelease=True), "*")
        if not every:
            names = [*_names_in(self._source.folder), *known]
            return PackageNotFound(
                wanted.name, self._source.label, get_close_matches(wanted.name, names, n=3)
            )
        versions = sorted({one.package_version for one in every}, key=Version.parse, reverse=True)
        return PackageVersionNotFound(
            wanted.name, wanted.range.text, self._source.label, versions[:SHOWN_VERSIONS]
        )

    def _error(self, name: str, failure: Failure, folder: Path) -> ProductError:
        """Return the error for a failure; `folder` is where PowerShell was writing."""
        if failure.is_full_disk:
            return NoSpaceLeft(str(folder), shutil.disk_usage(folder).free)
        return refusal(
            failure, name, self._source.label, self.address or self._source.label, os.environ
        )


@asynccontextmanager
async def opened_gallery(source: Source) -> AsyncIterator[Gallery]:
    """Yield a source of packages for the block.

    Raises UnknownRepository and the engine's errors.

    A folder becomes a repository in temporary PowerShell settings; a repository is one in the
    user's settings.
    """
    async with opened_engine(with_settings=source.folder is None) as engine:
        if source.folder:
            _shelf(engine).mkdir()
            asked = {"repository": source.repository, "address": str(_shelf(engine))}
            answer = await engine.ask(FIND_WAIT, do="register", **asked)
            if "error" in answer:
                raise PackageInstallFailed(
                    "The folder", source.label, Failure.from_json(answer["error"]).reason
                )
            yield Gallery(engine, source, "")
        else:
            yield Gallery(engine, source, await _address(engine, source))


async def _address(engine: Engine, source: Source) -> str:
    answer = await engine.ask(FIND_WAIT, do="repositories")
    if "error" in answer:
        raise PackageInstallFailed(
            "The repository", source.label, Failure.from_json(answer["error"]).reason
        )
    known = {str(one["name"]): str(one["address"]) for one in answer["answer"]}
    address = next(
        (value for name, value in known.items() if name.casefold() == source.label.casefold()), None
    )
    if address is None:
        raise UnknownRepository(source.label, sorted(known), source.address)
    return address


def _shelf(engine: Engine) -> Path:
    return engine.scratch / "packages"


def _is_package_of(stem: str, name: str) -> bool:
    version = r"\.\d+(\.\d+){0,3}([-+][0-9A-Za-z.+-]+)?"
    return bool(re.fullmatch(re.escape(name) + version, stem, re.IGNORECASE))


def _unpacked(folder: Path) -> Path | None:
    return next(folder.glob("*/*"), None)


def _names_in(folder: Path | None) -> list[str]:
    """Return the names of the packages in a folder, taken from their files' names."""
    return (
        sorted({re.sub(r"\.\d+(\.\d+)*(-.*)?$", "", file.stem) for file in folder.glob("*.nupkg")})
        if folder
        else []
    )
