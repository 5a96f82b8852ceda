"""What a right is asked for, made from a tenant of the catalog. Pure."""

from pwsh_kernels.catalog import Tenant
from pwsh_kernels.principals.principal import Reach, Where


def tenant_place(tenant: Tenant) -> Where:
    """Return a tenant: any of its modules."""
    return Where(Reach.TENANT, tenant.name, frozenset(tenant.names), frozenset(tenant.tags))


def session_place(tenant: Tenant, module: str) -> Where:
    """Return a session of a tenant."""
    return Where(
        Reach.SESSION, tenant.name, frozenset(tenant.names), frozenset(tenant.tags), module
    )
