"""Installs modules: finds what is needed, fetches it into a separate folder, checks it, and only
then moves it into place.
"""

import errno
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pwsh_kernels.catalog.versions import Version
from pwsh_kernels.errors import (
    BrokenFile,
    LockFileEmpty,
    NoSpaceLeft,
    PackageDoesNotLoad,
    PackageHashMismatch,
    PackageInstallFailed,
    PackagePinned,
)
from pwsh_kernels.modules.changes import Staged, changing, put
from pwsh_kernels.modules.checksums import digest, folder_sums, list_text, unlistable
from pwsh_kernels.modules.engine import opened_engine
from pwsh_kernels.modules.gallery import Gallery, opened_gallery
from pwsh_kernels.modules.lock import LockedModule, read_lock, unwritable
from pwsh_kernels.modules.packages import (
    Package,
    Wanted,
    check_together,
    completed,
    lacking,
    narrowed,
    reached,
    selection,
    without_own,
)
from pwsh_kernels.modules.refusals import Failure
from pwsh_kernels.modules.source import Source, noted_source, without_login
from pwsh_kernels.modules.store import ModuleStore
from pwsh_kernels.modules.wanted import Rules

IMPORT_WAIT = 300.0
"""Seconds for importing one module: the largest take more than a minute."""
MOST_LOOKS = 5
"""How often one module is looked for, because packages that exclude each other's versions would
loop for ever.
"""
Progress = Callable[[str], None]


