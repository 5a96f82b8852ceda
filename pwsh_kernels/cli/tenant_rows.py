"""A command's results in several tenants as one JSON or one CSV, with a column for the tenant.

Pure.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pwsh_kernels.shapes import ForeignJson

TENANT = "tenant"
VALUE = "value"
"""The column of a result that has no columns, or that has a column `tenant` of its own."""


def json_rows(results: Iterable[tuple[str, str]]) -> tuple[str, list[str]]:
    """Return one JSON array of all tenants' objects, and the tenants whose result is cut off and
    therefore not JSON; `results`: tenant and JSON.
    """
    rows: list[ForeignJson] = []
    broken: list[str] = []
    for tenant, text in results:
        try:
            rows += _tenant_rows(tenant, json.loads(text or "[]"))
        except ValueError:
            broken.append(tenant)
    return json.dumps(rows, indent=2, ensure_ascii=False), broken


def _tenant_rows(tenant: str, found: Any) -> list[ForeignJson]:
    return [_row(tenant, one) for one in (found if isinstance(found, list) else [found])]


def _row(tenant: str, one: Any) -> ForeignJson:
    """Return the object with its tenant in front.

    PowerShell cannot read an object with two names that differ only in case.
    """
    if not isinstance(one, Mapping) or any(map(_is_taken, one)):
        return {TENANT: tenant, VALUE: one}
    return {TENANT: tenant, **one}


def _is_taken(name: str) -> bool:
    return name.casefold() == TENANT


def csv_rows(results: Iterable[tuple[str, str]]) -> str:
    """Return one CSV of all tenants' rows, with every column that any of them has; `results`:
    tenant and CSV.
    """
    rows = [
        (tenant, row)
        for tenant, text in results
        for row in csv.DictReader(io.StringIO(text, newline=""))
    ]
    if not rows:
        return ""
    columns = list(dict.fromkeys(name for _, row in rows for name in row))
    made = io.StringIO()
    writer = csv.writer(made, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([TENANT, *(f"{VALUE}.{one}" if _is_taken(one) else one for one in columns)])
    writer.writerows([tenant, *(row.get(name, "") for name in columns)] for tenant, row in rows)
    return made.getvalue()
