# PwshKernels.Get-KeptObject is defined by the session itself (powershell/scripts/bootstrap.ps1).
param([string] $PwshKernelsQuery)
# The variable is removed first: code that objects run when they are read could learn the answer's
# tag from it.
PwshKernels.Get-KeptObject $(
    $PwshKernelsQuery
    Microsoft.PowerShell.Utility\Remove-Variable -Name PwshKernelsQuery -ErrorAction Ignore
)
