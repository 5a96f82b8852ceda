"""Where PowerShell looks for modules: the folders that a launch names first, then the machine's or none of them."""

from typing import Any

from pwsh_kernels.powershell.launch import Launch

SCRIPT = """
param([string] $First, [bool] $Machine)
$rest = $env:PSModulePath -split [IO.Path]::PathSeparator
if (-not $Machine) {
    # A PowerShell that this one starts (a job) puts its usual folders in front, unless it finds them here, in small or
    # capital letters. So they are named in a way that is no folder where letters matter.
    $own = "$PSHOME/Modules"
    $names = $rest | Where-Object { $_ -ne $own } | ForEach-Object ToUpperInvariant
    $rest = @($own) + @($names | Where-Object { -not [IO.Directory]::Exists($_) })
}
$env:PSModulePath = (@($First) + $rest | Where-Object { $_ }) -join [IO.Path]::PathSeparator
"""
"""PowerShell puts its own folders before an inherited PSModulePath, so that only a script can put others first."""


def module_path(launch: Launch) -> dict[str, Any] | None:
    """Return what SCRIPT is to be given, or None when PowerShell's own choice is right. Pure."""
    if launch.machine_modules and not launch.module_path:
        return None
    return {"First": launch.module_path, "Machine": launch.machine_modules}
