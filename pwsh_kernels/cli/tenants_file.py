"""Writes the tenants file: whole or not at all, correct, and readable for its owner only."""

import os
import tempfile
from pathlib import Path

from pwsh_kernels.catalog.tenants.editing import Entry, with_entry
from pwsh_kernels.catalog.tenants.loading import read_file
from pwsh_kernels.catalog.tenants.parsing import Form
from pwsh_kernels.errors import BrokenFile, InvalidRequest


def read_correct(path: Path) -> Form:
    """Return what the tenants file says; nothing, while there is none. Raises BrokenFile."""
    form = read_file(path, None if path.exists() else "")
    if form.problems:
        raise BrokenFile(str(path), form.problems[0].text, form.problems[0].line)
    return form


def with_correct_entry(path: Path, text: str, entry: Entry) -> str:
    """Return the file's text with an entry.

    Raises InvalidRequest when the file would not be correct with it.
    """
    new = with_entry(text, entry)
    if problems := read_file(path, new).problems:
        raise InvalidRequest(entry.name, f"cannot be added: {problems[0].text}")
    return new


def replace_file(path: Path, text: str) -> None:
    """Put a new file in the place of the old one, at once; nobody else can read it."""
    path = path.resolve()  # a link stays one
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    number, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(number, "w", encoding="utf-8") as opened:
            opened.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
