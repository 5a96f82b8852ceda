"""The tenants: what the sandbox, the user's tenants file and the settings say about them."""

from pwsh_kernels.catalog.tenants.loading import load_tenants
from pwsh_kernels.catalog.tenants.names import checked_sharepoint_host
from pwsh_kernels.catalog.tenants.tenant import (
    APP_ROUTES,
    Changes,
    ChangesKind,
    ModuleAccess,
    Tenant,
)
from pwsh_kernels.catalog.tenants.tenants import Tenants
from pwsh_kernels.catalog.tenants.watched_file import TenantsFile

__all__ = [
    "APP_ROUTES",
    "Changes",
    "ChangesKind",
    "ModuleAccess",
    "Tenant",
    "Tenants",
    "TenantsFile",
    "checked_sharepoint_host",
    "load_tenants",
]
