# Connect-PnPOnline and related cmdlets. A connection is for one site.

function Connect-PnPOnline {
    [CmdletBinding(DefaultParameterSetName = 'Credentials')]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipeline)] [string] $Url,
        [switch] $ReturnConnection,
        [switch] $ValidateConnection,
        [object] $Connection,
        [Parameter(ParameterSetName = 'Credentials')] [pscredential] $Credentials,
        [Parameter(ParameterSetName = 'Credentials')] [switch] $CurrentCredentials,
        [Parameter(ParameterSetName = 'Credentials')] [switch] $TransformationOnPrem,
        [string] $ClientId,
        [Parameter(ParameterSetName = 'ClientSecret', Mandatory)] [string] $ClientSecret,
        [Parameter(ParameterSetName = 'ClientSecret')] [string] $Realm,
        [string] $RedirectUri,
        [string] $Tenant,
        [string] $TenantAdminUrl,
        [ValidateSet('Production', 'PPE', 'China', 'Germany', 'USGovernment', 'USGovernmentHigh',
            'USGovernmentDoD', 'Custom')]
        [string] $AzureEnvironment = 'Production',
        [switch] $CreateDrive,
        [string] $DriveName = 'SPO',
        [Parameter(ParameterSetName = 'Device', Mandatory)]
        [Alias('PnPManagementShell', 'PnPO365ManagementShell')] [switch] $DeviceLogin,
        [switch] $LaunchBrowser,
        [switch] $PersistLogin,
        [Parameter(ParameterSetName = 'Certificate')] [string] $CertificatePath,
        [Parameter(ParameterSetName = 'Certificate')] [string] $CertificateBase64Encoded,
        [Parameter(ParameterSetName = 'Certificate')] [securestring] $CertificatePassword,
        [Parameter(ParameterSetName = 'Certificate')]
        [System.Security.Cryptography.X509Certificates.X509KeyStorageFlags] $X509KeyStorageFlags,
        [Parameter(ParameterSetName = 'Thumbprint', Mandatory)] [string] $Thumbprint,
        [Parameter(ParameterSetName = 'ManagedIdentity', Mandatory)] [switch] $ManagedIdentity,
        [Parameter(ParameterSetName = 'ManagedIdentity')]
        [Alias('UserAssignedManagedIdentityPrincipalId')]
        [string] $UserAssignedManagedIdentityObjectId,
        [Parameter(ParameterSetName = 'ManagedIdentity')]
        [string] $UserAssignedManagedIdentityClientId,
        [Parameter(ParameterSetName = 'ManagedIdentity')]
        [string] $UserAssignedManagedIdentityAzureResourceId,
        [Parameter(ParameterSetName = 'Federated', Mandatory)] [switch] $FederatedIdentity,
        [Parameter(ParameterSetName = 'Interactive', Mandatory)] [switch] $Interactive,
        [switch] $ForceAuthentication,
        [Parameter(ParameterSetName = 'Token', Mandatory)] [string] $AccessToken,
        [Parameter(ParameterSetName = 'Variables', Mandatory)] [switch] $EnvironmentVariable,
        [string] $MicrosoftGraphEndPoint,
        [string] $AzureADLoginEndPoint,
        [Parameter(ParameterSetName = 'Workload', Mandatory)] [switch] $AzureADWorkloadIdentity,
        [Parameter(ParameterSetName = 'OSLogin', Mandatory)] [switch] $OSLogin
    )
    $asked = @{} + $PSBoundParameters
    $asked.Url = ConvertTo-SiteAddress $Url
    $asked.SiteTenant = Get-AddressTenant $asked.Url
    $problem = Find-UnusableAddress $asked $AzureEnvironment $ValidateConnection
    if ($problem) { $PSCmdlet.ThrowTerminatingError($problem) }
    $answer = Connect-WithRoute $PSCmdlet $asked $PSCmdlet.ParameterSetName
    $lost = [bool] (Get-SandboxTrap 'null_connection')
    if ($answer -is [System.Management.Automation.ErrorRecord]) {
        return Show-Refusal $PSCmdlet $answer $lost
    }
    if ($lost) { return Write-HostWarning $PSCmdlet 'A task was canceled.' }
    $made = New-Connection $asked $answer
    if ($PersistLogin) { Save-Login $made }
    if ($ValidateConnection -and -not (Get-ConnectedSite $made)) {
        Write-Error "Site at $($asked.Url) does not exist"
    }
    if ($ReturnConnection) { return $made }
    $script:Process.Current = $made
}

