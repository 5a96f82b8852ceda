"""PowerShell modules that cannot be installed, selected or removed."""

from dataclasses import dataclass, field
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError


@dataclass(eq=False)
class PackageNotFound(ProductError):
    """A repository has no PowerShell module of that name."""

    code: ClassVar[str] = "package_not_found"
    status: ClassVar[int] = 404
    name: str
    source: str
    nearest: list[str] = field(default_factory=list)

    def text(self) -> str:
        meant = f" Did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        return (
            f"{self.source} has no PowerShell module {self.name}.{meant} Check the name, or name"
            " another source with --from."
        )


@dataclass(eq=False)
class PackageVersionNotFound(ProductError):
    """A repository has the module, but not in a requested version."""

    code: ClassVar[str] = "package_version_not_found"
    status: ClassVar[int] = 404
    name: str
    version: str
    source: str
    available: list[str]

    def text(self) -> str:
        there = (
            f"It has {', '.join(self.available)}." if self.available else "It has no other either."
        )
        return (
            f"{self.source} has no version {self.version} of {self.name}. {there} Name one of them"
            " with --version."
        )


@dataclass(eq=False)
class PackageUnfit(ProductError):
    """The catalog says that a version of a service's module does not work."""

    code: ClassVar[str] = "package_unfit"
    status: ClassVar[int] = 409
    name: str
    version: str
    reason: str
    minimum: str

    def text(self) -> str:
        return (
            f"{self.name} {self.version} is not installed: {self.reason.rstrip('. ')}. Name another"
            f" version with --version (the oldest that works is {self.minimum}), or use --force."
        )


@dataclass(eq=False)
class PackageConflict(ProductError):
    """The modules that new sessions would get do not fit together.

    `version` is the one that `needs` would find; empty: none.
    """

    code: ClassVar[str] = "package_conflict"
    status: ClassVar[int] = 409
    name: str
    needs: str
    range: str
    version: str
    other: str = ""
    """What accepts none of these versions of `needs`; "" if some version fits."""

    def text(self) -> str:
        if self.other:
            return (
                f"{self.name} needs {self.needs} {self.range}, and {self.other}: no version of"
                f" {self.needs} fits both. Nothing was changed; one can be installed without the"
                " other."
            )
        found = (
            f"the one for new sessions would be {self.version}"
            if self.version
            else "there would be none"
        )
        return (
            f"{self.name} needs {self.needs} {self.range or '(any version)'}, and {found}. Nothing"
            " was changed. Install or remove the two together: `pwsh-kernels modules install"
            f" {self.name} {self.needs}`."
        )


@dataclass(eq=False)
class PackagePinned(ProductError):
    """An existing session uses the version that is to be removed or replaced."""

    code: ClassVar[str] = "package_pinned"
    status: ClassVar[int] = 409
    name: str
    version: str
    sessions: list[str]

    def text(self) -> str:
        return (
            f"{self.name} {self.version} is in use by {', '.join(self.sessions)}. Close them first"
            " (`pwsh-kernels disconnect TENANT MODULE`), or use --force: their commands may then"
            " fail."
        )


@dataclass(eq=False)
class PackageNotInstalled(ProductError):
    """A command refers to an installed module, but there is none of that name and version."""

    code: ClassVar[str] = "package_not_installed"
    status: ClassVar[int] = 404
    name: str
    version: str
    installed: list[str]

    def text(self) -> str:
        there = (
            f"Installed: {', '.join(self.installed)}."
            if self.installed
            else "Nothing is installed."
        )
        what = f"{self.name} {self.version}".strip()
        return (
            f"{what} is not installed. {there} `pwsh-kernels modules install {self.name}`"
            " installs it."
        )


@dataclass(eq=False)
class PackageHashMismatch(ProductError):
    """A package is not the one in the lock file."""

    code: ClassVar[str] = "package_hash_mismatch"
    status: ClassVar[int] = 409
    name: str
    version: str
    source: str
    expected: str
    found: str

    def text(self) -> str:
        return (
            f"{self.name} {self.version} from {self.source} is not what the lock file names: its"
            f" SHA-256 is {self.found}, not {self.expected}. Nothing was installed. Find out who"
            " changed the package, or take it from another source (--from)."
        )


@dataclass(eq=False)
class PackageBroken(ProductError):
    """A package cannot be unpacked: the download is incomplete, or it is not a package."""

    code: ClassVar[str] = "package_broken"
    status: ClassVar[int] = 502
    name: str
    source: str
    reason: str

    def text(self) -> str:
        return (
            f"The package of {self.name} from {self.source} is broken or incomplete"
            f" ({self.reason}). Nothing was installed. Try again; if it is from a folder, copy the"
            " .nupkg file again."
        )


@dataclass(eq=False)
class PackageInstallFailed(ProductError):
    """PowerShell's own package manager refused, for a reason without a code of its own."""

    code: ClassVar[str] = "package_install_failed"
    status: ClassVar[int] = 502
    name: str
    source: str
    reason: str

    def text(self) -> str:
        reason = self.reason.rstrip(". ")
        return (
            f"{self.name} from {self.source} was not installed: {reason}. Nothing was changed;"
            " another --from may help."
        )


@dataclass(eq=False)
class PackageDoesNotLoad(ProductError):
    """A module was fetched completely, but PowerShell cannot import it on this machine."""

    code: ClassVar[str] = "package_does_not_load"
    status: ClassVar[int] = 409
    name: str
    version: str
    reason: str

    def text(self) -> str:
        return (
            f"PowerShell cannot import {self.name} {self.version} here: {self.reason.rstrip('. ')}."
            " Nothing was installed; another version may work (--version)."
        )


@dataclass(eq=False)
class PackageSourceGone(ProductError):
    """The folder from which modules were installed no longer exists."""

    code: ClassVar[str] = "package_source_gone"
    status: ClassVar[int] = 404
    folder: str

    def text(self) -> str:
        return (
            f"The folder {self.folder}, from which it was installed, no longer exists. Name another"
            " source with --from."
        )


@dataclass(eq=False)
class NoSpaceLeft(ProductError):
    """The disk is full. `free` is in bytes."""

    code: ClassVar[str] = "no_space_left"
    status: ClassVar[int] = 507
    folder: str
    free: int

    def text(self) -> str:
        return (
            f"There is no space left on the disk of {self.folder} ({self.free // 1024} KiB free)."
            " Nothing was installed. Make room (`pwsh-kernels modules remove --unused` removes"
            " versions that nobody uses), or set PWSH_MANAGER_DATA_DIR."
        )


@dataclass(eq=False)
class ModulesBusy(ProductError):
    """Another command is changing the installed modules."""

    code: ClassVar[str] = "modules_busy"
    status: ClassVar[int] = 409
    folder: str

    def text(self) -> str:
        return (
            f"Another `pwsh-kernels modules` command is changing {self.folder}. Try again when it"
            " has ended."
        )


@dataclass(eq=False)
class LockFileEmpty(ProductError):
    """Modules are to be installed from a lock file, but it lists none."""

    code: ClassVar[str] = "lock_file_empty"
    status: ClassVar[int] = 404
    file: str

    def text(self) -> str:
        return (
            f"{self.file} names no module. Copy the modules.lock.toml of another server there, or"
            " name one with --lock FILE."
        )
