# What every Teams cmdlet checks first: who is signed in, whether that still holds, and whether it
# may change something.

# Where the real module keeps its connection, under the name of its type.
class TeamsPowerShellSession {
    static [object] $SessionProvider
}
[psobject].Assembly.GetType('System.Management.Automation.TypeAccelerators')::Add(
    'Microsoft.TeamsCmdlets.Powershell.Connect.TeamsPowerShellSession', [TeamsPowerShellSession])

function Assert-Connected {
    # Ends the calling cmdlet if nobody is signed in, or no longer.
    param([System.Management.Automation.PSCmdlet] $Caller, [string] $NotConnected)
    if (-not $script:Connection) {
        $Caller.ThrowTerminatingError((New-NotConnectedError $NotConnected))
    }
    $ended = Test-SandboxSignIn $script:Connection.Identity
    if ($ended) { $Caller.ThrowTerminatingError($ended) }
    Invoke-SandboxService $script:Connection.Identity -Caller $Caller
}

function Get-TeamDirectory {
    param([System.Management.Automation.PSCmdlet] $Caller)
    Assert-Connected $Caller ('You must call the Connect-MicrosoftTeams cmdlet before calling ' +
        'any other cmdlets.')
    Get-SandboxDirectory $script:Connection.Tenant
}

function Get-CsConnectedTenant {
    param([System.Management.Automation.PSCmdlet] $Caller)
    Assert-Connected $Caller 'Run Connect-MicrosoftTeams before running cmdlets.'
    $script:Connection.Tenant
}

function Get-CsDirectory {
    param([System.Management.Automation.PSCmdlet] $Caller)
    Get-SandboxDirectory (Get-CsConnectedTenant $Caller)
}

function Test-Administrator {
    $script:Connection.Identity.Role -in 'Global Administrator', 'Teams Administrator'
}
