"""Whether a service's PowerShell module can be used in the version that was found, and what to do
if not.

Pure.
"""

from collections.abc import Sequence

from pwsh_kernels.catalog.module import Module
from pwsh_kernels.catalog.versions import Version
from pwsh_kernels.errors import ModuleNotReady


def unfit(module: Module, found: Sequence[str]) -> ModuleNotReady | None:
    """Return why a service's module cannot be used, or None.

    `found`: the versions that PowerShell finds, in its order: it imports the first that is new
    enough.
    """
    taken = next((one for one in found if not too_old(module, one)), "")
    reason = known_bad(module, taken) if taken else ""
    if taken and not reason:
        return None
    there = taken or next(iter(found), "")
    return ModuleNotReady(
        module.key, module.powershell_module, module.minimum_version, there, module.install, reason
    )


def too_old(module: Module, version: str) -> bool:
    """Return whether a version is older than the oldest that works; a label after its numbers is
    ignored.
    """
    return Version.parse(version).numbers < Version.parse(module.minimum_version).numbers


def known_bad(module: Module, version: str) -> str:
    """Return why a version is known to be bad, or ""."""
    mine = Version.parse(version).numbers
    return next(
        (
            reason
            for bad, reason in module.bad_versions.items()
            if Version.parse(bad).numbers == mine
        ),
        "",
    )
