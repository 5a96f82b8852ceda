# The ways to sign in. Each returns an identity of SandboxCore, or the ErrorRecord that
# Connect-PnPOnline reports.

$script:ClientIdVariables = 'ENTRAID_APP_ID', 'ENTRAID_CLIENT_ID', 'AZURE_CLIENT_ID'
$script:PathVariables = 'AZURE_CLIENT_CERTIFICATE_PATH', 'ENTRAID_APP_CERTIFICATE_PATH',
    'ENTRAID_CLIENT_CERTIFICATE_PATH'
$script:PasswordVariables = 'AZURE_CLIENT_CERTIFICATE_PASSWORD', 'ENTRAID_APP_CERTIFICATE_PASSWORD',
    'ENTRAID_CLIENT_CERTIFICATE_PASSWORD'

function Get-FirstVariable {
    param([string[]] $Names)
    foreach ($name in $Names) {
        $value = [System.Environment]::GetEnvironmentVariable($name)
        if ($value) { return $value }
    }
}

function Connect-WithDevice {
    # A kept login needs nobody; otherwise the code goes to the Warning stream, in PnP's own words.
    param([System.Management.Automation.PSCmdlet] $Caller, [hashtable] $Asked)
    if (-not $Asked.ClientId) {
        return New-ConnectError 'WrongThread' $script:WrongThread -Category AuthenticationError
    }
    if ($Asked.PersistLogin) { Enable-Login $Asked.SiteTenant $Asked.ClientId }
    if (Test-LoginBreak $Caller $Asked) {
        return New-ConnectError 'WrongThread' $script:WrongThread -Category AuthenticationError
    }
    if (Get-LoginEntry $Asked.SiteTenant $Asked.ClientId) { Write-LoginNote $Caller }
    $kept = Find-Login $Asked.SiteTenant $Asked.ClientId
    if ($kept -and $kept -isnot [System.Management.Automation.ErrorRecord]) { return $kept }
    $directory = if ($Asked.Tenant) { Get-SandboxTenant $Asked.Tenant } else { $Asked.SiteTenant }
    if (-not $directory) {
        return New-SandboxSignInError ("AADSTS90002: Tenant '$($Asked.Tenant)' not found. Check " +
            "to make sure you have the correct tenant ID and are signing into the correct cloud.")
    }
    if ($directory.applications.client_id -notcontains $Asked.ClientId) {
        return New-UnknownAppError $Asked.ClientId $directory.display_name
    }
    $show = {
        param($Message, $Url, $Code)
        Write-FormattedWarning $Caller (Get-CodeText $Message $Url $Code)
    }
    $identity = Invoke-SandboxDeviceCode -Client 'PnP PowerShell' -Tenant $directory.name `
        -ClientId $Asked.ClientId -Show $show
    if ($identity -is [System.Management.Automation.ErrorRecord] -or -not $Asked.Tenant -or
            $identity.Tenant.name -eq $directory.name) {
        return $identity
    }
    New-ForeignAccountError $identity $directory
}

function Get-CodeText {
    # Entra's sentence in a cloud shell (and if a trap changes it), otherwise PnP's own.
    param([string] $Message, [string] $Url, [string] $Code)
    $own = $env:POWERSHELL_DISTRIBUTION_CHANNEL -ne 'CloudShell' -and
        -not (Get-SandboxTrap 'localized') -and -not (Get-SandboxTrap 'wrapped')
    if ($own) {
        "`n`nOpen a browser, navigate to $Url and authenticate using code $Code to proceed.`n`n"
    }
    else {
        $Message
    }
}

function Connect-WithCertificate {
    param([hashtable] $Asked)
    $certificate = Open-Certificate $Asked
    if ($certificate -is [System.Management.Automation.ErrorRecord]) { return $certificate }
    $Asked.Opened = $certificate
    Invoke-SandboxAppSignIn -Tenant $Asked.Tenant -ClientId $Asked.ClientId `
        -Certificate $certificate
}

