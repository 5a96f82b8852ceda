"""`python -m pwsh_kernels.powershell` says, as one JSON object, which PowerShell is used here.

The server and `pwsh-kernels doctor` ask this way: only kernels load the code that speaks to PowerShell.
"""

import asyncio
import json
import os
import sys
from typing import Any

from pwsh_kernels.errors import PowerShellNotFound, PowerShellTooOld
from pwsh_kernels.powershell.finder import find_powershell


async def describe() -> dict[str, Any]:
    """Return `{"path", "version", "place"}`, or the error in the product's one shape."""
    try:
        found = await find_powershell(os.environ.get("PWSH_MANAGER_PWSH", ""))
    except (PowerShellNotFound, PowerShellTooOld) as error:
        return error.to_json()
    return {"path": str(found.path), "version": found.version, "place": found.place}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(describe())) + "\n")
