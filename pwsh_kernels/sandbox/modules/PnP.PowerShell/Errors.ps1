# Errors with the texts and ids of the real module (seen where it ran, in its source and in public
# issue threads).

$script:NoConnection = 'You are not signed in. Please use Connect-PnPOnline to connect.'
$script:NothingToDisconnect = 'No connection to disconnect'
$script:NotConnected = 'Unable to connect using provided arguments'
$script:WrongThread = 'The WriteObject and WriteError methods cannot be called from outside the ' +
    'overrides of the BeginProcessing, ProcessRecord, ' +
    'and EndProcessing methods, and they can only be called from within the same thread. ' +
    'Validate that the cmdlet makes these calls correctly, or ' +
    'contact Microsoft Customer Support Services.'
$script:NoBrowser = 'Unable to open a web page using xdg-open, gnome-open, kfmclient or wslview ' +
    'tools. See inner exception for details. Possible ' +
    'causes for this error are: tools are not installed or they cannot open a URL. Make sure you ' +
    'can open a web page by invoking from a terminal: ' +
    'xdg-open https://www.bing.com '
$script:AccessDenied =
    'Access denied. You do not have permission to perform this action or access this resource.'
$script:NoAdminSite = 'Current site is not a tenant admin site'
$script:NotFound = 'The remote server returned an error: (404) Not Found.'
$script:Connect = 'PnP.PowerShell.Commands.Base.ConnectOnline'
$script:Disconnect = 'PnP.PowerShell.Commands.Base.DisconnectOnline'
$script:AskPerson = 'Microsoft.Identity.Client.MsalUiRequiredException'
$script:Service = 'Microsoft.Identity.Client.MsalServiceException'
$script:Client = 'Microsoft.Identity.Client.MsalClientException'
$script:LibraryCodes = @{
    $script:AskPerson = 'invalid_grant'
    $script:Client = 'linux_xdg_open_failed'
}

function New-PnPError {
    param(
        [string] $Text,
        [string] $Id = 'System.InvalidOperationException',
        [string] $Category = 'NotSpecified',
        [object] $Target
    )
    [System.Management.Automation.ErrorRecord]::new([System.InvalidOperationException]::new($Text),
        $Id, $Category, $Target)
}

function New-ConnectError {
    # An error of Connect-PnPOnline itself: its id ends with the cmdlet's class.
    param(
        [string] $Id,
        [string] $Text,
        [string] $Category = 'NotSpecified',
        [System.Exception] $Exception
    )
    $cause = $Exception ?? $(
        if ($Id.StartsWith('Microsoft.Identity.Client.')) {
            New-SandboxException -Type $Id -Message $Text -ErrorCode $script:LibraryCodes[$Id]
        }
        else { [System.Exception]::new($Text) }
    )
    New-SandboxErrorRecord -Exception $cause -Id "$Id,$script:Connect" -Category $Category
}

function New-ClientIdError {
    # Since September 2024 everybody needs their own app registration.
    New-ConnectError 'CLIENTIDREQUIRED' -Category AuthenticationError `
        -Exception ([System.NotSupportedException]::new())
}

function New-NotConnectedError {
    $problem = [System.Management.Automation.PSInvalidOperationException]::new($script:NotConnected)
    New-ConnectError 'InvalidOperation' -Category InvalidOperation -Exception $problem
}

function New-ArgumentError {
    param([string] $Text)
    New-ConnectError 'Argument' -Category InvalidArgument `
        -Exception ([System.Management.Automation.PSArgumentException]::new($Text))
}

function New-NotSimulatedError {
    param([string] $What)
    [System.Management.Automation.ErrorRecord]::new(
        [System.NotSupportedException]::new(
            "The sandbox does not simulate $What. Sign in with: Connect-PnPOnline -Url ... " +
            "-DeviceLogin -ClientId ..."),
        'SandboxNotSimulated', 'NotImplemented', $What)
}

function New-UnknownAppError {
    param([string] $ClientId, [string] $Directory)
    New-SandboxSignInError ("AADSTS700016: Application with identifier '$ClientId' was not found " +
        "in the directory '$Directory'. This can happen if the " +
        'application has not been installed by the administrator of the tenant or consented to ' +
        'by any user in the tenant. You may have sent your ' +
        'authentication request to the wrong tenant.')
}

function New-ForeignAccountError {
    param([object] $Identity, [object] $Tenant)
    New-SandboxSignInError ("AADSTS50020: User account '$($Identity.Account)' from identity " +
        "provider 'https://sts.windows.net/$($Identity.Tenant.tenant_id)/' " +
        "does not exist in tenant '$($Tenant.display_name)' and cannot access the application in " +
        "that tenant. The account needs to be added as an " +
        'external user in the tenant first. Sign out and sign in again with a different account.')
}

function New-ForeignResourceError {
    param([object] $Identity, [string] $Resource)
    New-SandboxSignInError ("AADSTS500011: The resource principal named $Resource was not found " +
        "in the tenant named $($Identity.Tenant.display_name). " +
        'This can happen if the application has not been installed by the administrator of the ' +
        'tenant or consented to by any user in the tenant.')
}

function ConvertTo-ConnectError {
    # Entra's refusal as Connect-PnPOnline throws it: one that a person could resolve by signing in
    # (MsalUiRequiredException), or one that nobody at the prompt can resolve.
    param([System.Management.Automation.ErrorRecord] $Problem, [string] $Route)
    if ($Problem.CategoryInfo.Category -ne 'AuthenticationError' -or
            -not $Problem.Exception.Message.StartsWith('AADSTS')) {
        return $Problem
    }
    New-ConnectError ($Route -in 'Interactive',
        'Credentials' ? $script:AskPerson : $script:Service) $Problem.Exception.Message
}
