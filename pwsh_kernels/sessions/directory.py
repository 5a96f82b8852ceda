"""What the names in a request mean: the tenant, the module, and the key of their session."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pwsh_kernels.catalog import Catalog, Module, Tenant, Tenants
from pwsh_kernels.errors import ProductError, ReaderNotConfigured
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.shapes import Tier


@dataclass(frozen=True, slots=True)
class Directory:
    """The known modules and tenants."""

    catalog: Catalog
    tenants: Callable[[], Tenants]
    """Returns the tenants as they are now: the user's file may change at any time."""

    def module(self, key: str) -> Module:
        """Return what a module is. Raises UnknownModule, UnsupportedModule."""
        return self.catalog.module(key)

    def tenant_name(self, tenant: str) -> str:
        """Return a tenant's own name for any of its names; a text that names none is returned as it
        is.
        """
        try:
            return self.tenants().find_tenant(tenant).name
        except ProductError:
            return tenant

    def secret_files(self) -> set[Path]:
        """Return every certificate file and secret file that the tenants' entries name."""
        return {file for tenant in self.tenants().known.values() for file in tenant.files()}

    def names(
        self, tenant: str, module: str, tier: Tier = "write"
    ) -> tuple[Tenant, Module, SessionKey]:
        """Return what a tenant and a module are; the tenant of the read tier has its access only.

        Raises UnknownModule, UnsupportedModule, InvalidTenant, UnknownTenant.
        """
        known_module, known_tenant = self.catalog.module(module), self.tenants().find_tenant(tenant)
        key = SessionKey(known_tenant.name, known_module.key, tier)
        return known_tenant.reading(key.module) if key.reads else known_tenant, known_module, key

    def named(self, session: str, module: str) -> tuple[Tenant, Module, SessionKey]:
        """Return the same for the name of a session; `module` is that of one that names none."""
        asked = SessionKey.parse(session, module)
        return self.names(asked.tenant, asked.module, asked.tier)

    def to_use(self, tenant: str, module: str, tier: Tier) -> tuple[Tenant, Module, SessionKey]:
        """Return the same for a session that somebody is to sign in or to use. Raises also
        ReaderNotConfigured.
        """
        found = self.names(tenant, module, tier)
        known, _, key = found
        if key.reads and not known.reads(key.module):
            raise ReaderNotConfigured(tenant=key.tenant, module=key.module)
        return found
