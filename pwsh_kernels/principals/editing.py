"""Changes the text of a principals file; comments and formatting stay as they are. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.items import AoT, Table

from pwsh_kernels.catalog.tenants.editing import separated
from pwsh_kernels.principals.parsing import TABLE
from pwsh_kernels.principals.principal import EVERY, Grant, Principal


def with_principal(text: str, principal: Principal) -> str:
    """Return the text with a new principal at the end."""
    table = _table(
        {
            "name": principal.name,
            "kind": principal.kind.value,
            "token_sha256": principal.token_hash,
            "created": principal.created,
            "expires": principal.expires,
            "jupyter": principal.jupyter or None,
        }
    )
    if principal.grants:
        table.append("grant", AoT([_grant(one) for one in principal.grants]))
    return f"{separated(text)}{tomlkit.dumps({TABLE: AoT([table])}).rstrip()}\n"


def with_grant(text: str, principal: Principal, grant: Grant) -> str:
    """Return the text with one more grant of one of its principals."""
    document = tomlkit.parse(text)
    entry = _entry(document, principal)
    if "grant" in entry:
        entry["grant"].append(_grant(grant))
    else:
        entry.append("grant", AoT([_grant(grant)]))
    return tomlkit.dumps(document)


def with_values(text: str, principal: Principal, values: Mapping[str, str | datetime]) -> str:
    """Return the text with other values of one of its principals."""
    document = tomlkit.parse(text)
    entry = _entry(document, principal)
    for key, value in values.items():
        entry[key] = value
    return tomlkit.dumps(document)


def _entry(document: TOMLDocument, principal: Principal) -> Any:
    wanted = principal.name, principal.kind.value
    return next(one for one in document[TABLE] if (one["name"], one["kind"]) == wanted)


def _grant(grant: Grant) -> Table:
    return _table(
        {
            "verbs": sorted(grant.verbs),
            "tenants": sorted(grant.tenants) or None,
            "tags": sorted(grant.tags) or None,
            "modules": None if EVERY in grant.modules else sorted(grant.modules),
        }
    )


def _table(values: Mapping[str, Any]) -> Table:
    table = tomlkit.table()
    for key, value in values.items():
        if value is not None:
            table.add(key, [str(one) for one in value] if isinstance(value, list) else value)
    return table
