# The ways to sign in to Graph. Each returns @{ Identity; AuthType; Credential; ClientId; ... } or
# an ErrorRecord.

# How many seconds Connect-MgGraph waits for a person, however long the code itself is valid.
$script:PatienceSeconds = 120
$script:Malformed = 'IDX14100: JWT is not well formed, there are no dots (.). The token needs to ' +
    'be in JWS or JWE Compact Serialization Format.'
$script:CommandLineTools = '14d82eec-204b-4c2f-b7e8-296a70dab67e'
$script:Audience = 'https://graph.microsoft.com'
$script:Routes = @{
    AppCertificateParameterSet      = { param($given) Invoke-CertificateRoute $given }
    AppSecretCredentialParameterSet = {
        param($given)
        Invoke-SecretRoute $given['TenantId'] $given['ClientSecretCredential']
    }
    AccessTokenParameterSet         = { param($given) Invoke-TokenRoute $given['AccessToken'] }
    IdentityParameterSet            = { param($given) Invoke-IdentityRoute $given }
    EnvironmentVariableParameterSet = { param($given) Invoke-EnvironmentRoute }
}

function Invoke-Route {
    param([System.Management.Automation.PSCmdlet] $Caller, [System.Collections.IDictionary] $Given)
    $route = $script:Routes[$Caller.ParameterSetName]
    # Without a screen the real one uses the device code, requested or not, and does not say so.
    if ($route) { & $route $Given } else { Invoke-DeviceRoute $Caller $Given }
}

