"""The simulated companies: tenants and the accounts that can sign in, read from company.json."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMPANY_FILE = Path(__file__).parent / "company.json"


@dataclass(frozen=True, slots=True)
class Account:
    """A person of a simulated tenant. `blocked` is the error that the authority gives instead of a token, or None."""

    upn: str
    display_name: str
    role: str
    tenant: str
    blocked: str | None = None


@dataclass(frozen=True, slots=True)
class CompanyTenant:
    """A simulated tenant; `partners` names the tenants whose accounts may manage it (DelegatedOrganization)."""

    name: str
    display_name: str
    tenant_id: str
    domains: tuple[str, ...]
    partners: tuple[str, ...]
    accounts: tuple[Account, ...]


@dataclass(frozen=True, slots=True)
class Company:
    """Every simulated tenant."""

    tenants: tuple[CompanyTenant, ...]

    @classmethod
    def load(cls, file: Path = COMPANY_FILE) -> "Company":
        """Read the tenants that ship with the product, or those of another file of that form."""
        facts = json.loads(file.read_text(encoding="utf-8"))
        return cls(tuple(_tenant(one) for one in facts["tenants"]))

    def accounts(self) -> tuple[Account, ...]:
        """Return every account that can sign in, in the file's order."""
        return tuple(account for tenant in self.tenants for account in tenant.accounts)

    def account(self, upn: str) -> Account | None:
        """Return the account of that name (letter case does not matter), or None."""
        return next((one for one in self.accounts() if one.upn == upn.strip().lower()), None)


def _tenant(facts: dict[str, Any]) -> CompanyTenant:
    return CompanyTenant(
        name=facts["name"],
        display_name=facts["display_name"],
        tenant_id=facts["tenant_id"],
        domains=tuple(facts["domains"]),
        partners=tuple(facts["partners"]),
        accounts=tuple(_account(one, facts["name"]) for one in facts["accounts"]),
    )


def _account(facts: dict[str, Any], tenant: str) -> Account:
    return Account(facts["upn"], facts["display_name"], facts["role"], tenant, facts.get("blocked"))
