"""The catalog: what the product knows about service modules and tenants, read from files; no other
I/O.
"""

from pwsh_kernels.catalog.catalog import Catalog
from pwsh_kernels.catalog.command_index import CommandIndex, Home
from pwsh_kernels.catalog.explanations import Explanation, ending_errors, explain, explanation
from pwsh_kernels.catalog.facts import SECRET_FACTS, Fact, FactName, Facts, Secret, file_keys
from pwsh_kernels.catalog.fitness import unfit
from pwsh_kernels.catalog.guard import guard_script
from pwsh_kernels.catalog.module import (
    CommandLists,
    Counterpart,
    IdentityField,
    Module,
    Unsupported,
)
from pwsh_kernels.catalog.readiness import (
    clear_script,
    find_script,
    kept_script,
    reach_script,
    unload_script,
)
from pwsh_kernels.catalog.reading_commands import reading_commands
from pwsh_kernels.catalog.route import Route, RouteName, Script
from pwsh_kernels.catalog.secrets import SecretSource
from pwsh_kernels.catalog.tenants import (
    APP_ROUTES,
    Changes,
    ChangesKind,
    ModuleAccess,
    Tenant,
    Tenants,
    TenantsFile,
    checked_sharepoint_host,
    load_tenants,
)

__all__ = [
    "APP_ROUTES",
    "SECRET_FACTS",
    "Catalog",
    "Changes",
    "ChangesKind",
    "CommandIndex",
    "CommandLists",
    "Counterpart",
    "Explanation",
    "Fact",
    "FactName",
    "Facts",
    "Home",
    "IdentityField",
    "Module",
    "ModuleAccess",
    "Route",
    "RouteName",
    "Script",
    "Secret",
    "SecretSource",
    "Tenant",
    "Tenants",
    "TenantsFile",
    "Unsupported",
    "checked_sharepoint_host",
    "clear_script",
    "ending_errors",
    "explain",
    "explanation",
    "file_keys",
    "find_script",
    "guard_script",
    "kept_script",
    "load_tenants",
    "reach_script",
    "reading_commands",
    "unfit",
    "unload_script",
]
