# The ways to sign in to Graph. Each returns @{ Identity; AuthType; Credential; ClientId; ... } or an ErrorRecord.

# Seconds that Connect-MgGraph waits for a person, whatever the code's own life is.
$script:MaxDeviceCodeTimeOut = 120
$script:CommandLineTools = '14d82eec-204b-4c2f-b7e8-296a70dab67e'
$script:Audience = 'https://graph.microsoft.com'
$script:Routes = @{
    AppCertificateParameterSet      = { param($given) Invoke-CertificateRoute $given }
    AppSecretCredentialParameterSet = { param($given) Invoke-SecretRoute $given['TenantId'] $given['ClientSecretCredential'] }
    AccessTokenParameterSet         = { param($given) Invoke-TokenRoute $given['AccessToken'] }
    IdentityParameterSet            = { param($given) Invoke-IdentityRoute $given }
    EnvironmentVariableParameterSet = { param($given) Invoke-EnvironmentRoute }
}

function Invoke-Route {
    param([System.Management.Automation.PSCmdlet] $Caller, [System.Collections.IDictionary] $Given)
    $route = $script:Routes[$Caller.ParameterSetName]
    if ($route) { return & $route $Given }
    if ($Given['UseDeviceCode']) { return Invoke-DeviceRoute $Caller $Given }
    New-SandboxNotSimulatedError -What 'Signing in with a browser on this machine (no -UseDeviceCode)' -Instead ('Use -UseDeviceCode, -Certificate, ' +
        '-CertificateThumbprint, -CertificateSubjectName, -ClientSecretCredential, -Identity, -EnvironmentVariable or -AccessToken.')
}

function New-RouteResult {
    # What a route found; an ErrorRecord gets the words that the Azure.Identity library puts before it.
    param([object] $Identity, [string] $AuthType, [string] $Credential, [hashtable] $More = @{})
    if ($Identity -is [System.Management.Automation.ErrorRecord]) {
        return New-AuthenticationError "$($Credential)Credential authentication failed: $($Identity.Exception.Message)"
    }
    @{ Identity = $Identity; AuthType = $AuthType; Credential = $Credential } + $More
}

function New-AuthenticationError {
    param([string] $Message)
    [System.Management.Automation.ErrorRecord]::new([System.Exception]::new($Message),
        'Microsoft.Graph.PowerShell.Authentication.Cmdlets.ConnectMgGraph', 'NotSpecified', $null)
}

function Invoke-DeviceRoute {
    param([System.Management.Automation.PSCmdlet] $Caller, [System.Collections.IDictionary] $Given)
    $asked = [string] $Given['TenantId']
    $unknown = Resolve-SandboxTenant -Name $asked
    if ($unknown -is [System.Management.Automation.ErrorRecord]) { return New-RouteResult $unknown 'Delegated' 'DeviceCode' }
    $client = if ($Given['ClientId']) { $Given['ClientId'] } else { $script:CommandLineTools }
    # As the real module does: as output of Connect-MgGraph, so that whoever assigns or redirects it does not see the code.
    $identity = Invoke-SandboxDeviceCode -Client 'Microsoft Graph Command Line Tools' -Tenant $asked -ClientId $client `
        -LifetimeSeconds $script:MaxDeviceCodeTimeOut -Show { param($Message) $Caller.WriteObject($Message) }
    if ($identity -is [System.Management.Automation.ErrorRecord] -and $identity.Exception.Message.StartsWith('AADSTS70020')) {
        return New-AuthenticationError "Device code terminal timed-out after $script:MaxDeviceCodeTimeOut seconds. Please try again."
    }
    New-RouteResult $identity 'Delegated' 'DeviceCode' @{ ClientId = $client }
}

function Invoke-CertificateRoute {
    param([System.Collections.IDictionary] $Given)
    if (-not $Given['TenantId']) { return New-AuthenticationError "Parameter 'TenantId' cannot be null or empty." }
    $certificate = Find-Certificate $Given
    if ($certificate -is [System.Management.Automation.ErrorRecord]) { return $certificate }
    $identity = Invoke-SandboxAppSignIn -Tenant $Given['TenantId'] -ClientId $Given['ClientId'] -Certificate $certificate
    New-RouteResult $identity 'AppOnly' 'ClientCertificate' @{ ClientId = $Given['ClientId'] }
}

function Invoke-SecretRoute {
    param([string] $TenantId, [pscredential] $Credential)
    if (-not $TenantId) { return New-AuthenticationError "Parameter 'TenantId' cannot be null or empty." }
    $identity = Invoke-SandboxAppSignIn -Tenant $TenantId -ClientId $Credential.UserName -Secret $Credential.GetNetworkCredential().Password
    New-RouteResult $identity 'AppOnly' 'ClientSecret' @{ ClientId = $Credential.UserName }
}

function Invoke-IdentityRoute {
    param([System.Collections.IDictionary] $Given)
    $identity = Invoke-SandboxAppSignIn -Tenant '' -ClientId ([string] $Given['ClientId']) -ManagedIdentity
    New-RouteResult $identity 'ManagedIdentity' 'ManagedIdentity' @{ ClientId = $identity.AppId }
}

function Invoke-EnvironmentRoute {
    $tenant, $client = $env:AZURE_TENANT_ID, $env:AZURE_CLIENT_ID
    if ($tenant -and $client -and $env:AZURE_CLIENT_SECRET) {
        $identity = Invoke-SandboxAppSignIn -Tenant $tenant -ClientId $client -Secret $env:AZURE_CLIENT_SECRET
    } elseif ($tenant -and $client -and $env:AZURE_CLIENT_CERTIFICATE_PATH) {
        $certificate = Read-CertificateFile $env:AZURE_CLIENT_CERTIFICATE_PATH $env:AZURE_CLIENT_CERTIFICATE_PASSWORD
        if ($certificate -is [System.Management.Automation.ErrorRecord]) { return $certificate }
        $identity = Invoke-SandboxAppSignIn -Tenant $tenant -ClientId $client -Certificate $certificate
    } else {
        return New-AuthenticationError ('EnvironmentCredential authentication unavailable. Environment variables are not fully configured. ' +
            'See the troubleshooting guide for more information. https://aka.ms/azsdk/net/identity/environmentcredential/troubleshoot')
    }
    New-RouteResult $identity 'AppOnly' 'Environment' @{ ClientId = $client }
}

function Invoke-TokenRoute {
    # The module reads the token's dates only; whether it is meant for Graph turns out with the first request.
    param([securestring] $AccessToken)
    $token = ConvertFrom-SecureString -SecureString $AccessToken -AsPlainText
    $identity = Read-SandboxToken -Token $token
    if ($identity -is [System.Management.Automation.ErrorRecord]) {
        $state = if ($identity.Exception.Message -like '*expired*') { 'has expired' } else { 'is invalid' }
        return New-AuthenticationError "The provided access token $state. Set a valid access token to ``-AccessToken`` parameter and try again."
    }
    $checked = Read-SandboxToken -Token $token -Audience $script:Audience
    New-RouteResult $identity 'UserProvidedAccessToken' 'UserProvidedAccessToken' @{
        ClientId = $identity.AppId; WrongAudience = $checked -is [System.Management.Automation.ErrorRecord]
    }
}
