"""Whether a service's PowerShell module can be used in a version that was found, and what to do where not. Pure."""

import re
from collections.abc import Sequence

from pwsh_kernels.catalog.module import Module
from pwsh_kernels.errors import ModuleNotReady


def unfit(module: Module, found: Sequence[str]) -> ModuleNotReady | None:
    """Return why a service's module cannot be used, or None.

    `found`: the versions that PowerShell finds, in its order: it imports the first that is new enough.
    """
    new_enough = [one for one in found if _numbers(one) >= _numbers(module.minimum_version)]
    taken = new_enough[0] if new_enough else ""
    reason = module.bad_versions.get(taken, "")
    if taken and not reason:
        return None
    there = taken or next(iter(found), "")
    return ModuleNotReady(module.key, module.powershell_module, module.minimum_version, there, module.install, reason)


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version for a comparison: 3.5 is 3.5.0.0, and a label after them counts for nothing."""
    numbers = [int(one) for one in re.findall(r"\d+", version.partition("-")[0])]
    return (*numbers, *[0] * (4 - len(numbers)))
