"""Reads and changes the principals file, whole and correct: for the command line and the page."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from pwsh_kernels.catalog.file_replacement import replace_file
from pwsh_kernels.catalog.file_turns import turn
from pwsh_kernels.errors import BrokenFile, InvalidRequest
from pwsh_kernels.principals.editing import with_values
from pwsh_kernels.principals.parsing import NAME, read_principals
from pwsh_kernels.principals.principal import OWNER, Kind, Principal, derived_agent
from pwsh_kernels.principals.roll import Roll
from pwsh_kernels.principals.watched_file import load_principals


def read_roll(path: Path) -> Roll:
    """Return the principals of the file, none if there is no file. Raises BrokenFile."""
    return load_principals(path) if path.exists() else Roll()


def find(roll: Roll, name: str) -> Principal:
    """Return a principal of the file by its id. Raises InvalidRequest."""
    found = roll.by_id.get(name)
    if found is None:
        known = ", ".join(roll.by_id) or "none"
        raise InvalidRequest(name, f"is not a principal; known: {known}")
    return found


def find_any(roll: Roll, name: str) -> Principal:
    """Return a principal of the file, the owner (`token`), or an agent that acts for one
    (`token/agent:claude-code`). Raises InvalidRequest.
    """
    first, slash, client = name.partition("/agent:")
    one = OWNER if first == OWNER.id else find(roll, first)
    return derived_agent(one, client) if slash else one


def named(name: str) -> Principal:
    """Return a new principal by its id, such as `agent:claude`. Raises InvalidRequest."""
    kind, _, own = name.partition(":")
    if kind not in {Kind.PERSON, Kind.AGENT, Kind.SCRIPT} or not NAME.fullmatch(own):
        raise InvalidRequest(
            name,
            "is not an id: write person:NAME, agent:NAME or script:NAME, where NAME is at most 40"
            " small letters, digits, . _ -",
        )
    return Principal(own, Kind(kind))


def change(path: Path, edit: Callable[[str], str]) -> None:
    """Change the text of the file, as the command before has left it.

    Raises InvalidRequest if the file would be incorrect afterwards, BrokenFile if it cannot be
    read, FileNotWritten if another command does not let go of it.
    """
    with turn(path):
        _change(path, edit)


def _change(path: Path, edit: Callable[[str], str]) -> None:
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    except OSError as problem:
        raise BrokenFile(str(path), problem.strerror or str(problem)) from None
    new = edit(text)
    if problems := read_principals(new).problems:
        raise InvalidRequest("principal", f"cannot be written: {problems[0].text}")
    replace_file(path, new)


def revoke(path: Path, name: str, at: datetime) -> None:
    """Take every right from a principal for good; its entry stays, with the time of the first time.

    Raises InvalidRequest for one that is unknown, and as `change` does.
    """
    one = find(read_roll(path), name)
    if not one.revoked:
        change(path, lambda text: with_values(text, one, {"revoked": at}))
