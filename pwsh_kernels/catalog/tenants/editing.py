"""Adds tenants to the text of a tenants file; comments and formatting stay as they are. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import tomlkit
from tomlkit.items import AoT, Table

Values = Mapping[str, Any]
_EXTENDED = ("domains", "aliases", "tags", "scopes")


@dataclass(frozen=True, slots=True)
class Entry:
    """An addition: a tenant's values and those of its modules, in the form of the file.

    `comment` goes above it.
    """

    name: str
    values: Values = field(default_factory=dict)
    modules: Mapping[str, Values] = field(default_factory=dict)
    comment: str = ""


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
    for module, values in entry.modules.items():
        if module in found:
            _set(found[module], values)
        else:
            found.append(module, _module(values))
    return f"{tomlkit.dumps(document).rstrip()}\n"


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
    for module, values in entry.modules.items():
        table.append(module, _module(values))
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
