"""A TOML text that is a list of tables, and the line of it that a problem is about. Pure."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_AT_LINE = re.compile(r"at line (\d+)")
_TABLE = re.compile(r"\s*\[\[?([^\[\]]+)\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w.\"'-]+)\s*=")
_LONG_TEXT = re.compile(r"'''|\"\"\"")


def line_of_syntax_error(message: str, text: str) -> int:
    """Return the line that tomllib's message names; it calls the last one `end of document`."""
    named = _AT_LINE.search(message)
    return int(named[1]) if named else max(1, len(text.splitlines()))


def line_of_key(place: Sequence[str], text: str) -> int | None:
    """Return the line of a key, or of the nearest table around it that the text contains; None if
    there is none.
    """
    lines = dict(_keys(text))
    around = (tuple(place[:length]) for length in range(len(place), 0, -1))
    return next((lines[keys] for keys in around if keys in lines), None)


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem in a file, with its line if that is known."""

    text: str
    line: int | None = None

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}" if self.line else self.text


def entries_of(text: str, *tables: str) -> list[list[Mapping[str, Any]]]:
    """Return the entries of each of these tables, of a text that has nothing else.

    Raises TOMLDecodeError, and ValueError for a text that has something else.
    """
    facts = tomllib.loads(text)
    found = [facts.get(table, []) for table in tables]
    if set(facts) - set(tables) or not all(map(_is_list_of_tables, found)):
        known = " and ".join(f"[[{one}]]" for one in tables)
        raise ValueError(f"only {known} tables are known here")
    return found


def _is_list_of_tables(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


@dataclass(frozen=True, slots=True)
class EntryPlace:
    """The place of an entry of a list of tables (`[[tenant]]`) in its file.

    `start`: the number of lines before it; `text` is its own part of the file.
    """

    table: str
    name: str
    start: int
    text: str

    def line(self, place: Sequence[str] = ()) -> int:
        """Return the line of a key of the entry, or of the nearest table around it."""
        return self.start + (line_of_key((self.table, *place), self.text) or 1)


def entry_places(text: str, table: str) -> list[EntryPlace]:
    """Return the place of each entry of a list of tables in a correct TOML text, in its order."""
    entries = tomllib.loads(text).get(table, [])
    names = [str(entry.get("name", "")).lower() for entry in entries]
    header = re.compile(rf"\s*\[\[\s*{re.escape(table)}\s*\]\]")
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if header.match(line)]
    if len(starts) != len(names):  # written as a list of inline tables: all in one place
        return [EntryPlace(table, name, 0, text) for name in names]
    ends = [*starts, len(lines)][1:]
    parts = zip(names, starts, ends, strict=True)
    return [
        EntryPlace(table, name, start, "\n".join(lines[start:end])) for name, start, end in parts
    ]


def _keys(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield each key of the text with its line, ignoring the content of multi-line strings."""
    table: tuple[str, ...] = ()
    inside = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not inside and (header := _TABLE.match(line)):
            table = _parts(header[1])
            yield table, number
        elif not inside and (key := _KEY.match(line)):
            yield (*table, *_parts(key[1])), number
        inside = _inside_after(line, inside)


def _inside_after(line: str, inside: str) -> str:
    """Return the quotes of the multi-line string that is open after a line, or nothing."""
    for quotes in _LONG_TEXT.findall(line):
        inside = "" if inside == quotes else inside or quotes
    return inside


def _parts(key: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in key.split("."))
