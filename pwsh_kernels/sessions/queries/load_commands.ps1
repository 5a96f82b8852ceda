# Loads the modules of commands that are not there yet, as calling them would. Run in a session by
# dry_run.py.
param([string] $PwshKernelsAsked)
try {
    foreach ($name in (Microsoft.PowerShell.Utility\ConvertFrom-Json $PwshKernelsAsked).names) {
        $null = $ExecutionContext.InvokeCommand.GetCommand($name, 'All')
    }
}
finally { Microsoft.PowerShell.Utility\Remove-Variable -Name PwshKernelsAsked, name -ErrorAction Ignore }
