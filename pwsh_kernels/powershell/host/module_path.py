"""Where PowerShell looks for modules: the folders that a launch names first, then the machine's,
unless they are excluded.
"""

from typing import Any

from pwsh_kernels.powershell.host.launch import Launch


def module_path(launch: Launch) -> dict[str, Any] | None:
    """Return the argument for modulepath.ps1, or None if PowerShell's own choice is right.

    Pure.
    """
    if launch.machine_modules and not launch.module_path:
        return None
    return {"First": launch.module_path, "Machine": launch.machine_modules}