class Installation:
    """Changes a store; `progress` gets a sentence for each step."""

    def __init__(
        self, store: ModuleStore, rules: Rules, progress: Progress, *, force: bool = False
    ) -> None:
        self._store = store
        self._rules = rules
        self._progress = progress
        self._force = force

    async def install(self, wanted: Sequence[Wanted], source: Source) -> list[LockedModule]:
        """Install the newest wanted versions, with their dependencies, for new sessions; return the
        versions that these get.

        Installed versions are not fetched again. Raises ProductError; then nothing has changed.
        """
        with changing(self._store) as part, self._full_disk_is_said():
            there = [self._installed(one) for one in wanted]
            if all(there):
                asked = [replace(one, requested=True) for one in there if one]
                return self._finish(part, [], completed(self._store.installed(), asked))
            async with opened_gallery(source) as gallery:
                packages = await self._resolve(gallery, wanted, source)
                known = [(one, self._same(one)) for one in packages]
                self._check_selection(packages)
                new = [one for one, same in known if same is None]
                staged = [
                    await self._fetch(gallery, one, source, part, f"{number} of {len(new)}")
                    for number, one in enumerate(new, 1)
                ]
            await self._check_import(staged)
            kept = [
                replace(same, requested=same.requested or one.asked) for one, same in known if same
            ]
            return self._finish(part, staged, [*kept, *(one.module for one in staged)])

    async def install_locked(self, lock_file: Path, source: Source | None) -> list[LockedModule]:
        """Install exactly what a lock file lists, from its sources or another one.

        Raises ProductError; then nothing changed.

        Intact installed versions are not fetched again.
        """
        locked = read_lock(lock_file)
        if not locked:
            raise LockFileEmpty(str(lock_file))
        with changing(self._store) as part, self._full_disk_is_said():
            self._check_locked(lock_file, locked)
            intact = [there for one in locked if (there := self._intact(one))]
            new = [one for one in locked if not any(one.shares_folder(other) for other in intact)]
            staged: list[Staged] = []
            for place, modules in _by_source(new, source).items():
                async with opened_gallery(place) as gallery:
                    _refuse_own([one.name for one in modules], await gallery.own_modules(), place)
                    for one in modules:
                        count = f"{len(staged) + 1} of {len(new)}"
                        staged.append(await self._fetch_locked(gallery, one, place, part, count))
            await self._check_import(staged)
            named = {one.name.casefold() for one in locked}
            others = [
                one
                for one in self._store.installed()
                if not any(one.shares_folder(other) for other in locked)
            ]
            kept = [
                replace(one, selected=one.selected and one.name.casefold() not in named)
                for one in others
            ]
            done = [*intact, *(one.module for one in staged)]
            put(self._store, part, staged, [*kept, *done])
            return done

    async def _resolve(
        self, gallery: Gallery, wanted: Sequence[Wanted], source: Source
    ) -> list[Package]:
        """Return the packages that are needed: the requested ones, and the dependencies that
        neither they nor new sessions have.
        """
        selected = list(self._store.selected().values())
        own = await gallery.own_modules()
        asked = {one.name.casefold(): one for one in wanted}
        chosen: dict[str, Package] = {}
        looks: Counter[str] = Counter()
        waiting = deque(wanted)
        while waiting:
            one = narrowed(waiting.popleft(), reached(chosen))
            looks[one.name.casefold()] += 1
            self._progress(f"Looking for {one.name} in {source.label}")
            package = without_own(await self._found(gallery, one), own)
            chosen[package.name.casefold()] = package
            waiting.extend(
                asked.get(other.name.casefold(), other)
                for other in lacking(package, chosen, selected)
                if looks[other.name.casefold()] < MOST_LOOKS
                and not any(other.name.casefold() == later.name.casefold() for later in waiting)
            )
        _refuse_own([one.name for one in chosen.values()], own, source)
        return reached(chosen)

    async def _found(self, gallery: Gallery, wanted: Wanted) -> Package:
        """Return the version of a module to take, not one that the catalog calls bad."""
        refused = self._rules.problem if not self._force else _nothing_refused
        package = await gallery.find(wanted, refused, self._rules.known_names())
        if not self._force:
            self._rules.check(package.name, package.package_version)
        return replace(package, asked=wanted.asked)

    async def _fetch(
        self, gallery: Gallery, package: Package, source: Source, part: Path, count: str
    ) -> Staged:
        self._progress(
            f"Fetching {package.name} {package.package_version} ({count}) from {source.label}"
        )
        aside = _made(part / f"new-{package.name}-{package.package_version}")
        folder = await gallery.fetch(package, aside, _made(part / "incoming"))
        sums = folder_sums(folder)
        if name := unlistable(sums):
            raise PackageInstallFailed(
                package.name, source.label, f"a file's name contains a control character: {name!r}"
            )
        files = list_text(sums)
        needs = package.dependencies or {}
        module = LockedModule(
            name=folder.parent.name,
            version=folder.name,
            source=source.label,
            sha256=digest(files),
            dependencies=tuple(needs),
            prerelease=package.prerelease,
            address=without_login(gallery.address),
            ranges=tuple(needs.values()),
            requested=package.asked,
        )
        if wrong := unwritable(module):
            raise PackageInstallFailed(
                package.name, source.label, f"{wrong} cannot be written to a lock file"
            )
        self._check_place(module)
        return Staged(folder, module, files)

    async def _fetch_locked(
        self, gallery: Gallery, one: LockedModule, source: Source, part: Path, count: str
    ) -> Staged:
        package = Package(one.name, one.version, one.prerelease, one.needs)
        staged = await self._fetch(gallery, package, source, part, count)
        if staged.module.sha256 != one.sha256:
            raise PackageHashMismatch(
                one.name, one.package_version, source.label, one.sha256, staged.module.sha256
            )
        return replace(staged, module=replace(one, name=staged.module.name))

    async def _check_import(self, staged: Sequence[Staged]) -> None:
        """Raise PackageDoesNotLoad if PowerShell cannot import one of the modules here."""
        if not staged:
            return
        folders = [*{str(one.folder.parent.parent): None for one in staged}, str(self._store.root)]
        async with opened_engine(with_settings=False) as engine:
            await engine.ask(IMPORT_WAIT, do="look", folders=folders)
            for one in [fetched.module for fetched in staged]:
                about = (one.name, one.package_version)
                self._progress(f"Checking that PowerShell can import {' '.join(about)}")
                answer = await engine.ask(
                    IMPORT_WAIT, do="import", name=one.name, version=one.version
                )
                if reason := _reason(answer):
                    raise PackageDoesNotLoad(*about, reason)

    def _finish(
        self, part: Path, staged: Sequence[Staged], chosen: Sequence[LockedModule]
    ) -> list[LockedModule]:
        """Move what is staged into place and select the chosen modules for new sessions."""
        chosen = [replace(one, selected=True) for one in chosen]
        check_together(selection(self._store.installed(), chosen))
        names = {one.name.casefold() for one in chosen}
        others = [
            one
            for one in self._store.installed()
            if not any(one.shares_folder(other) for other in chosen)
        ]
        kept = [
            replace(one, selected=one.selected and one.name.casefold() not in names)
            for one in others
        ]
        put(self._store, part, staged, [*kept, *chosen])
        return list(chosen)

    def _installed(self, wanted: Wanted) -> LockedModule | None:
        """Return the installed, intact version of a module that is wanted in exactly one
        version.
        """
        exact = wanted.range.exact
        versions = self._store.versions(wanted.name) if exact else []
        there = [one for one in versions if Version.parse(one.package_version) == exact]
        return next((one for one in there if not self._store.differences(one)), None)

    def _same(self, package: Package) -> LockedModule | None:
        there = [one for one in self._store.versions(package.name) if package.is_installed_as(one)]
        return next((one for one in there if not self._store.differences(one)), None)

    def _check_selection(self, packages: Sequence[Package]) -> None:
        """Raise PackageConflict before anything is fetched."""
        chosen = [
            LockedModule(
                one.name,
                one.version,
                prerelease=one.prerelease,
                dependencies=tuple(one.dependencies or {}),
                ranges=tuple((one.dependencies or {}).values()),
            )
            for one in packages
        ]
        check_together(selection(self._store.installed(), chosen))

    def _check_place(self, module: LockedModule) -> None:
        """Raise PackagePinned if the module's folder has another prerelease that a session uses."""
        for one in self._store.versions(module.name):
            sessions = self._store.pinned_by(one)
            if (
                one.shares_folder(module)
                and one.package_version != module.package_version
                and sessions
                and not self._force
            ):
                raise PackagePinned(one.name, one.package_version, sessions)

    def _check_locked(self, lock_file: Path, locked: Sequence[LockedModule]) -> None:
        for one in locked:
            if not one.sha256:
                raise BrokenFile(str(lock_file), f"{one.name} {one.package_version} has no sha256")
            if not self._force:
                self._rules.check(one.name, one.package_version)

    def _intact(self, locked: LockedModule) -> LockedModule | None:
        """Return the lock file's entry of a version that is installed accordingly; the name keeps
        the spelling of its folder.
        """
        for one in self._store.installed():
            same = one.shares_folder(locked) and one.sha256 == locked.sha256
            if same and not self._store.differences(one):
                return replace(locked, name=one.name)
        return None

    @contextmanager
    def _full_disk_is_said(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            if problem.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise NoSpaceLeft(
                str(self._store.root), shutil.disk_usage(self._store.root).free
            ) from problem


def _nothing_refused(_name: str, _version: str) -> str:
    return ""


def _refuse_own(names: Sequence[str], own: Mapping[str, str], source: Source) -> None:
    """Raise PackageInstallFailed for a package that would hide a module that comes with
    PowerShell.
    """
    for name in names:
        if version := own.get(name.casefold()):
            raise PackageInstallFailed(
                name, source.label, f"PowerShell itself includes a module of that name ({version})"
            )


def _reason(answer: Mapping[str, Any]) -> str:
    """Return why a module was not imported, or ""."""
    if "error" in answer:
        return Failure.from_json(answer["error"]).reason
    return " ".join(str(one) for one in answer["answer"])


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


def _by_source(
    modules: Sequence[LockedModule], source: Source | None
) -> Mapping[Source, list[LockedModule]]:
    groups: dict[Source, list[LockedModule]] = {}
    for one in modules:
        groups.setdefault(source or noted_source(one.source, one.address), []).append(one)
    return groups
