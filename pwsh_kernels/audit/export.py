"""Records for other programs: JSON lines, CSV, CEF. Pure."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from pwsh_kernels import __version__

Record = Mapping[str, Any]
COLUMNS = (
    *("seq", "time", "kind", "door", "principal", "client", "tenant", "module", "run_id"),
    *("class", "outcome", "verb", "reason", "command", "command_sha256", "output_sha256", "hash"),
)
FORMULA = re.compile(r"[=+\-@\t\r]")
"""What a spreadsheet takes for a formula: such a cell begins with an apostrophe."""
SEVERE = {"denied": 6, "session.killed": 5, "log.recovered": 7, "log.resumed": 8}
SEVERITY = 3


def json_lines(records: Iterable[Record]) -> Iterator[str]:
    """Yield each record as one line of JSON."""
    return (json.dumps(one, ensure_ascii=False) for one in records)


def csv_lines(records: Iterable[Record]) -> Iterator[str]:
    """Yield a table: its head, then a row for each record with what most kinds have."""
    yield ",".join(COLUMNS)
    for one in records:
        written = io.StringIO()
        row = (_cell(one.get(name, "")) for name in COLUMNS)
        csv.writer(written, lineterminator="").writerow(row)
        yield written.getvalue()


def _cell(value: object) -> str:
    text = str(value)
    return f"'{text}" if FORMULA.match(text) else text


def cef_lines(records: Iterable[Record]) -> Iterator[str]:
    """Yield each record as an event of ArcSight's Common Event Format, version 0."""
    return (_cef(one) for one in records)


def _cef(record: Record) -> str:
    kind = str(record.get("kind", ""))
    head = ("pwsh-kernels", "pwsh-kernels", __version__, kind, kind.replace(".", " ").capitalize())
    facts = {
        "rt": _milliseconds(str(record.get("time", ""))),
        "externalId": record["seq"],
        "suser": record.get("principal"),
        "requestClientApplication": record.get("client"),
        "outcome": record.get("outcome"),
        "reason": record.get("reason"),
        "msg": record.get("command"),
        "fileHash": record.get("output_sha256"),
        **_labelled(cs1=("tenant", record), cs2=("module", record), cs3=("door", record)),
        **_labelled(cs4=("run_id", record), cs5=("command_sha256", record), cs6=("hash", record)),
    }
    said = " ".join(f"{name}={_value(value)}" for name, value in facts.items() if value is not None)
    escaped = "|".join(one.replace("\\", "\\\\").replace("|", "\\|") for one in head)
    return f"CEF:0|{escaped}|{SEVERE.get(kind, SEVERITY)}|{said}"


def _labelled(**fields: tuple[str, Record]) -> dict[str, object]:
    """Return fields of one's own, each with its label, for the facts that a record has."""
    said: dict[str, object] = {}
    for field, (name, record) in fields.items():
        if name in record:
            said |= {f"{field}Label": name, field: record[name]}
    return said


def _value(value: object) -> str:
    text = str(value).replace("\\", "\\\\").replace("=", "\\=")
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _milliseconds(time: str) -> int | None:
    try:
        return round(datetime.fromisoformat(time).timestamp() * 1000)
    except ValueError:
        return None


FORMATS: Mapping[str, Callable[[Iterable[Record]], Iterator[str]]] = {
    "jsonl": json_lines,
    "csv": csv_lines,
    "cef": cef_lines,
}
