# Connect, look at and end connections. A connection belongs to the home tenant of the account that signed in.

function Connect-ExchangeOnline {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0)] [string] $ConnectionUri,
        [Parameter(Position = 1)] [string] $AzureADAuthorizationEndpointUri,
        [Parameter(Position = 2)]
        [ValidateSet('O365Default', 'O365GermanyCloud', 'O365China', 'O365USGovGCCHigh', 'O365USGovDoD')]
        [string] $ExchangeEnvironmentName = 'O365Default',
        [Parameter(Position = 3)] [System.Management.Automation.Remoting.PSSessionOption] $PSSessionOption,
        [Parameter(Position = 4)] [string] $DelegatedOrganization,
        [Parameter(Position = 5)] [string] $Prefix,
        [Parameter(Position = 6)] [string[]] $CommandName,
        [Parameter(Position = 7)] [string[]] $FormatTypeName,
        [string] $AccessToken,
        [string] $AppId,
        [switch] $BypassMailboxAnchoring,
        [System.Security.Cryptography.X509Certificates.X509Certificate2] $Certificate,
        [string] $CertificateFilePath,
        [securestring] $CertificatePassword,
        [string] $CertificateThumbprint,
        [pscredential] $Credential,
        [switch] $Device,
        [switch] $DisableWAM,
        [switch] $EnableErrorReporting,
        [string] $EXOModuleBasePath,
        [switch] $InlineCredential,
        [switch] $LoadCmdletHelp,
        [string] $LogDirectoryPath,
        [ValidateSet('Default', 'All')] [string] $LogLevel,
        [switch] $ManagedIdentity,
        [string] $ManagedIdentityAccountId,
        [string] $Organization,
        [ValidateRange(1, 1000)] [uint32] $PageSize = 1000,
        [switch] $ShowBanner = $true,
        [bool] $ShowProgress = $true,
        [System.Security.Cryptography.X509Certificates.X509Certificate2] $SigningCertificate,
        [switch] $SkipLoadingCmdletHelp,
        [switch] $SkipLoadingFormatData,
        [bool] $TrackPerformance,
        [bool] $UseMultithreading = $true,
        [string] $UserPrincipalName,
        [switch] $UseRPSSession
    )
    $unsupported = Find-UnsupportedRoute $PSBoundParameters
    if ($unsupported) { $PSCmdlet.ThrowTerminatingError((New-NotSimulatedError $unsupported)) }
    if ($ShowBanner) { Write-Host 'Exchange Online PowerShell sandbox: a simulation, it reaches no service.' }
    $wanted = if ($DelegatedOrganization) { $DelegatedOrganization } else { $Organization }
    $answer = Invoke-DeviceCodeFlow $wanted
    if ($answer -is [string]) { $answer = New-Connection $answer $DelegatedOrganization $Organization $CommandName $PageSize }
    if ($answer -is [System.Management.Automation.ErrorRecord]) { $PSCmdlet.ThrowTerminatingError($answer) }
    $script:Connections.Add($answer)
}

function Find-UnsupportedRoute {
    # Names what the caller asks for and the sandbox does not have; nothing when it can go on.
    param([System.Collections.IDictionary] $Given)
    foreach ($name in 'AccessToken', 'AppId', 'Certificate', 'CertificateFilePath', 'CertificateThumbprint', 'Credential',
        'InlineCredential', 'ManagedIdentity', 'UseRPSSession', 'Prefix', 'ConnectionUri', 'AzureADAuthorizationEndpointUri') {
        if ($Given[$name]) { return "-$name" }
    }
    if ($Given['ExchangeEnvironmentName'] -and $Given['ExchangeEnvironmentName'] -ne 'O365Default') { return '-ExchangeEnvironmentName' }
    if (-not $Given['Device']) { 'Signing in with a browser on this machine (no -Device)' }
}

function Find-Organization {
    param([string] $Name)
    $script:Company | Where-Object { $_.tenant_id -eq $Name -or $_.domains -contains $Name } | Select-Object -First 1
}

