# Connect-MicrosoftTeams and Disconnect-MicrosoftTeams. Only Connect's output says who signed in, so
# keep it.

function Connect-MicrosoftTeams {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'UserCredential')]
    param(
        [Parameter(ParameterSetName = 'UserCredential')]
        [Parameter(ParameterSetName = 'AccessTokens')]
        [Parameter(ParameterSetName = 'ServicePrincipalCertificate', Mandatory)]
        [Parameter(ParameterSetName = 'ServicePrincipalThumbprint', Mandatory)]
        [Alias('Domain', 'TenantDomain')] [string] $TenantId,
        [Parameter(ParameterSetName = 'UserCredential')] [pscredential] $Credential,
        [Parameter(ParameterSetName = 'UserCredential')] [string] $AccountId,
        [Parameter(ParameterSetName = 'UserCredential')] [switch] $UseDeviceAuthentication,
        [Parameter(ParameterSetName = 'ServicePrincipalCertificate', Mandatory)]
        [System.Security.Cryptography.X509Certificates.X509Certificate2] $Certificate,
        [Parameter(ParameterSetName = 'ServicePrincipalThumbprint', Mandatory)]
        [string] $CertificateThumbprint,
        [Parameter(ParameterSetName = 'ServicePrincipalCertificate', Mandatory)]
        [Parameter(ParameterSetName = 'ServicePrincipalThumbprint', Mandatory)]
        [string] $ApplicationId,
        [Parameter(ParameterSetName = 'AccessTokens', Mandatory)] [string[]] $AccessTokens,
        [Parameter(ParameterSetName = 'ManagedServiceLogin', Mandatory)]
        [Alias('MSI', 'ManagedService')] [switch] $Identity,
        [Parameter(ParameterSetName = 'ManagedServiceLogin')] [string] $ManagedServiceHostName,
        [Parameter(ParameterSetName = 'ManagedServiceLogin')] [int] $ManagedServicePort,
        [Parameter(ParameterSetName = 'ManagedServiceLogin')] [securestring] $ManagedServiceSecret,
        [ValidateSet('TeamsGCCH', 'TeamsDOD', 'TeamsChina')] [string] $TeamsEnvironmentName,
        [ValidateSet('Info', 'Error', 'Warning', 'None')] [string] $LogLevel,
        [string] $LogFilePath
    )
    $unsupported = Find-UnsupportedRoute $PSBoundParameters $PSCmdlet.ParameterSetName
    if ($unsupported) {
        $PSCmdlet.ThrowTerminatingError((New-SandboxNotSimulatedError -What $unsupported `
            -Instead ('Sign in with -UseDeviceAuthentication, ' +
                '-Certificate, -CertificateThumbprint, -Identity or -AccessTokens.')))
    }
    if (-not (Confirm-SandboxChange $PSCmdlet "AzureCloud environment", 'log in')) { return }
    $answer = Invoke-Route $PSCmdlet $PSBoundParameters
    if ($answer -isnot [System.Management.Automation.ErrorRecord]) {
        $answer = New-Connection $answer $PSBoundParameters
    }
    if ($answer -is [System.Management.Automation.ErrorRecord]) { Stop-Connect $PSCmdlet $answer }
    $script:Connection = [Microsoft.TeamsCmdlets.Powershell.Connect.TeamsPowerShellSession]::SessionProvider =
        $answer
    $answer.Context
}

function Find-UnsupportedRoute {
    param([System.Collections.IDictionary] $Given, [string] $Set)
    foreach ($name in 'Credential', 'TeamsEnvironmentName', 'LogFilePath', 'ManagedServiceHostName',
            'ManagedServicePort', 'ManagedServiceSecret') {
        if ($Given[$name]) { return "-$name" }
    }
    if ($Set -eq 'UserCredential' -and -not $Given['UseDeviceAuthentication']) {
        'Signing in with a browser on this machine (no -UseDeviceAuthentication)'
    }
}

function Stop-Connect {
    # Like the real one, writes the failure as an aggregate error first, then throws it.
    param(
        [System.Management.Automation.PSCmdlet] $Caller,
        [System.Management.Automation.ErrorRecord] $Record
    )
    $id = 'Connect-MicrosoftTeams,Microsoft.TeamsCmdlets.Powershell.Connect.ConnectMicrosoftTeams'
    $many = [System.AggregateException]::new($Record.Exception)
    Write-SandboxRecord $Caller ([System.Management.Automation.ErrorRecord]::new($many, $id,
        'AuthenticationError', $null))
    $Caller.ThrowTerminatingError([System.Management.Automation.ErrorRecord]::new($Record.Exception,
        $id, 'AuthenticationError', $null))
}

function New-Connection {
    # @{ Identity; Tenant; Context }, or an ErrorRecord if the requested tenant does not admit the
    # identity.
    param([object] $Identity, [System.Collections.IDictionary] $Given)
    $tenant = Resolve-SandboxTenant -Name ([string] $Given['TenantId']) -Identity $Identity
    if ($tenant -is [System.Management.Automation.ErrorRecord]) { return $tenant }
    @{
        Identity = $Identity; Tenant = $tenant
        Context  = [pscustomobject] @{
            PSTypeName = 'Microsoft.Open.Teams.CommonLibrary.PSAzureContext'
            Account = $Identity.Account
            Environment = 'AzureCloud'
            Tenant = $tenant.tenant_id
            TenantId = $tenant.tenant_id
        }
    }
}

function Disconnect-MicrosoftTeams {
    [CmdletBinding(SupportsShouldProcess)]
    param()
    if (Confirm-SandboxChange $PSCmdlet 'AzureCloud environment', 'log out') {
        $script:Connection =
            [Microsoft.TeamsCmdlets.Powershell.Connect.TeamsPowerShellSession]::SessionProvider = $null
    }
}
