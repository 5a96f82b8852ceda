# Errors with the texts of the real module (seen in its source and in public issue threads).

$script:NoLogin = 'Run Connect-AzAccount to login.'
$script:NoCredentials = 'Your Azure credentials have not been set up or have expired, please run ' +
    'Connect-AzAccount to set up your Azure credentials.'
$script:NoSubscription = 'Please provide a valid tenant or a valid subscription.'
$script:IgnoredInformation = "Please do not set InformationAction (or `$InformationPreference) " +
    "to Ignore with -UseDeviceAuthentication: the device code would not be shown."

$script:NoScreen = "Interactive authentication is not supported in this session, please run " +
    "cmdlet 'Connect-AzAccount -UseDeviceAuthentication'."
$script:PlainText = 'INITIALIZATION: Token cache encryption is not supported in this ' +
    'environment, so token cache will be persisted as plain text.'
# The kind of credential that the sign-in library tries, by parameter set.
$script:Credentials = @{
    Device = 'DeviceCode'
    Secret = 'ClientSecret'
    CertificateFile = 'ClientCertificate'
    Thumbprint = 'ClientCertificate'
    Federated = 'ClientAssertion'; ManagedService = 'ManagedIdentity'; Token = 'AccessToken'
}

function New-AzError {
    param(
        [string] $Text,
        [string] $Id = 'InvalidOperation',
        [string] $Category = 'CloseError',
        [object] $Target
    )
    [System.Management.Automation.ErrorRecord]::new(
        [System.Management.Automation.PSInvalidOperationException]::new($Text), $Id, $Category,
        $Target)
}

function New-NotSimulatedError {
    param([string] $What)
    [System.Management.Automation.ErrorRecord]::new(
        [System.NotSupportedException]::new(
            "The sandbox does not simulate $What. Sign in with: Connect-AzAccount " +
            "-UseDeviceAuthentication"),
        'SandboxNotSimulated', 'NotImplemented', $What)
}

function New-ForeignAccountError {
    param([object] $Identity, [object] $Tenant)
    New-SandboxSignInError ("AADSTS50020: User account '$($Identity.Account)' from identity " +
        "provider 'https://sts.windows.net/$($Identity.Tenant.tenant_id)/' " +
        "does not exist in tenant '$($Tenant.display_name)' and cannot access the application " +
        "'1950a258-227b-4e31-a9cf-717495945fc2'(Microsoft Azure PowerShell) " +
        'in that tenant. The account needs to be added as an external user in the tenant first. ' +
        'Sign out and sign in again with a different account.')
}

function New-UnknownTenantError {
    param([string] $Tenant)
    New-SandboxSignInError ("AADSTS90002: Tenant '$Tenant' not found. Check to make sure you " +
        "have the correct tenant ID and are signing into the correct " +
        'cloud. Check with your subscription administrator, this may happen if there are no ' +
        'active subscriptions for the tenant.')
}
