"""The lock file of installed modules: versions, where they came from, SHA-256.

It can be copied to another server.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tomlkit

from pwsh_kernels.catalog.versions import Version
from pwsh_kernels.errors import BrokenFile, is_exhausted

HEADER = (
    "What `pwsh-kernels modules install` has installed. `pwsh-kernels modules install --locked`"
    " installs the same elsewhere."
)
_FORMS = {
    "name": re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*"),
    "version": re.compile(r"\d+(\.\d+){1,3}", re.ASCII),
    "prerelease": re.compile(r"[0-9A-Za-z.-]*"),
    "sha256": re.compile(r"[0-9a-f]{64}"),
}
"""Names and versions become names of folders, so nothing else is accepted.

A module that was never installed has no digest.
"""


@dataclass(frozen=True, slots=True)
class LockedModule:
    """One installed version of a module.

    `version` names its folder, as PowerShell wants it (3.2.0); `prerelease` is what follows it in
    the package's version. `source` is the repository's name or a folder, `address` the repository's
    URL. `sha256` is that of the list of its files (checksums.py). `dependencies` are names,
    `ranges` the versions of each that it accepts, in that order. New sessions get the `selected`
    version, one for each name. `requested`: somebody asked for it; otherwise it is a dependency.
    """

    name: str
    version: str
    source: str = ""
    sha256: str = ""
    dependencies: tuple[str, ...] = ()
    selected: bool = True
    prerelease: str = ""
    address: str = ""
    ranges: tuple[str, ...] = ()
    requested: bool = True

    @property
    def package_version(self) -> str:
        """The package's version: `3.2.0`, `3.2.0-beta1`."""
        return f"{self.version}-{self.prerelease}" if self.prerelease else self.version

    @property
    def needs(self) -> Mapping[str, str]:
        """The range of versions that it accepts of each dependency; "" accepts any."""
        return dict(
            zip(self.dependencies, (*self.ranges, *[""] * len(self.dependencies)), strict=False)
        )

    def is_named(self, name: str) -> bool:
        """Return whether this is the module of that name, as PowerShell compares names."""
        return self.name.casefold() == name.casefold()

    def shares_folder(self, other: "LockedModule") -> bool:
        """Return whether both use the same folder: a version exists in one prerelease at a time."""
        return self.is_named(other.name) and self.version == other.version


def read_lock(file: Path) -> tuple[LockedModule, ...]:
    """Return the modules of a lock file; none if there is no file. Raises BrokenFile."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as problem:
        if isinstance(problem, OSError) and is_exhausted(problem):
            raise
        raise BrokenFile(str(file), str(problem)) from problem
    entries = content.get("module", [])
    if not isinstance(entries, list):
        raise BrokenFile(str(file), "`module` must be a list of tables: [[module]]")
    modules = tuple(_module(file, number, entry) for number, entry in enumerate(entries, 1))
    _check_once(file, modules)
    return _one_selected(file, modules)


def lock_text(modules: Iterable[LockedModule]) -> str:
    """Return the text of a lock file, the same for the same modules."""
    document = tomlkit.document()
    document.add(tomlkit.comment(HEADER))
    tables = tomlkit.aot()
    for one in sorted(
        modules, key=lambda one: (one.name.casefold(), Version.parse(one.package_version))
    ):
        table = tomlkit.table()
        table.update(
            {
                key: list(value) if isinstance(value, tuple) else value
                for key, value in asdict(one).items()
            }
        )
        tables.append(table)
    document.add("module", tables)
    return tomlkit.dumps(document)


def is_module_name(text: str) -> bool:
    """Return whether a lock file can contain a text as the name of a module."""
    return bool(_FORMS["name"].fullmatch(text))


def unwritable(module: LockedModule) -> str:
    """Return the first value of a module that a lock file cannot contain, as `key = value`, or
    "".
    """
    return wrong_entry({key: getattr(module, key) for key in _FORMS})


def wrong_entry(texts: Mapping[str, object]) -> str:
    """Return the first of an entry's texts with an invalid form, as `key = value`, or ""."""
    for key, value in texts.items():
        form = _FORMS.get(key)
        if not isinstance(value, str) or (
            form and not form.fullmatch(value) and (key != "sha256" or value)
        ):
            return f"{key} = {value!r}"
    return ""


def _module(file: Path, number: int, entry: Any) -> LockedModule:
    if not isinstance(entry, dict):
        raise BrokenFile(str(file), f"module {number} must be a table")
    texts = {
        key: entry.get(key, "")
        for key in ("name", "version", "source", "sha256", "prerelease", "address")
    }
    lists = {key: entry.get(key, []) for key in ("dependencies", "ranges")}
    if wrong := wrong_entry(texts):
        raise BrokenFile(
            str(file), f"module {number}: {wrong} is not as `modules install` writes it"
        )
    for key, value in lists.items():
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise BrokenFile(str(file), f"module {number}: {key} must be a list of strings")
    flags = {key: entry.get(key, True) is True for key in ("selected", "requested")}
    values: dict[str, Any] = {
        **texts,
        **{key: tuple(value) for key, value in lists.items()},
        **flags,
    }
    return LockedModule(**values)


def _check_once(file: Path, modules: tuple[LockedModule, ...]) -> None:
    places = [(one.name.casefold(), one.version) for one in modules]
    if twice := next((one for one in places if places.count(one) > 1), None):
        raise BrokenFile(str(file), f"{' '.join(twice)} is listed twice; it may be listed once")


def _one_selected(file: Path, modules: tuple[LockedModule, ...]) -> tuple[LockedModule, ...]:
    names = [one.name.casefold() for one in modules if one.selected]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BrokenFile(str(file), f"two versions of {twice} are selected; only one can be")
    return modules
