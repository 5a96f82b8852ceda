"""A run's output as a page shows it: text, and records with what to do about them. Pure."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pwsh_kernels import shapes
from pwsh_kernels.escapes import plain

LABELS = {
    "error": "Error",
    "warning": "Warning",
    "verbose": "Verbose",
    "debug": "Debug",
    "information": "Information",
}
MOST_ROWS = 500
MOST_COLUMNS = 12
"""A table with more columns cannot be read on a page: the ones that all objects have come first."""
LONGEST_CELL = 200


@dataclass(frozen=True, slots=True)
class Piece:
    """Text, or a record: then with its label, its mark and what to do about it."""

    text: str
    mark: str = ""
    label: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Objects as rows; what is left out is counted."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    more_rows: int = 0
    more_columns: int = 0


def pieces_of(entries: Iterable[shapes.Entry], errors: Iterable[shapes.ErrorRecord]) -> list[Piece]:
    """Return entries as pieces; an error comes with the advice that the run has for it."""
    advice = {_name(one): one["suggestion"] for one in errors if one["suggestion"]}
    return [_piece(one, advice) for one in entries]


def _piece(entry: shapes.Entry, advice: Mapping[tuple[str, str], str]) -> Piece:
    record = entry["record"]
    if record is None or entry["kind"] not in LABELS:
        return Piece(plain(entry["text"]))
    kind = entry["kind"]
    return Piece(plain(record["message"]), kind, LABELS[kind], advice.get(_name(record), ""))


def _name(record: Mapping[str, Any]) -> tuple[str, str]:
    return record["message"], record["error_id"]


def table_of(output_format: str, text: str) -> Table | None:
    """Return a run's result as a table, if it is a list of objects; None: it is not."""
    rows = _objects(output_format, text)
    if not rows or not all(isinstance(one, dict) for one in rows):
        return None
    columns = list(dict.fromkeys(name for one in rows[:MOST_ROWS] for name in one))
    shown = columns[:MOST_COLUMNS]
    return Table(
        [plain(one) for one in shown],
        [[_cell(one.get(name)) for name in shown] for one in rows[:MOST_ROWS]],
        max(0, len(rows) - MOST_ROWS),
        len(columns) - len(shown),
    )


def _objects(output_format: str, text: str) -> list[Any]:
    if output_format == "csv":
        return list(csv.DictReader(io.StringIO(text)))
    if output_format != "json":
        return []
    try:
        value = json.loads(text)
    except ValueError:
        return []
    return value if isinstance(value, list) else [value]


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = plain(text)
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"
