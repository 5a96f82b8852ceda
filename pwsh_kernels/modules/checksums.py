"""SHA-256 of a module's files, in the list that `sha256sum --check` reads, and what differs from
such a list.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_UNLISTABLE = {"Cc", "Cs"}
"""Kinds of characters: control characters, halves of characters."""
Sums = Mapping[str, str]
"""The SHA-256 of each file, by its path in the module's folder, with `/`."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A file that has changed since the installation."""

    file: str
    kind: Literal["changed", "missing", "extra"]


def folder_sums(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below a folder; of a link, that of its text."""
    files = (file for file in folder.rglob("*") if file.is_symlink() or file.is_file())
    return {file.relative_to(folder).as_posix(): _sum(file) for file in files}


def _sum(file: Path) -> str:
    if file.is_symlink():
        return digest(f"link to {file.readlink()}")
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def list_text(sums: Sums) -> str:
    """Return the list of the sums, a line for each file in the order of the names: the same for the
    same files, anywhere.
    """
    return "".join(f"{value}  {name}\n" for name, value in sorted(sums.items()))


def unlistable(names: Iterable[str]) -> str:
    """Return the first name that would break such a list (a line end, no text at all), or ""."""
    return next(
        (one for one in names if any(unicodedata.category(mark) in _UNLISTABLE for mark in one)), ""
    )


def read_list(text: str) -> dict[str, str]:
    """Return the sums in a list."""
    rows = (line.partition("  ") for line in text.split("\n"))
    return {name: value for value, _, name in rows if name}


def digest(text: str) -> str:
    """Return the SHA-256 of a text; that of a list is the `sha256` of its module."""
    return hashlib.sha256(text.encode()).hexdigest()


def differences(wanted: Sums, found: Sums) -> list[Difference]:
    """Return the differences between the installed files and the present ones, by name."""
    changed = [
        Difference(name, "changed")
        for name in wanted.keys() & found.keys()
        if wanted[name] != found[name]
    ]
    missing = [Difference(name, "missing") for name in wanted.keys() - found.keys()]
    extra = [Difference(name, "extra") for name in found.keys() - wanted.keys()]
    return sorted([*changed, *missing, *extra], key=lambda one: one.file)
