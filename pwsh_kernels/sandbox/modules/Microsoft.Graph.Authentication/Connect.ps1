# Connect-MgGraph and Disconnect-MgGraph. Like the real ones, they write their errors instead of
# throwing them.

function Connect-MgGraph {
    [CmdletBinding(DefaultParameterSetName = 'UserParameterSet')]
    param(
        [Parameter(ParameterSetName = 'UserParameterSet', Position = 1)] [string[]] $Scopes,
        [Parameter(ParameterSetName = 'UserParameterSet')]
        [Parameter(ParameterSetName = 'IdentityParameterSet')]
        [Parameter(ParameterSetName = 'AppCertificateParameterSet', Mandatory, Position = 1)]
        [Alias('AppId', 'ApplicationId')] [string] $ClientId,
        [Parameter(ParameterSetName = 'AppCertificateParameterSet', Position = 2)]
        [Alias('CertificateSubject', 'CertificateName')] [string] $CertificateSubjectName,
        [Parameter(ParameterSetName = 'AppCertificateParameterSet', Position = 3)]
        [string] $CertificateThumbprint,
        [Parameter(ParameterSetName = 'AppCertificateParameterSet')] [bool] $SendCertificateChain,
        [Parameter(ParameterSetName = 'AppCertificateParameterSet')]
        [System.Security.Cryptography.X509Certificates.X509Certificate2] $Certificate,
        [Parameter(ParameterSetName = 'AppSecretCredentialParameterSet', Mandatory, Position = 1)]
        [Alias('SecretCredential', 'Credential')] [pscredential] $ClientSecretCredential,
        [Parameter(ParameterSetName = 'AccessTokenParameterSet', Mandatory, Position = 1)]
        [securestring] $AccessToken,
        [Parameter(ParameterSetName = 'UserParameterSet')]
        [Parameter(ParameterSetName = 'AppCertificateParameterSet')]
        [Parameter(ParameterSetName = 'AppSecretCredentialParameterSet')]
        [Alias('Audience', 'Tenant')] [string] $TenantId,
        [Parameter(ParameterSetName = 'UserParameterSet')]
        [Parameter(ParameterSetName = 'AppCertificateParameterSet')]
        [Parameter(ParameterSetName = 'AppSecretCredentialParameterSet')]
        [Parameter(ParameterSetName = 'IdentityParameterSet')]
        [Parameter(ParameterSetName = 'EnvironmentVariableParameterSet')]
        [ValidateSet('Process', 'CurrentUser')] [string] $ContextScope,
        [ValidateNotNullOrEmpty()] [Alias('EnvironmentName',
            'NationalCloud')] [string] $Environment =
            'Global',
        [Parameter(ParameterSetName = 'UserParameterSet')]
        [Alias('UseDeviceAuthentication', 'DeviceCode', 'DeviceAuth', 'Device')]
        [switch] $UseDeviceCode,
        [Parameter(ParameterSetName = 'IdentityParameterSet', Mandatory, Position = 1)]
        [Alias('ManagedIdentity', 'ManagedServiceIdentity', 'MSI')] [switch] $Identity,
        [Parameter(ParameterSetName = 'EnvironmentVariableParameterSet', Mandatory)]
        [switch] $EnvironmentVariable,
        [ValidateNotNullOrEmpty()] [double] $ClientTimeout,
        [switch] $NoWelcome
    )
    $problem = Find-ParameterProblem $PSCmdlet $PSBoundParameters
    if ($problem) { return Write-SandboxRecord $PSCmdlet $problem }
    # From here on, whoever was connected no longer is, whatever the outcome.
    Set-SandboxGraphSession $null
    $answer = Invoke-Route $PSCmdlet $PSBoundParameters
    if ($answer -isnot [System.Management.Automation.ErrorRecord]) {
        $answer = New-Session $answer $PSBoundParameters
    }
    if ($answer -is [System.Management.Automation.ErrorRecord]) {
        return Write-SandboxRecord $PSCmdlet $answer
    }
    Set-SandboxGraphSession $answer
    if (-not $NoWelcome) { Get-Welcome $answer.Context }
}

function Find-ParameterProblem {
    # What is wrong before anything is tried.
    param([System.Management.Automation.PSCmdlet] $Caller, [System.Collections.IDictionary] $Given)
    if ($Given['Environment'] -and $Given['Environment'] -ne 'Global') {
        return New-EnvironmentError $Given['Environment']
    }
    if ($Caller.ParameterSetName -eq 'AppCertificateParameterSet' -and -not $Given['TenantId']) {
        return New-AuthenticationError "Parameter 'TenantId' cannot be null or empty."
    }
    if ($Caller.ParameterSetName -eq 'UserParameterSet' -and -not $Given['UseDeviceCode'] -and
            $env:DISPLAY) {
        New-SandboxNotSimulatedError -What ('Signing in with a browser on this machine (no ' +
            '-UseDeviceCode, and there is a DISPLAY)') -Instead 'Use -UseDeviceCode.'
    }
}

function New-EnvironmentError {
    param([string] $Name)
    if ($Name -in 'China', 'USGov', 'USGovDoD', 'Germany', 'BleuCloud', 'DelosCloud') {
        return New-SandboxNotSimulatedError -What "-Environment $Name" `
            -Instead 'Leave it out: the sandbox has the Global cloud only.'
    }
    [System.Management.Automation.ErrorRecord]::new([System.InvalidOperationException]::new(
        "Unable to find environment with name '$Name'. Use Get-MgEnvironment to list available " +
        "environments."),
        'InvalidOperation', 'InvalidOperation', $null)
}

function Get-Welcome {
    param([object] $Context)
    "Welcome to Microsoft Graph!`n`nConnected via $($Context.AuthType.ToLowerInvariant()) access " +
        "using $($Context.ClientId)`n" +
        "Readme: https://aka.ms/graph/sdk/powershell`nSDK Docs: " +
        "https://aka.ms/graph/sdk/powershell/docs`nAPI Docs: https://aka.ms/graph/docs`n`n" +
        "NOTE: You can use the -NoWelcome parameter to suppress this message.`n"
}

function Disconnect-MgGraph {
    [CmdletBinding()]
    param([switch] $SignOutFromBroker)
    $session = Get-SandboxGraphSession
    if (-not $session) {
        return Write-SandboxRecord $PSCmdlet ([System.Management.Automation.ErrorRecord]::new(
            [System.ArgumentException]::new('No application to sign out from.'), '', 'CloseError',
            $null))
    }
    Set-SandboxGraphSession $null
    Clear-SandboxGraphToken
    Remove-AuthRecord
    $session.Context
}
