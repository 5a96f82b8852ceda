"""Adds tenants to the text of a tenants file; comments and formatting stay as they are. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import tomlkit
from tomlkit.items import AoT, Table

Values = Mapping[str, Any]
READ = "read"
"""The table of a tenant whose tables are those of the read tier."""
_EXTENDED = ("domains", "aliases", "tags", "scopes")


@dataclass(frozen=True, slots=True)
class Entry:
    """An addition: a tenant's values, those of its modules, and of their read tier (`readers`), in
    the form of the file.

    `comment` goes above it.
    """

    name: str
    values: Values = field(default_factory=dict)
    modules: Mapping[str, Values] = field(default_factory=dict)
    comment: str = ""
    readers: Mapping[str, Values] = field(default_factory=dict)


def with_entry(text: str, entry: Entry) -> str:
    """Return the text with an entry: a new one at the end, or more values in the existing one."""
    document = tomlkit.parse(text)
    found = next(
        (
            one
            for one in document.get("tenant", [])
            if str(one.get("name", "")).lower() == entry.name
        ),
        None,
    )
    if found is None:
        return separated(text) + _new(entry)
    _set(found, entry.values)
    _set_modules(found, entry.modules)
    if entry.readers:
        if READ not in found:
            found.append(READ, tomlkit.table(is_super_table=True))
        _set_modules(found[READ], entry.readers)
    return f"{tomlkit.dumps(document).rstrip()}\n"


def _set_modules(table: Table, modules: Mapping[str, Values]) -> None:
    for module, values in modules.items():
        if module in table:
            _set(table[module], values)
        else:
            table.append(module, _module(values))


def _module(values: Values) -> Table:
    table = tomlkit.table()
    _set(table, values)
    table.add(tomlkit.nl())  # the next table of the file follows
    return table


def separated(text: str) -> str:
    """Return a text to which an entry can be added, after a blank line."""
    return f"{text.rstrip()}\n\n" if text.strip() else ""


def _new(entry: Entry) -> str:
    table = tomlkit.table()
    if entry.comment:
        table.add(tomlkit.comment(re.sub(r"[\x00-\x1f\x7f\s]+", " ", entry.comment).strip()))
    _set(table, {"name": entry.name, **entry.values})
    _set_modules(table, entry.modules)
    if entry.readers:
        table.append(READ, tomlkit.table(is_super_table=True))
        _set_modules(table[READ], entry.readers)
    return f"{tomlkit.dumps({'tenant': AoT([table])}).rstrip()}\n"


def _set(table: Table, values: Values) -> None:
    """Set values; lists of names are appended to, anything else is replaced."""
    for key, value in values.items():
        if key in _EXTENDED and key in table:
            value = list(dict.fromkeys([*table[key], *value]))  # noqa: PLW2901 - the same value, with what was there
        table[key] = _inline(value)


def _inline(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    inline = tomlkit.inline_table()
    inline.update(value)
    return inline
