# What every cmdlet of Teams asks first: who is signed in, does it still hold, may it change something.

function Get-ActiveDirectory {
    # The directory behind the connection, for the cmdlet that asks; ends that cmdlet when nobody is signed in (any more).
    param([System.Management.Automation.PSCmdlet] $Caller, [string] $NotConnected)
    if (-not $script:Connection) { $Caller.ThrowTerminatingError((New-NotConnectedError $NotConnected)) }
    $ended = Test-SandboxSignIn $script:Connection.Identity
    if ($ended) { $Caller.ThrowTerminatingError($ended) }
    Invoke-SandboxService $script:Connection.Identity -Caller $Caller
    Get-SandboxDirectory $script:Connection.Tenant
}

function Get-TeamDirectory {
    param([System.Management.Automation.PSCmdlet] $Caller)
    Get-ActiveDirectory $Caller 'You must call the Connect-MicrosoftTeams cmdlet before calling any other cmdlets.'
}

function Get-CsDirectory {
    param([System.Management.Automation.PSCmdlet] $Caller)
    Get-ActiveDirectory $Caller 'Run Connect-MicrosoftTeams before running cmdlets.'
}

function Test-Administrator {
    $script:Connection.Identity.Role -in 'Global Administrator', 'Teams Administrator'
}
