"""The catalog: what the product knows about service modules and tenants, read from files; no other I/O."""

from pwsh_kernels.catalog.catalog import Catalog
from pwsh_kernels.catalog.explanations import Explanation, explain
from pwsh_kernels.catalog.facts import SECRET_FACTS, Fact, FactName, Facts, Secret
from pwsh_kernels.catalog.module import Module, Unsupported
from pwsh_kernels.catalog.route import Route, RouteName, Script
from pwsh_kernels.catalog.tenants import Tenant, Tenants

__all__ = [
    "SECRET_FACTS",
    "Catalog",
    "Explanation",
    "Fact",
    "FactName",
    "Facts",
    "Module",
    "Route",
    "RouteName",
    "Script",
    "Secret",
    "Tenant",
    "Tenants",
    "Unsupported",
    "explain",
]