function New-RouteResult {
    # The result of a route; an ErrorRecord is wrapped in what the Azure.Identity library says.
    param([object] $Identity, [string] $AuthType, [string] $Credential, [hashtable] $More = @{})
    if ($Identity -is [System.Management.Automation.ErrorRecord]) {
        return New-ConnectError (New-SandboxAuthenticationFailure -Credential $Credential `
            -Cause $Identity.Exception)
    }
    @{ Identity = $Identity; AuthType = $AuthType; Credential = $Credential } + $More
}

function New-ConnectError {
    param([System.Exception] $Exception)
    New-SandboxErrorRecord -Exception $Exception `
        -Id 'Microsoft.Graph.PowerShell.Authentication.Cmdlets.ConnectMgGraph'
}

function New-AuthenticationError {
    param([string] $Message)
    New-ConnectError ([System.Exception]::new($Message))
}

function Invoke-DeviceRoute {
    param([System.Management.Automation.PSCmdlet] $Caller, [System.Collections.IDictionary] $Given)
    $client = if ($Given['ClientId']) { $Given['ClientId'] } else { $script:CommandLineTools }
    $record = Read-AuthRecord
    $identity = if ($record) { Get-SandboxGraphToken -Key "person/$client/$($record.username)" }
    if (-not $identity) { $identity = Read-Person $Caller ([string] $Given['TenantId']) $client }
    if (-not $identity) {
        $limit = "Authentication timed out after $script:PatienceSeconds seconds due to " +
            "inactivity. Please try again."
        return New-ConnectError ([System.Exception]::new($limit,
            [System.Threading.Tasks.TaskCanceledException]::new()))
    }
    if ($identity -isnot [System.Management.Automation.ErrorRecord]) {
        Save-Person $identity $client $record
    }
    # Anyone other than the person of an existing record is asked again with every request, in vain.
    $stranger = $record -and $record.username -ne $identity.Account
    New-RouteResult $identity 'Delegated' 'DeviceCode' @{
        ClientId = $client
        Stranger = [bool] $stranger
    }
}

function Read-Person {
    # A person, an ErrorRecord, or nothing if nobody came in time.
    param([System.Management.Automation.PSCmdlet] $Caller, [string] $Tenant, [string] $Client)
    $unknown = Resolve-SandboxTenant -Name $Tenant
    if ($unknown -is [System.Management.Automation.ErrorRecord]) { return $unknown }
    $patience = (Get-SandboxTrap 'patience') ?? $script:PatienceSeconds
    # Written as output of Connect-MgGraph, as the real module does, so whoever assigns or redirects
    # it does not see the code.
    $identity = Invoke-SandboxDeviceCode -Client 'Microsoft Graph Command Line Tools' `
        -Tenant $Tenant -ClientId $Client `
        -PatienceSeconds $patience -Show { param($Message) $Caller.WriteObject($Message) }
    if (-not $identity -or $identity -is [System.Management.Automation.ErrorRecord]) {
        return $identity
    }
    # The requested tenant has to admit the person before anything is stored.
    $tenant = Resolve-SandboxTenant -Name $Tenant -Identity $identity
    if ($tenant -is [System.Management.Automation.ErrorRecord]) { $tenant } else { $identity }
}

function Invoke-CertificateRoute {
    param([System.Collections.IDictionary] $Given)
    $certificate = Find-Certificate $Given
    if ($certificate -is [System.Management.Automation.ErrorRecord]) { return $certificate }
    $identity = Invoke-Application $Given['TenantId'] $Given['ClientId'] @{
        Certificate = $certificate
    }
    New-RouteResult $identity 'AppOnly' 'ClientCertificate' @{ ClientId = $Given['ClientId'] }
}

function Invoke-SecretRoute {
    param([string] $TenantId, [pscredential] $Credential)
    if (-not $TenantId) {
        return New-ConnectError ([System.ArgumentNullException]::new('tenantId',
            'Tenant id cannot be null. You can locate your tenant id by following ' +
            'the instructions listed here: ' +
            'https://learn.microsoft.com/partner-center/find-ids-and-domain-names'))
    }
    $identity = Invoke-Application $TenantId $Credential.UserName @{
        Secret = $Credential.GetNetworkCredential().Password
    }
    New-RouteResult $identity 'AppOnly' 'ClientSecret' @{ ClientId = $Credential.UserName }
}

function Invoke-Application {
    # Like the library: as long as it holds a token of the application, it does not check the
    # application's credentials.
    param([string] $Tenant, [string] $ClientId, [hashtable] $Proof)
    $key = "application/$Tenant/$ClientId"
    $identity = Get-SandboxGraphToken -Key $key
    if (-not $identity) {
        $identity = Invoke-SandboxAppSignIn -Tenant $Tenant -ClientId $ClientId @Proof
    }
    if ($identity -isnot [System.Management.Automation.ErrorRecord]) {
        Save-SandboxGraphToken -Key $key -Identity $identity
    }
    $identity
}

function Invoke-IdentityRoute {
    param([System.Collections.IDictionary] $Given)
    $identity =
        Invoke-SandboxAppSignIn -Tenant '' -ClientId ([string] $Given['ClientId']) -ManagedIdentity
    New-RouteResult $identity 'ManagedIdentity' 'ManagedIdentity' @{ ClientId = $identity.AppId }
}

function Invoke-EnvironmentRoute {
    $tenant, $client = $env:AZURE_TENANT_ID, $env:AZURE_CLIENT_ID
    if ($tenant -and $client -and $env:AZURE_CLIENT_SECRET) {
        $identity = Invoke-SandboxAppSignIn -Tenant $tenant -ClientId $client `
            -Secret $env:AZURE_CLIENT_SECRET
    }
    elseif ($tenant -and $client -and $env:AZURE_CLIENT_CERTIFICATE_PATH) {
        $certificate = Read-CertificateFile $env:AZURE_CLIENT_CERTIFICATE_PATH `
            $env:AZURE_CLIENT_CERTIFICATE_PASSWORD
        if ($certificate -is [System.Management.Automation.ErrorRecord]) { return $certificate }
        $identity =
            Invoke-SandboxAppSignIn -Tenant $tenant -ClientId $client -Certificate $certificate
    }
    else {
        return New-AuthenticationError ('EnvironmentCredential authentication unavailable. ' +
            'Environment variables are not fully configured. ' +
            'See the troubleshooting guide for more information. ' +
            'https://aka.ms/azsdk/net/identity/environmentcredential/troubleshoot')
    }
    New-RouteResult $identity 'AppOnly' 'Environment' @{ ClientId = $client }
}

function Invoke-TokenRoute {
    # A token that cannot be read is accepted too: unless it has expired, what is wrong with it
    # shows only at the first request.
    param([securestring] $AccessToken)
    $token = ConvertFrom-SecureString -SecureString $AccessToken -AsPlainText
    $identity = if ($token.Split('.').Count -eq 3) { Read-SandboxToken -Token $token }
    if ($identity -is [System.Management.Automation.ErrorRecord] -and
            $identity.Exception.Message -like '*expired*') {
        return New-AuthenticationError ("The provided access token has expired. Set a valid " +
            "access token to ``-AccessToken`` parameter and try again.")
    }
    if (-not $identity -or $identity -is [System.Management.Automation.ErrorRecord]) {
        $identity = [pscustomobject] @{
            Account = ''
            AccountType = 'AccessToken'
            AppId = $null
            DisplayName = $null
            Tenant = $null
            Scopes = @()
        }
        return New-RouteResult $identity 'UserProvidedAccessToken' 'UserProvidedAccessToken' @{
            Problem = $script:Malformed
        }
    }
    $checked = Read-SandboxToken -Token $token -Audience $script:Audience
    $problem = if ($checked -is [System.Management.Automation.ErrorRecord]) {
        'Access token validation failure. Invalid audience.'
    }
    New-RouteResult $identity 'UserProvidedAccessToken' 'UserProvidedAccessToken' @{
        ClientId = $identity.AppId
        Problem = $problem
    }
}
