"""A service that needs no network: everybody is signed in at once, in a real PowerShell as in a
kernel that only plays one.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MODULE = "scale"
FILE = """
title = "A service without a network"
powershell_module = "Microsoft.PowerShell.Utility"
minimum_version = "1.0"
purpose = "Signs everybody in at once."

[prepare]
script = "$null"

[routes.device_code]
script = "$null"

[check]
parameters = { Tenant = "tenant" }
script = '''
param([string] $Tenant)
[pscustomobject] @{ account = "admin@$Tenant"; tenant_id = ""; domains = @($Tenant) }
'''

[disconnect]
script = "$null"
"""
VERSION = "7.0.0.0"


def tenant(number: int, place: str) -> str:
    """Return the name of a place's tenant."""
    return f"{place}{number:03}.example"


def write_files(folder: Path, local: int, pods: int) -> dict[str, str]:
    """Write the service's file and the tenants file; return the settings that name them."""
    catalog, tenants = folder / "catalog", folder / "tenants.toml"
    catalog.mkdir(parents=True)
    (catalog / f"{MODULE}.toml").write_text(FILE, encoding="utf-8")
    entries = [("local", "local", one) for one in range(local)]
    entries += [("pod", "kubernetes", one) for one in range(pods)]
    tenants.write_text(
        "".join(
            f'[[tenant]]\nname = "{tenant(number, name)}"\nplace = "{place}"\n\n'
            for name, place, number in entries
        ),
        encoding="utf-8",
    )
    return {"PWSH_MANAGER_MODULES_DIR": str(catalog), "PWSH_MANAGER_TENANTS": str(tenants)}


def played(code: str, parameters: Mapping[str, Any]) -> str:
    """Return what a PowerShell would print for a script of the server's, or for `1+1`."""
    if name := parameters.get("Tenant"):
        return json.dumps({"account": f"admin@{name}", "tenant_id": "", "domains": [name]})
    if "Name" in parameters:
        return f"{VERSION}\n"
    return "2\n" if code == "1+1" else ""