function Find-UnusableAddress {
    param([hashtable] $Asked, [string] $Cloud, [bool] $Validate)
    if ($Cloud -ne 'Production') { return New-NotSimulatedError "the cloud $Cloud" }
    if ($Asked.SiteTenant) { return }
    if ($Validate) { return New-ArgumentError 'Host not reachable' }
    New-ConnectError 'System.Net.Http.HttpRequestException' `
        -Exception ([System.Net.Http.HttpRequestException]::new(
            "Name or service not known ($(([uri] $Asked.Url).Host):443)"))
}

function Connect-WithRoute {
    # An identity that may use this site, or an ErrorRecord.
    param([System.Management.Automation.PSCmdlet] $Caller, [hashtable] $Asked, [string] $Route)
    if ($Route -in 'Device', 'Interactive', 'Credentials' -and -not $Asked.ClientId) {
        $Asked.ClientId = Get-FirstVariable $script:ClientIdVariables
    }
    $identity = switch ($Route) {
        'Device' { Connect-WithDevice $Caller $Asked }
        { $_ -in 'Certificate', 'Thumbprint' } { Connect-WithCertificate $Asked }
        'ManagedIdentity' { Connect-WithManagedIdentity $Asked }
        'Workload' { Connect-WithWorkloadIdentity $Asked }
        'Variables' { Connect-WithEnvironment $Asked }
        'Token' { Connect-WithToken $Asked }
        'ClientSecret' { Connect-WithSecret $Caller $Asked }
        default { Connect-WithoutQuestion $Caller $Asked $Route }
    }
    if ($identity -is [System.Management.Automation.ErrorRecord] -or
            $identity.Tenant.name -eq $Asked.SiteTenant.name) {
        return $identity
    }
    New-ForeignResourceError $identity (Get-RootAddress $Asked.Url)
}

function Connect-WithoutQuestion {
    # Connect-PnPOnline -Url (and -Interactive) uses a kept login; without one it opens a browser,
    # which does not exist here.
    param([System.Management.Automation.PSCmdlet] $Caller, [hashtable] $Asked, [string] $Route)
    if ($Route -in 'Interactive', 'Credentials' -and -not $Asked.Credentials) {
        $kept = Find-Login $Asked.SiteTenant $Asked.ClientId
        if ($kept) {
            if ($kept -isnot [System.Management.Automation.ErrorRecord]) { Write-LoginNote $Caller }
            return $kept
        }
        if (-not $Asked.ClientId) { return Show-MissingClientId $Caller }
        if ($Route -eq 'Interactive') { return New-ConnectError $script:Client $script:NoBrowser }
    }
    $names = @{ Federated = '-FederatedIdentity'; OSLogin = '-OSLogin'
        Interactive = 'signing in with a password (-Interactive -Credentials)'
        Credentials = 'signing in with a password or a browser on this machine' }
    New-NotSimulatedError $names[$Route]
}

function Show-MissingClientId {
    param([System.Management.Automation.PSCmdlet] $Caller)
    Write-FormattedWarning $Caller ('Please specify a valid client id for an Entra ID App ' +
        'Registration.')
    New-ClientIdError
}

function Show-Refusal {
    # The real one gives the reason of a failed device sign-in as a warning through the host, then
    # throws a text that says nothing. Older ones only warned.
    param(
        [System.Management.Automation.PSCmdlet] $Caller,
        [System.Management.Automation.ErrorRecord] $Problem,
        [bool] $OnlyWarn
    )
    $ofDevice = $Caller.ParameterSetName -eq 'Device' -and
        $Problem.CategoryInfo.Category -eq 'AuthenticationError'
    if (-not $ofDevice -and -not $OnlyWarn) {
        $Caller.ThrowTerminatingError((ConvertTo-ConnectError $Problem $Caller.ParameterSetName))
    }
    Write-HostWarning $Caller $Problem.Exception.Message
    if (-not $OnlyWarn) { $Caller.ThrowTerminatingError((New-NotConnectedError)) }
}

function New-Connection {
    param([hashtable] $Asked, [object] $Identity)
    $method = if ($Asked.DeviceLogin) {
        'DeviceLogin'
    }
    elseif ($Asked.Opened) {
        'AzureADAppOnly'
    }
    elseif ($Asked.AccessToken) {
        'AccessToken'
    }
    elseif ($Asked.ManagedIdentity) {
        'ManagedIdentity'
    }
    elseif ($Asked.AzureADWorkloadIdentity) {
        'AzureADWorkloadIdentity'
    }
    else {
        'Credentials'
    }
    $made = [PnPConnection] @{
        ConnectionMethod = $method; InitializationType = $method
        ConnectionType   = if (Test-AdminAddress $Asked.Url) { 'TenantAdmin' } else { 'O365' }
        ClientId         = if ($Asked.ClientId) { $Asked.ClientId } else { $Identity.AppId }
        Url              = $Asked.Url
        TenantAdminUrl = $Asked.TenantAdminUrl
        Tenant = $Asked.Tenant
        Certificate = $Asked.Opened
        Context          = [pscustomobject] @{
            Url = $Asked.Url
            ApplicationName = 'SharePoint PnP PowerShell Library'
        }
        UserAssignedManagedIdentityClientId = $Asked.UserAssignedManagedIdentityClientId
    }
    $script:Process.SignIns.Add($made, @{
        Identity = $Identity
        SiteTenant = $Asked.SiteTenant
        HandedInToken = $Asked.AccessToken
        Secret = $Asked.Unshown
    })
    $made
}

function Get-PnPConnection {
    [CmdletBinding()]
    param([object] $Connection)
    # Local: does not prove that the sign-in still holds.
    $found = $Connection ?? $script:Process.Current
    if (-not $found) { $PSCmdlet.ThrowTerminatingError((New-PnPError $script:NoConnection)) }
    $found
}

function Disconnect-PnPOnline {
    [CmdletBinding()]
    param([switch] $ClearPersistedLogin)
    if (-not $script:Process.Current) {
        $nothing = [System.InvalidOperationException]::new($script:NothingToDisconnect)
        $PSCmdlet.ThrowTerminatingError(
            (New-SandboxErrorRecord -Exception $nothing `
                -Id "System.InvalidOperationException,$script:Disconnect"))
    }
    if ($ClearPersistedLogin) { Remove-Login $script:Process.Current }
    $script:Process.Current = $null
}
