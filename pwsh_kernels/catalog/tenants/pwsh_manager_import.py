"""Reads the connections file of pwsh-manager, the predecessor (`.m365-connections.json`), as
entries of a tenants file.

Pure.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pwsh_kernels.catalog.tenants.editing import Entry
from pwsh_kernels.catalog.tenants.names import is_domain_name

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NO_ALIAS = re.compile(r"[^A-Za-z0-9._ -]+")
APP_MODULE = "pnp"
"""The module that the predecessor gave a connection's `appId` to."""


@dataclass(frozen=True, slots=True)
class Imported:
    """Entries, one for each tenant, and a sentence for each thing that could not be taken over."""

    entries: tuple[Entry, ...]
    notes: tuple[str, ...]


def read_connections(text: str) -> Imported:
    """Return the file's connections as entries. Raises ValueError if it is not such a file."""
    facts = json.loads(text)
    connections = facts.get("connections") if isinstance(facts, dict) else None
    if not isinstance(connections, dict):
        raise ValueError("it has no object `connections`")  # noqa: TRY004 - wrong content, as broken JSON is
    entries: dict[str, Entry] = {}
    notes: list[str] = []
    for title, connection in connections.items():
        entry = _entry(title, connection) if isinstance(connection, dict) else None
        if not entry:
            notes.append(f"{title}: left out, its tenant is not a domain name")
        elif entry.name in entries:
            entries[entry.name], lost = _merged(entries[entry.name], entry)
            notes += [
                f"{title}: {key} differs from that of another connection to {entry.name}; left out"
                for key in lost
            ]
        else:
            entries[entry.name] = entry
    return Imported(tuple(entries.values()), tuple(notes))


def _entry(title: str, connection: Mapping[str, Any]) -> Entry | None:
    tenant, account = _text(connection, "tenant"), _text(connection, "expectedEmail")
    tenant_id = _text(connection, "tenantId") or (tenant if _GUID.fullmatch(tenant) else "")
    name = _domain(tenant) or _domain(account.partition("@")[2])
    values = {
        "tenant_id": tenant_id,
        "aliases": [alias] if (alias := _alias(title)) and alias != name else [],
        "sharepoint_host": _text(connection, "sharepoint_host").removesuffix(".sharepoint.com"),
        "expected_account": account,
    }
    given = {key: value for key, value in values.items() if value}
    return (
        Entry(name, given, _modules(connection), _text(connection, "description")) if name else None
    )


def _domain(text: str) -> str | None:
    name = text.lower()
    return name if text.isascii() and is_domain_name(name) else None


def _text(facts: Mapping[str, Any], key: str) -> str:
    value = facts.get(key)
    return value.strip() if isinstance(value, str) else ""


def _alias(title: str) -> str:
    return _NO_ALIAS.sub("-", title).strip(" ._-")[:63].strip(" ._-").lower()


def _modules(connection: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    apps = connection.get("moduleApps")
    by_module = {APP_MODULE: _text(connection, "appId"), **(apps if isinstance(apps, dict) else {})}
    return {
        module: {"client_id": app}
        for module, app in by_module.items()
        if isinstance(app, str) and app
    }


def _merged(first: Entry, second: Entry) -> tuple[Entry, list[str]]:
    """Return one entry for two connections to a tenant, and the keys in which the second differs:
    the first one's stay.
    """
    aliases = [*first.values.get("aliases", []), *second.values.get("aliases", [])]
    values = {
        **second.values,
        **first.values,
        **({"aliases": list(dict.fromkeys(aliases))} if aliases else {}),
    }
    lost = [
        key for key, value in second.values.items() if key != "aliases" and values[key] != value
    ]
    modules = {**second.modules, **first.modules}
    lost += [
        f"client_id of {module}"
        for module, access in second.modules.items()
        if modules[module] != access
    ]
    return Entry(first.name, values, modules, first.comment or second.comment), lost
