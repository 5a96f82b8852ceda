"""The simulated companies: tenants, the accounts and applications that can sign in, and traps, read
from company.json.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMPANY_FILE = Path(__file__).parent / "company.json"


@dataclass(frozen=True, slots=True)
class Account:
    """A person of a simulated tenant.

    `blocked` is the error that the authority gives instead of a token, or None.
    """

    upn: str
    display_name: str
    role: str
    tenant: str
    blocked: str | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """An application of a simulated tenant, or its managed identity (with the role and scopes that
    it has there).
    """

    client_id: str
    display_name: str
    role: str
    scopes: tuple[str, ...]
    tenant: str
    blocked: str | None = None


@dataclass(frozen=True, slots=True)
class Environment:
    """A Power Platform environment of a simulated tenant."""

    name: str
    display_name: str
    type: str
    location: str


@dataclass(frozen=True, slots=True)
class CompanyTenant:
    """A simulated tenant; `partners` names the tenants whose accounts may manage it
    (DelegatedOrganization).
    """

    name: str
    display_name: str
    tenant_id: str
    domains: tuple[str, ...]
    initial_domain: str
    sharepoint_host: str
    partners: tuple[str, ...]
    accounts: tuple[Account, ...]
    applications: tuple[Application, ...]
    environments: tuple[Environment, ...]

    def knows(self, name: str) -> bool:
        """Return whether this is a name, domain or id of the tenant."""
        return name.strip().lower() in {self.name, self.tenant_id, *self.domains}


@dataclass(frozen=True, slots=True)
class Company:
    """Every simulated tenant.

    `traps`: awkward behaviour of real modules that can be switched on, with a sentence each.
    """

    tenants: tuple[CompanyTenant, ...]
    traps: Mapping[str, str]

    @classmethod
    def load(cls, file: Path = COMPANY_FILE) -> "Company":
        """Read the tenants that ship with the product, or those of another file of that form."""
        facts = json.loads(file.read_text(encoding="utf-8"))
        return cls(tuple(_tenant(one) for one in facts["tenants"]), facts["traps"])

    def tenant(self, name: str) -> CompanyTenant | None:
        """Return the tenant of that name, domain or id, or None."""
        return next((one for one in self.tenants if one.knows(name)), None)

    def accounts(self) -> tuple[Account, ...]:
        """Return every account that can sign in, in the file's order."""
        return tuple(account for tenant in self.tenants for account in tenant.accounts)

    def account(self, upn: str) -> Account | None:
        """Return the account of that name (letter case does not matter), or None."""
        return next((one for one in self.accounts() if one.upn == upn.strip().lower()), None)

    def application(self, client_id: str) -> Application | None:
        """Return the application or managed identity of that id (letter case does not matter), or
        None.
        """
        wanted = client_id.strip().lower()
        return next(
            (
                app
                for tenant in self.tenants
                for app in tenant.applications
                if app.client_id == wanted
            ),
            None,
        )


def _tenant(facts: Mapping[str, Any]) -> CompanyTenant:
    return CompanyTenant(
        name=facts["name"],
        display_name=facts["display_name"],
        tenant_id=facts["tenant_id"],
        domains=tuple(facts["domains"]),
        initial_domain=facts["initial_domain"],
        sharepoint_host=facts["sharepoint_host"],
        partners=tuple(facts["partners"]),
        accounts=tuple(_account(one, facts["name"]) for one in facts["accounts"]),
        applications=tuple(
            _application(one, facts["name"])
            for one in [*facts["applications"], facts["managed_identity"]]
        ),
        environments=tuple(Environment(**one) for one in facts["environments"]),
    )


def _account(facts: Mapping[str, Any], tenant: str) -> Account:
    return Account(facts["upn"], facts["display_name"], facts["role"], tenant, facts.get("blocked"))


def _application(facts: Mapping[str, Any], tenant: str) -> Application:
    name, role, scopes = facts["display_name"], facts["role"], tuple(facts["scopes"])
    return Application(facts["client_id"], name, role, scopes, tenant, facts.get("blocked"))
