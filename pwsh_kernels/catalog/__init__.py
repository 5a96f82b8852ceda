"""The catalog: what the product knows about service modules and tenants, read from files; no other I/O."""

from pwsh_kernels.catalog.catalog import Catalog, Module, Script
from pwsh_kernels.catalog.tenants import Tenant, Tenants

__all__ = ["Catalog", "Module", "Script", "Tenant", "Tenants"]
