"""What is written into the tenants file: only what is correct."""

from pathlib import Path

from pwsh_kernels.catalog.tenants.editing import Entry, with_entry
from pwsh_kernels.catalog.tenants.loading import read_file
from pwsh_kernels.catalog.tenants.parsing import Form
from pwsh_kernels.errors import BrokenFile, InvalidRequest


def read_correct(path: Path) -> Form:
    """Return the content of the tenants file, empty if there is none. Raises BrokenFile."""
    form = read_file(path, None if path.exists() else "")
    if form.problems:
        raise BrokenFile(str(path), form.problems[0].text, form.problems[0].line)
    return form


def with_correct_entry(path: Path, text: str, entry: Entry) -> str:
    """Return the file's text with an entry.

    Raises InvalidRequest if the file would be incorrect with it.
    """
    new = with_entry(text, entry)
    if problems := read_file(path, new).problems:
        raise InvalidRequest(entry.name, f"cannot be added: {problems[0].text}")
    return new