function Open-Certificate {
    param([hashtable] $Asked)
    try {
        if ($Asked.CertificatePath) {
            $path = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($Asked.CertificatePath)
            if (-not [System.IO.File]::Exists($path)) {
                return New-ConnectError 'System.IO.FileNotFoundException' `
                    -Exception ([System.IO.FileNotFoundException]::new('Certificate not found'))
            }
            return [System.Security.Cryptography.X509Certificates.X509Certificate2]::new($path,
                $Asked.CertificatePassword)
        }
        if ($Asked.CertificateBase64Encoded) {
            $bytes = [convert]::FromBase64String($Asked.CertificateBase64Encoded)
            return [System.Security.Cryptography.X509Certificates.X509Certificate2]::new($bytes,
                $Asked.CertificatePassword)
        }
    }
    catch [System.Management.Automation.MethodInvocationException] {
        if (-not $Asked.CertificatePath) {
            return New-ConnectError $_.Exception.InnerException.GetType().FullName `
                -Exception $_.Exception.InnerException
        }
        return New-ArgumentError ("The specified certificate at '$path' could not be read. The " +
            "certificate could be corrupt or it may require a " +
            'password which has not been provided or is incorrect.')
    }
    Find-StoredCertificate $Asked.Thumbprint
}

function Find-StoredCertificate {
    # The store of the account that PowerShell runs as; on Linux a folder under its HOME.
    param([string] $Thumbprint)
    foreach ($place in 'CurrentUser', 'LocalMachine') {
        $store = [System.Security.Cryptography.X509Certificates.X509Store]::new('My', $place)
        try {
            $store.Open('ReadOnly')
            $found = $store.Certificates.Find('FindByThumbprint', $Thumbprint, $false)
            if ($found.Count) { return $found[0] }
        }
        catch [System.Management.Automation.MethodInvocationException] {
            Write-Debug 'There is no such store on this machine.'
        }
        finally { $store.Dispose() }
    }
    New-ArgumentError 'Cannot find certificate with this thumbprint in the certificate store.'
}

function Connect-WithEnvironment {
    # -EnvironmentVariable: a certificate whose path and password are in the environment.
    param([hashtable] $Asked)
    $path, $password, $clientId = (Get-FirstVariable $script:PathVariables),
        (Get-FirstVariable $script:PasswordVariables), (Get-FirstVariable $script:ClientIdVariables)
    if (-not $path -or -not $password) {
        return New-NotSimulatedError 'a user name and a password in environment variables'
    }
    if (-not $clientId) {
        return New-PnPError ('Unable to connect using available environment variables. Please ' +
            'provide necessary value for AZURE_CLIENT_ID environment variable')
    }
    if (-not $Asked.Tenant) {
        return New-PnPError ('Tenant must be provided when trying to authenticate using Azure ' +
            'environment credentials for Service principal with certificate method.')
    }
    $Asked.ClientId, $Asked.CertificatePath = $clientId, $path
    $Asked.CertificatePassword = ConvertTo-SecureString $password -AsPlainText -Force
    Connect-WithCertificate $Asked
}

function Connect-WithManagedIdentity {
    # The identity belongs to the machine, and so to this session's tenant, whichever address is
    # requested.
    param([hashtable] $Asked)
    $tenant = if ($env:PWSH_KERNELS_SANDBOX_TENANT) { '' } else { $Asked.SiteTenant.name }
    Invoke-SandboxAppSignIn -Tenant $tenant `
        -ClientId ([string] $Asked.UserAssignedManagedIdentityClientId) -ManagedIdentity
}

function Connect-WithWorkloadIdentity {
    # The variables that Kubernetes sets in a pod.
    param([hashtable] $Asked)
    $file = $env:AZURE_FEDERATED_TOKEN_FILE
    if (-not $file -or -not [System.IO.File]::Exists($file)) {
        return New-PnPError ('The environment variable AZURE_FEDERATED_TOKEN_FILE does not name ' +
            'a file.')
    }
    $Asked.ClientId, $Asked.Tenant = $env:AZURE_CLIENT_ID, $env:AZURE_TENANT_ID
    Invoke-SandboxAppSignIn -Tenant $Asked.Tenant -ClientId $Asked.ClientId `
        -FederatedToken ([System.IO.File]::ReadAllText($file).Trim())
}

function Connect-WithToken {
    param([hashtable] $Asked)
    Read-SandboxToken -Token $Asked.AccessToken -Audience (Get-RootAddress $Asked.Url)
}

function Connect-WithSecret {
    # Access Control Services: nothing is checked before the first request, so any secret connects.
    param([System.Management.Automation.PSCmdlet] $Caller, [hashtable] $Asked)
    Write-FormattedWarning $Caller ('Connecting with Client Secret uses legacy authentication ' +
        'and provides limited functionality. We can for instance not execute ' +
        'requests towards the Microsoft Graph, which limits cmdlets related to Microsoft Teams, ' +
        'Microsoft Planner, Microsoft Flow and Microsoft 365 Groups. ' +
        'You can hide this warning by using Connect-PnPOnline [your parameters] -WarningAction ' +
        'Ignore')
    $Asked.Unshown = ConvertTo-SecureString $Asked.ClientSecret -AsPlainText -Force
    [pscustomobject] @{
        Tenant = $Asked.SiteTenant
        AppId = $Asked.ClientId
        Account = $Asked.ClientId
        SignedInAt = [datetime]::UtcNow
    }
}
