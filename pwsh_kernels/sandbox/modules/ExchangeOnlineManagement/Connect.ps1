# Connect-ExchangeOnline. A connection belongs to the home tenant of the account or application that
# signed in.

function Connect-ExchangeOnline {
    # -CertificateThumbprint is deliberately missing: the real module has it on Windows only, so
    # that PowerShell itself refuses it here.
    [CmdletBinding()]
    param(
        [Parameter(Position = 0)] [string] $ConnectionUri,
        [Parameter(Position = 1)] [string] $AzureADAuthorizationEndpointUri,
        [Parameter(Position = 2)]
        [ValidateSet('O365Default', 'O365GermanyCloud', 'O365China', 'O365USGovGCCHigh',
            'O365USGovDoD')]
        [string] $ExchangeEnvironmentName = 'O365Default',
        [Parameter(Position = 3)]
        [System.Management.Automation.Remoting.PSSessionOption] $PSSessionOption,
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
    if ($ShowBanner) {
        Write-Host 'Exchange Online PowerShell sandbox: a simulation, it reaches no service.'
    }
    $answer = Invoke-Route $PSBoundParameters
    if ($answer -isnot [System.Management.Automation.ErrorRecord]) {
        $answer = New-Connection $answer $PSBoundParameters $PageSize
    }
    if ($answer -is [System.Management.Automation.ErrorRecord]) {
        $PSCmdlet.ThrowTerminatingError($answer)
    }
    $script:Connections.Add($answer)
}

function Find-UnsupportedRoute {
    # Names what the caller asks for and the sandbox does not simulate; nothing if the sign-in may
    # continue.
    param([System.Collections.IDictionary] $Given)
    foreach ($name in 'Credential', 'InlineCredential', 'UseRPSSession', 'Prefix', 'ConnectionUri',
            'AzureADAuthorizationEndpointUri') {
        if ($Given[$name]) { return "-$name" }
    }
    if ($Given['ExchangeEnvironmentName'] -and
            $Given['ExchangeEnvironmentName'] -ne 'O365Default') {
        return '-ExchangeEnvironmentName'
    }
    $routes =
        'Device', 'AccessToken', 'ManagedIdentity', 'AppId', 'Certificate', 'CertificateFilePath'
    if (-not ($routes | Where-Object { $Given[$_] })) {
        'Signing in with a browser on this machine (no -Device)'
    }
}

function Get-ManagedTenant {
    # The identity's own tenant, or the tenant that its own manages as a partner; otherwise an
    # ErrorRecord.
    param([object] $Identity, [string] $DelegatedOrganization)
    if (-not $DelegatedOrganization) { return $Identity.Tenant }
    $managed = Get-SandboxTenant $DelegatedOrganization
    if (-not $managed) {
        return New-SandboxSignInError "AADSTS90002: Tenant '$DelegatedOrganization' not found."
    }
    if ($managed.name -eq $Identity.Tenant.name -or
            $managed.partners -contains $Identity.Tenant.name) {
        return $managed
    }
    New-SandboxSignInError ("AADSTS50020: User account '$($Identity.Account)' from identity " +
        "provider '$($Identity.Tenant.name)' does not exist in " +
        "tenant '$($managed.display_name)'.")
}

function New-Connection {
    # The connection that Get-ConnectionInformation shows, together with what the cmdlets need;
    # otherwise an ErrorRecord.
    param([object] $Identity, [System.Collections.IDictionary] $Given, [uint32] $PageSize)
    $managed = Get-ManagedTenant $Identity $Given['DelegatedOrganization']
    if ($managed -is [System.Management.Automation.ErrorRecord]) { return $managed }
    $id = 1 + $(if ($script:Connections.Count) { $script:Connections[-1].Id })
    $isPerson = $Identity.Account.Contains('@')
    [pscustomobject] @{
        PSTypeName                      =
            'Microsoft.Exchange.Management.ExoPowershellSnapin.ConnectionInformation'
        ConnectionId                    = [guid]::NewGuid()
        State                           = 'Connected'
        Id                              = [int] $id
        Name                            = "ExchangeOnline_$id"
        UserPrincipalName               = if ($isPerson) { $Identity.Account } else { '' }
        ConnectionUri                   = 'https://outlook.office365.com'
        AzureAdAuthorizationEndpointUri = 'https://login.microsoftonline.com/organizations'
        TokenExpiryTimeUTC              = [datetimeoffset] $Identity.ExpiresAt
        CertificateAuthentication       = $Identity.AccountType -eq 'ServicePrincipal'
        ModuleName                      =
            Join-Path ([System.IO.Path]::GetTempPath()) "tmpEXO_sandbox.$id"
        ModulePrefix                    = ''
        Organization                    = [string] $Given['Organization']
        DelegatedOrganization           = [string] $Given['DelegatedOrganization']
        AppId                           = if ($isPerson) { '' } else { $Identity.AppId }
        PageSize                        = $PageSize
        TenantID                        = $managed.tenant_id
        TokenStatus                     = 'Active'
        ConnectionUsedForInbuiltCmdlets = $true
        IsEopSession                    = $false
    } |
        Add-Member -PassThru -NotePropertyMembers @{
            SandboxTenant = $managed
            SandboxIdentity = $Identity
            SandboxCommands = $Given['CommandName']
        }
}
