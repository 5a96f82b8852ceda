"""What the names in a request mean: the tenant, the module, and the key of their session."""

from dataclasses import dataclass

from pwsh_kernels.catalog import Catalog, Module, Tenant, Tenants
from pwsh_kernels.sessions.identity import SessionKey


@dataclass(frozen=True, slots=True)
class Directory:
    """The known modules and tenants."""

    catalog: Catalog
    tenants: Tenants

    def names(self, tenant: str, module: str) -> tuple[Tenant, Module, SessionKey]:
        """Return what a tenant and a module are. Raises UnknownModule, InvalidTenant."""
        known_module, known_tenant = self.catalog.module(module), self.tenants.find_tenant(tenant)
        return known_tenant, known_module, SessionKey(known_tenant.name, known_module.key)
