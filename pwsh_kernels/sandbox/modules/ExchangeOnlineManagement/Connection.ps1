# Showing and ending connections, and what a cmdlet needs from the newest one.

function Get-ConnectionInformation {
    [CmdletBinding(DefaultParameterSetName = 'Default')]
    param(
        [Parameter(Mandatory, ParameterSetName = 'ConnectionId')] [string[]] $ConnectionId,
        [Parameter(Mandatory, ParameterSetName = 'ModulePrefix')] [string[]] $ModulePrefix
    )
    foreach ($connection in @($script:Connections)) {
        if ($ConnectionId -and $ConnectionId -notcontains $connection.ConnectionId) { continue }
        if ($ModulePrefix -and $ModulePrefix -notcontains $connection.ModulePrefix) { continue }
        $connection.TokenStatus = if ($connection.TokenExpiryTimeUTC -gt [datetimeoffset]::UtcNow) {
            'Active'
        }
        else {
            'Expired'
        }
        $connection.ConnectionUsedForInbuiltCmdlets = $connection -eq $script:Connections[-1]
        $connection | Select-Object -Property * -ExcludeProperty Sandbox*
    }
}

function Disconnect-ExchangeOnline {
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High',
        DefaultParameterSetName = 'Default')]
    param(
        [Parameter(Mandatory, ParameterSetName = 'ConnectionId')] [string[]] $ConnectionId,
        [Parameter(Mandatory, ParameterSetName = 'ModulePrefix')] [string[]] $ModulePrefix
    )
    $action = 'Running this cmdlet clears all active sessions created using ' +
        'Connect-ExchangeOnline or Connect-IPPSSession.'
    if (-not (Confirm-SandboxChange $PSCmdlet $action,
            "$action Press (Y/y/A/a) if you want to continue.",
            'Confirm')) {
        return
    }
    [void] $script:Connections.RemoveAll({
        param($one)
        (-not $ConnectionId -or $ConnectionId -contains $one.ConnectionId) -and
            (-not $ModulePrefix -or $ModulePrefix -contains $one.ModulePrefix)
    })
}

$script:ThrottlingText = 'Micro delay applied. Actual delayed: 1000 msecs, Enforced: True, ' +
    'Capped delay: 1000 msecs, Required: False, Additional info: .; ' +
    'PolicyDN: ; Snapshot: Owner: SANDBOX'

function Get-ActiveOrganization {
    # The data behind the newest connection, for the calling cmdlet; ends that cmdlet if it may not
    # run.
    param([System.Management.Automation.PSCmdlet] $Caller, [switch] $WithoutMailboxes)
    $name = $Caller.MyInvocation.MyCommand.Name
    if ($script:Connections.Count -eq 0) {
        $text = 'You must call the Connect-ExchangeOnline cmdlet before calling any other cmdlets.'
        $Caller.ThrowTerminatingError([System.Management.Automation.ErrorRecord]::new(
            [System.UnauthorizedAccessException]::new($text), 'NotConnected', 'ConnectionError',
            $null))
    }
    $connection = $script:Connections[-1]
    if (-not (Test-Granted $connection $name)) {
        # After connecting, a cmdlet that the role does not include, or that -CommandName left out,
        # does not exist.
        $text = "The term '$name' is not recognized as a name of a cmdlet, function, script " +
            "file, or executable program."
        $Caller.ThrowTerminatingError([System.Management.Automation.ErrorRecord]::new(
            [System.Management.Automation.CommandNotFoundException]::new($text),
            'CommandNotFoundException', 'ObjectNotFound', $name))
    }
    $ended = Test-SandboxSignIn $connection.SandboxIdentity
    if ($ended) { $Caller.ThrowTerminatingError($ended) }
    # As in the real module, a cmdlet used shortly before the token expires, or after it, gets a new
    # token silently.
    $connection.TokenExpiryTimeUTC = [datetimeoffset] $connection.SandboxIdentity.ExpiresAt
    Invoke-SandboxService $connection.SandboxIdentity -Caller $Caller `
        -ThrottlingText $script:ThrottlingText
    Get-Organization $connection.SandboxTenant -WithoutMailboxes:$WithoutMailboxes
}

function Test-Granted {
    param([object] $Connection, [string] $Cmdlet)
    if ($Connection.SandboxIdentity.Role -eq 'Global Reader' -and $Cmdlet -notlike 'Get-*') {
        return $false
    }
    # The Get-EXO* cmdlets are built into the module; -CommandName affects only the others.
    if (-not $Connection.SandboxCommands -or $Cmdlet -like 'Get-EXO*') { return $true }
    [bool] ($Connection.SandboxCommands | Where-Object { $Cmdlet -like $_ })
}
