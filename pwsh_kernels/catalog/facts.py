"""The names of the facts that a catalog script can be given."""

from typing import Literal

FactName = Literal["tenant", "tenant_id", "organization", "expected_account", "powershell_module", "minimum_version"]
"""`tenant` … `expected_account` come from the tenant and the request, the last two from the module's own file."""
