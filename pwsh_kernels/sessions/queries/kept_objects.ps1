# PwshKernels.Get-KeptObject is the session's own (powershell/scripts/bootstrap.ps1).
param([string] $PwshKernelsQuery)
# The variable goes first: what objects compute when they are read could know the answer's tag by it.
PwshKernels.Get-KeptObject $(
    $PwshKernelsQuery
    Microsoft.PowerShell.Utility\Remove-Variable -Name PwshKernelsQuery -ErrorAction Ignore
)
