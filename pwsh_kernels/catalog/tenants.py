"""The tenants: those of the sandbox, those of the user's tenants file, and a plain one for any other domain name."""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pwsh_kernels.catalog.facts import FactName
from pwsh_kernels.errors import BrokenFile, InvalidTenant

# Read as data: the catalog knows which tenants are simulated, and nothing else of the sandbox's code.
SANDBOX_COMPANY = Path(__file__).parent.parent / "sandbox" / "company.json"
MAX_DOMAIN = 253
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_KEYS = {"name": str, "tenant_id": str, "expected_account": str, "sandbox": bool, "organization": str}


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant, named by a domain. `organization` is set when accounts of a partner manage it (CSP, GDAP)."""

    name: str
    tenant_id: str | None = None
    expected_account: str | None = None
    sandbox: bool = False
    organization: str | None = None

    def facts(self) -> dict[FactName, str | None]:
        """Return the facts about this tenant that a module's scripts can ask for."""
        return {
            "tenant": self.name,
            "tenant_id": self.tenant_id,
            "organization": self.organization,
            "expected_account": self.expected_account,
        }


@dataclass(frozen=True, slots=True)
class Tenants:
    """The tenants that are known by name."""

    known: Mapping[str, Tenant]

    @classmethod
    def load(cls, file: Path | None = None, company: Path = SANDBOX_COMPANY) -> "Tenants":
        """Read the sandbox's tenants, then the user's file, whose entries win. Raises BrokenFile."""
        built_in = _sandbox_tenants(company)
        return cls({**built_in, **(_read_file(file, built_in) if file else {})})

    def find_tenant(self, name: str) -> Tenant:
        """Return the tenant of that name; letter case does not matter. Raises InvalidTenant for what is no domain name."""
        domain = domain_name(name)
        return self.known.get(domain) or Tenant(domain)


def domain_name(text: str) -> str:
    """Return a domain name (ASCII labels, a dot, at most 253 characters) in small letters. Raises InvalidTenant."""
    name = text.lower()
    labels = name.split(".")
    plausible = text.isascii() and len(name) <= MAX_DOMAIN and len(labels) > 1 and not labels[-1].isdigit()
    if not plausible or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidTenant(tenant=text)
    return name


def _sandbox_tenants(company: Path) -> dict[str, Tenant]:
    facts = json.loads(company.read_text(encoding="utf-8"))
    return {one["name"]: Tenant(one["name"], tenant_id=one["tenant_id"], sandbox=True) for one in facts["tenants"]}


def _read_file(file: Path, built_in: Mapping[str, Tenant]) -> dict[str, Tenant]:
    try:
        tenants = [_tenant(entry, built_in) for entry in _entries(tomllib.loads(file.read_text(encoding="utf-8")))]
    except (OSError, TypeError, ValueError, InvalidTenant) as problem:
        raise BrokenFile(file=str(file), problem=str(problem)) from problem
    named = {tenant.name: tenant for tenant in tenants}
    if len(named) < len(tenants):
        raise BrokenFile(file=str(file), problem="a tenant is named twice")
    return named


def _entries(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = facts.get("tenant", [])
    unknown = sorted(set(facts) - {"tenant"})
    if unknown or not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("only [[tenant]] tables are known here")
    return entries


def _tenant(entry: Mapping[str, Any], built_in: Mapping[str, Tenant]) -> Tenant:
    _check_entry(entry)
    name = domain_name(entry["name"])
    simulated = built_in.get(name)
    if entry.get("sandbox") and not simulated:
        raise ValueError(f"{name} is not simulated; sandbox = true is for {', '.join(built_in)}")
    return Tenant(
        name=name,
        tenant_id=entry.get("tenant_id") or (simulated.tenant_id if simulated else None),
        expected_account=entry.get("expected_account") or None,
        sandbox=entry.get("sandbox", simulated is not None),
        organization=entry.get("organization") or None,
    )


def _check_entry(entry: Mapping[str, Any]) -> None:
    if "name" not in entry:
        raise ValueError("a [[tenant]] has no name")
    for key, value in entry.items():
        if key not in _KEYS:
            raise ValueError(f"{key} is not a key of a tenant; known: {', '.join(_KEYS)}")
        if not isinstance(value, _KEYS[key]):
            raise TypeError(f"{key} must be {'true or false' if _KEYS[key] is bool else 'a text'}")
