# PwshKernels.Get-KeptObject is the session's own (powershell/scripts/bootstrap.ps1).
param([string] $PwshKernelsQuery)
try { PwshKernels.Get-KeptObject $PwshKernelsQuery }
finally {
    Microsoft.PowerShell.Utility\Remove-Variable -Name PwshKernelsQuery -ErrorAction Ignore
}
