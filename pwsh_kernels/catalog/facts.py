"""The facts that a catalog script can get: their names, which of them are secret, and how a secret
is held.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

FactName = Literal[
    "tenant",
    "tenant_id",
    "organization",
    "delegated_organization",
    "expected_account",
    "sharepoint_url",
    "client_id",
    "certificate_file",
    "certificate_password",
    "certificate_thumbprint",
    "client_secret",
    "access_token",
    "graph_token",
    "federated_token",
    "identity_id",
    "subscription",
    "scopes",
    "powershell_module",
    "minimum_version",
    "install",
    "catalog_folder",
    "home_files",
    "read_commands",
]
"""`tenant` … `scopes` come from the tenant and the request, the last six from the module's own
file; `read_commands` in the read tier alone.
"""

SECRET_FACTS: frozenset[FactName] = frozenset(
    {"certificate_password", "client_secret", "access_token", "graph_token", "federated_token"}
)
"""Facts whose value is a Secret; scripts get them as SecureString."""

_TENANTS_FILE: Mapping[FactName, str] = {
    "sharepoint_url": "site (or sharepoint_host next to the tenant's name)"
}
"""Facts that the tenants file has under other keys."""


def file_keys(need: Iterable[FactName]) -> str:
    """Return what the tenants file must contain for one of these facts, in the file's own words."""
    return " or ".join(_TENANTS_FILE.get(fact, fact) for fact in need)


@dataclass(frozen=True, slots=True)
class Secret:
    """The value of a secret fact; its text is in no repr."""

    text: str = field(repr=False)


Fact = str | Secret | tuple[str, ...]
Facts = Mapping[FactName, Fact | None]
