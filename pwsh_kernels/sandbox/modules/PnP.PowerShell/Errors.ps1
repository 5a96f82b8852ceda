# Errors with the texts and ids of the real module (seen in its source and in public issue threads).

$script:NoConnection = 'There is currently no connection yet. Use Connect-PnPOnline to connect or provide a valid connection using -Connection.'
$script:NotConnected = 'Unable to connect using provided arguments'
$script:AccessDenied = 'Access denied. You do not have permission to perform this action or access this resource.'
$script:NoAdminSite = 'Current site is not a tenant admin site'
$script:NotFound = 'The remote server returned an error: (404) Not Found.'

function New-PnPError {
    param([string] $Text, [string] $Id = 'System.InvalidOperationException', [string] $Category = 'NotSpecified', [object] $Target)
    [System.Management.Automation.ErrorRecord]::new([System.InvalidOperationException]::new($Text), $Id, $Category, $Target)
}

function New-ClientIdError {
    # Since September 2024 everybody needs an app registration of their own.
    [System.Management.Automation.ErrorRecord]::new([System.NotSupportedException]::new(), 'CLIENTIDREQUIRED', 'AuthenticationError', $null)
}

function New-NotSimulatedError {
    param([string] $What)
    [System.Management.Automation.ErrorRecord]::new(
        [System.NotSupportedException]::new("The sandbox does not simulate $What. Sign in with: Connect-PnPOnline -Url ... -DeviceLogin -ClientId ..."),
        'SandboxNotSimulated', 'NotImplemented', $What)
}

function New-UnknownAppError {
    param([string] $ClientId, [string] $Directory)
    New-SandboxSignInError ("AADSTS700016: Application with identifier '$ClientId' was not found in the directory '$Directory'. This can happen if the " +
        'application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your ' +
        'authentication request to the wrong tenant.')
}

function New-ForeignAccountError {
    param([object] $Identity, [object] $Tenant)
    New-SandboxSignInError ("AADSTS50020: User account '$($Identity.Account)' from identity provider 'https://sts.windows.net/$($Identity.Tenant.tenant_id)/' " +
        "does not exist in tenant '$($Tenant.display_name)' and cannot access the application in that tenant. The account needs to be added as an " +
        'external user in the tenant first. Sign out and sign in again with a different account.')
}

function New-ForeignResourceError {
    param([object] $Identity, [string] $Resource)
    New-SandboxSignInError ("AADSTS500011: The resource principal named $Resource was not found in the tenant named $($Identity.Tenant.display_name). " +
        'This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant.')
}
