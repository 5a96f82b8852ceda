"""What to request from a repository, what it offers, and what to take. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pwsh_kernels.catalog.versions import Range, Version
from pwsh_kernels.errors import PackageConflict
from pwsh_kernels.modules.lock import LockedModule


@dataclass(frozen=True, slots=True)
class Wanted:
    """A module to find. `asked`: somebody asked for it, not just a dependency."""

    name: str
    range: Range
    prerelease: bool = False
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Package:
    """A version in a repository; `dependencies` with the range of versions that it accepts of
    each.
    """

    name: str
    version: str
    prerelease: str = ""
    dependencies: Mapping[str, str] | None = None
    asked: bool = True

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "Package":
        """Read a package from the output of gallery.ps1."""
        needs = {str(one["name"]): str(one["range"]) for one in facts["dependencies"]}
        return cls(str(facts["name"]), str(facts["version"]), str(facts["prerelease"]), needs)

    @property
    def package_version(self) -> str:
        """The whole version: `3.2.0`, `3.2.0-beta1`."""
        return f"{self.version}-{self.prerelease}" if self.prerelease else self.version

    def is_installed_as(self, module: LockedModule) -> bool:
        """Return whether an installed module has this name and version, however spelled."""
        mine, other = Version.parse(self.package_version), Version.parse(module.package_version)
        return module.is_named(self.name) and mine == other


def newest(packages: Iterable[Package], wanted: Range) -> Package | None:
    """Return the newest package of a range."""
    fitting = [one for one in packages if Version.parse(one.package_version) in wanted]
    return max(fitting, key=lambda one: Version.parse(one.package_version), default=None)


def without_own(package: Package, own: Mapping[str, str]) -> Package:
    """Return a package without the dependencies that PowerShell's `own` modules (by name, in lower
    case) satisfy.
    """
    needs = {
        name: text
        for name, text in (package.dependencies or {}).items()
        if name.casefold() not in own
        or Version.parse(own[name.casefold()]) not in Range.parse(text)
    }
    return replace(package, dependencies=needs)


def reached(chosen: Mapping[str, Package]) -> list[Package]:
    """Return the chosen packages that somebody asked for, with what they need: the rest was needed
    by versions that have been replaced.
    """
    found = [name for name, one in chosen.items() if one.asked]
    for name in found:  # which grows meanwhile
        needs = [other.casefold() for other in chosen[name].dependencies or {}]
        found += [other for other in needs if other in chosen and other not in found]
    return [chosen[name] for name in found]


def narrowed(wanted: Wanted, packages: Iterable[Package]) -> Wanted:
    """Return the wanted modules, in the versions that fit these packages.

    Raises PackageConflict when there can be none.
    """
    fitting = wanted.range if wanted.asked else Range()  # a dependency's comes from who needs it
    because = f"{fitting.text} was requested"
    for one in packages:
        for name, text in (one.dependencies or {}).items():
            if name.casefold() != wanted.name.casefold():
                continue
            both = fitting.within(Range.parse(text))
            if both is None:
                raise PackageConflict(one.name, name, text, "", because)
            if both != fitting:
                fitting, because = both, f"{one.name} needs {name} {text}"
    early = wanted.prerelease or bool(fitting.low and fitting.low.label)
    return replace(wanted, range=fitting, prerelease=early)


def lacking(
    package: Package, chosen: Mapping[str, Package], selected: Iterable[LockedModule]
) -> list[Wanted]:
    """Return the dependencies that neither the chosen packages nor those of new sessions satisfy.

    `chosen` is by name, in lower case.
    """
    have = {one.name.casefold(): one.package_version for one in selected}
    have |= {name: one.package_version for name, one in chosen.items()}
    found = []
    for name, text in (package.dependencies or {}).items():
        known, wanted = have.get(name.casefold()), Range.parse(text)
        if not (known and Version.parse(known) in wanted):
            found.append(Wanted(name, wanted, asked=False))
    return found


def selection(
    installed: Sequence[LockedModule], chosen: Iterable[LockedModule]
) -> tuple[LockedModule, ...]:
    """Return what new sessions would get with the chosen packages."""
    new = list(chosen)
    kept = [
        one
        for one in installed
        if one.selected and not any(one.is_named(other.name) for other in new)
    ]
    return (*kept, *new)


def completed(
    installed: Sequence[LockedModule], chosen: Sequence[LockedModule]
) -> list[LockedModule]:
    """Return the chosen packages, with installed versions of their dependencies if those of new
    sessions do not fit.
    """
    found = list(chosen)
    for one in found:  # which grows meanwhile
        for name, text in one.needs.items():
            versions = {other.name.casefold(): other for other in selection(installed, found)}
            known = versions.get(name.casefold())
            if (
                not (known and Version.parse(known.package_version) in Range.parse(text))
                and known not in found
            ):
                fitting = [other for other in installed if other.is_named(name)]
                fitting = [
                    other
                    for other in fitting
                    if Version.parse(other.package_version) in Range.parse(text)
                ]
                found += fitting[-1:]
    return found


def check_together(modules: Sequence[LockedModule]) -> None:
    """Raise PackageConflict if the modules that new sessions would get lack what one of them
    needs.
    """
    versions = {one.name.casefold(): one.package_version for one in modules}
    for one in modules:
        for name, text in one.needs.items():
            version = versions.get(name.casefold(), "")
            if not version or Version.parse(version) not in Range.parse(text):
                raise PackageConflict(one.name, name, text, version, _opposed(modules, name, text))


def _opposed(modules: Sequence[LockedModule], name: str, text: str) -> str:
    """Return a sentence that names who accepts none of the needed versions of a module, or ""."""
    return next(
        (
            f"{one.name} needs {other} {wanted}"
            for one in modules
            for other, wanted in one.needs.items()
            if other.casefold() == name.casefold()
            and Range.parse(text).within(Range.parse(wanted)) is None
        ),
        "",
    )