function New-Connection {
    # Returns a connection to the account's tenant, or to one that it manages as a partner; else an ErrorRecord.
    param([string] $Account, [string] $DelegatedOrganization, [string] $Organization, [string[]] $CommandName, [uint32] $PageSize)
    $homeTenant = $script:Company | Where-Object { $_.accounts.upn -contains $Account } | Select-Object -First 1
    $person = $homeTenant.accounts | Where-Object upn -EQ $Account
    if ($person.blocked) { return New-SignInError $person.blocked }
    $managed = $homeTenant
    if ($DelegatedOrganization) {
        $managed = Find-Organization $DelegatedOrganization
        if (-not $managed) { return New-SignInError "AADSTS90002: Tenant '$DelegatedOrganization' not found." }
        if ($managed.name -ne $homeTenant.name -and $managed.partners -notcontains $homeTenant.name) {
            return New-SignInError "AADSTS50020: User account '$Account' from identity provider '$($homeTenant.name)' does not exist in tenant '$($managed.display_name)'."
        }
    }
    $id = 1 + $(if ($script:Connections.Count) { $script:Connections[-1].Id })
    [pscustomobject] @{
        PSTypeName                      = 'Microsoft.Exchange.Management.ExoPowershellSnapin.ConnectionInformation'
        ConnectionId                    = [guid]::NewGuid()
        State                           = 'Connected'
        Id                              = [int] $id
        Name                            = "ExchangeOnline_$id"
        UserPrincipalName               = $Account
        ConnectionUri                   = 'https://outlook.office365.com'
        AzureAdAuthorizationEndpointUri = 'https://login.microsoftonline.com/organizations'
        TokenExpiryTimeUTC              = [datetimeoffset]::UtcNow.AddMinutes(75)
        CertificateAuthentication       = $false
        ModuleName                      = Join-Path ([System.IO.Path]::GetTempPath()) "tmpEXO_sandbox.$id"
        ModulePrefix                    = ''
        Organization                    = $Organization
        DelegatedOrganization           = $DelegatedOrganization
        AppId                           = ''
        PageSize                        = $PageSize
        TenantID                        = $managed.tenant_id
        TokenStatus                     = 'Active'
        ConnectionUsedForInbuiltCmdlets = $true
        IsEopSession                    = $false
    } | Add-Member -PassThru -NotePropertyMembers @{ SandboxTenant = $managed; SandboxRole = $person.role; SandboxCommands = $CommandName }
}

function Get-ConnectionInformation {
    [CmdletBinding(DefaultParameterSetName = 'Default')]
    param(
        [Parameter(Mandatory, ParameterSetName = 'ConnectionId')] [string[]] $ConnectionId,
        [Parameter(Mandatory, ParameterSetName = 'ModulePrefix')] [string[]] $ModulePrefix
    )
    foreach ($connection in @($script:Connections)) {
        if ($ConnectionId -and $ConnectionId -notcontains $connection.ConnectionId) { continue }
        if ($ModulePrefix -and $ModulePrefix -notcontains $connection.ModulePrefix) { continue }
        $connection.TokenStatus = if ($connection.TokenExpiryTimeUTC -gt [datetimeoffset]::UtcNow) { 'Active' } else { 'Expired' }
        $connection.ConnectionUsedForInbuiltCmdlets = $connection -eq $script:Connections[-1]
        $connection | Select-Object -Property * -ExcludeProperty Sandbox*
    }
}

function Disconnect-ExchangeOnline {
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High', DefaultParameterSetName = 'Default')]
    param(
        [Parameter(Mandatory, ParameterSetName = 'ConnectionId')] [string[]] $ConnectionId,
        [Parameter(Mandatory, ParameterSetName = 'ModulePrefix')] [string[]] $ModulePrefix
    )
    $action = 'Running this cmdlet clears all active sessions created using Connect-ExchangeOnline or Connect-IPPSSession.'
    if (-not $PSCmdlet.ShouldProcess($action, "$action Press (Y/y/A/a) if you want to continue.", 'Confirm')) { return }
    [void] $script:Connections.RemoveAll({
            param($one)
            (-not $ConnectionId -or $ConnectionId -contains $one.ConnectionId) -and (-not $ModulePrefix -or $ModulePrefix -contains $one.ModulePrefix)
        })
}

function Get-ActiveOrganization {
    # The data behind the newest connection, for the cmdlet that asks; ends that cmdlet when it may not run.
    param([System.Management.Automation.PSCmdlet] $Caller)
    $name = $Caller.MyInvocation.MyCommand.Name
    if ($script:Connections.Count -eq 0) {
        $text = 'You must call the Connect-ExchangeOnline cmdlet before calling any other cmdlets.'
        $Caller.ThrowTerminatingError([System.Management.Automation.ErrorRecord]::new(
                [System.UnauthorizedAccessException]::new($text), 'NotConnected', 'ConnectionError', $null))
    }
    $connection = $script:Connections[-1]
    if (-not (Test-Granted $connection $name)) {
        # A cmdlet that the role does not include, or that -CommandName left out, does not exist after connecting.
        $text = "The term '$name' is not recognized as a name of a cmdlet, function, script file, or executable program."
        $Caller.ThrowTerminatingError([System.Management.Automation.ErrorRecord]::new(
                [System.Management.Automation.CommandNotFoundException]::new($text), 'CommandNotFoundException', 'ObjectNotFound', $name))
    }
    # As the real module: a use shortly before the end, or after it, gets a new token without asking anyone.
    $now = [datetimeoffset]::UtcNow
    if ($connection.TokenExpiryTimeUTC -lt $now.AddMinutes(5)) { $connection.TokenExpiryTimeUTC = $now.AddMinutes(75) }
    Get-Organization $connection.SandboxTenant
}

function Test-Granted {
    param([object] $Connection, [string] $Cmdlet)
    if ($Connection.SandboxRole -eq 'Global Reader' -and $Cmdlet -notlike 'Get-*') { return $false }
    # The Get-EXO* cmdlets are built into the module; -CommandName is about the others.
    if (-not $Connection.SandboxCommands -or $Cmdlet -like 'Get-EXO*') { return $true }
    [bool] ($Connection.SandboxCommands | Where-Object { $Cmdlet -like $_ })
}
