"""Finds PowerShell in a separate process, because only kernels load the code for it."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

LOOKUP = (sys.executable, "-m", "pwsh_kernels.powershell")
"""Prints what it finds as one JSON object."""
LOOKUP_WAIT = 60.0
"""Seconds for finding a PowerShell and asking it for its version and modules."""


async def search_powershell(modules: Sequence[str] = ()) -> Mapping[str, Any]:
    """Return `{"path", "version", "place", "modules"}`, or `{"error", "code", …}` if there is none.

    Raises OSError, TimeoutError, and ValueError for an answer that is not JSON.
    """
    search = await asyncio.create_subprocess_exec(
        *LOOKUP,
        *modules,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        output, _ = await asyncio.wait_for(search.communicate(), LOOKUP_WAIT)
        facts: Mapping[str, Any] = json.loads(output)
    finally:
        if search.returncode is None:
            search.kill()
            await search.wait()
    return facts
