# The ways to sign in. Each returns an identity of SandboxCore, or the ErrorRecord that
# Connect-AzAccount throws.

function Connect-WithDevice {
    # The code is an Information record tagged PSHOST: the host shows it, and whoever reads the
    # stream gets a record.
    param([System.Management.Automation.PSCmdlet] $Caller, [hashtable] $Asked)
    $show = {
        param($Message, $Url, $Code)
        Write-HostRecord $Caller ("`e[1m`e[34m[Login to Azure]`e[0m " +
            $Message.Replace($Code, "`e[4m$Code`e[0m"))
    }
    $identity = Invoke-SandboxDeviceCode -Client 'Microsoft Azure PowerShell' `
        -Tenant ([string] $Asked.Directory.name) -Show $show
    if ($identity -is [System.Management.Automation.ErrorRecord] -or -not $Asked.Directory -or
            $identity.Tenant.name -eq $Asked.Directory.name) {
        return $identity
    }
    New-ForeignAccountError $identity $Asked.Directory
}

function Write-HostRecord {
    param([System.Management.Automation.PSCmdlet] $Caller, [string] $Text, [bool] $NoNewLine)
    $message = [System.Management.Automation.HostInformationMessage]::new()
    $message.Message = $Text
    $message.NoNewLine = $NoNewLine
    $Caller.WriteInformation($message, [string[]] @('PSHOST'))
}

function Test-IgnoredInformation {
    # As a preference it ends the cmdlet when the code is written; as a parameter it hides the code,
    # and the cmdlet starts to wait.
    param([System.Management.Automation.PSCmdlet] $Caller)
    if ($Caller.MyInvocation.BoundParameters.ContainsKey('InformationAction')) { return }
    "$($Caller.SessionState.PSVariable.GetValue('InformationPreference', ''))" -eq 'Ignore'
}

function Connect-WithCertificate {
    param([hashtable] $Asked)
    $certificate = if ($Asked.CertificatePath) {
        Open-Certificate $Asked
    }
    else {
        Find-StoredCertificate $Asked.CertificateThumbprint
    }
    if ($certificate -is [System.Management.Automation.ErrorRecord]) { return $certificate }
    Invoke-SandboxAppSignIn -Tenant $Asked.Tenant -ClientId $Asked.ApplicationId `
        -Certificate $certificate
}

function Open-Certificate {
    param([hashtable] $Asked)
    $path = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($Asked.CertificatePath)
    if (-not [System.IO.File]::Exists($path)) {
        return New-AzError "- Invalid certificate path :'$($Asked.CertificatePath)'."
    }
    try {
        [System.Security.Cryptography.X509Certificates.X509Certificate2]::new($path,
            $Asked.CertificatePassword)
    }
    catch [System.Management.Automation.MethodInvocationException] {
        New-AzError $_.Exception.InnerException.Message 'CertificateRefused' 'AuthenticationError'
    }
}

function Find-StoredCertificate {
    # The store of the account that PowerShell runs as; on Linux a folder under its HOME.
    param([string] $Thumbprint)
    $store = [System.Security.Cryptography.X509Certificates.X509Store]::new('My', 'CurrentUser')
    try {
        $store.Open('ReadOnly')
        $found = $store.Certificates.Find('FindByThumbprint', $Thumbprint, $false)
        if ($found.Count) {
            $found[0]
        }
        else {
            New-AzError ("No certificate was found in the certificate store with thumbprint " +
                "$Thumbprint") 'CertificateNotFound' 'AuthenticationError'
        }
    }
    finally { $store.Dispose() }
}

function Connect-WithSecret {
    param([hashtable] $Asked)
    Invoke-SandboxAppSignIn -Tenant $Asked.Tenant -ClientId $Asked.Credential.UserName `
        -Secret $Asked.Credential.GetNetworkCredential().Password
}

function Connect-WithFederation {
    param([hashtable] $Asked)
    $identity = Invoke-SandboxAppSignIn -Tenant $Asked.Tenant -ClientId $Asked.ApplicationId `
        -FederatedToken $Asked.FederatedToken
    if ($identity -isnot [System.Management.Automation.ErrorRecord]) {
        $identity.AccountType = 'ClientAssertion'
    }
    $identity
}

function Connect-WithManagedIdentity {
    # The identity belongs to the machine, and so to this session's tenant. Outside a session the
    # tenant must be named.
    param([hashtable] $Asked)
    $tenant = if ($env:PWSH_KERNELS_SANDBOX_TENANT) { '' } else { [string] $Asked.Tenant }
    $identity = Invoke-SandboxAppSignIn -Tenant $tenant -ClientId ([string] $Asked.AccountId) `
        -ManagedIdentity
    if ($identity -is [System.Management.Automation.ErrorRecord] -or -not $Asked.Directory -or
            $identity.Tenant.name -eq $Asked.Directory.name) {
        return $identity
    }
    New-AzError ("The provided account MSI@50342 does not have access to tenant " +
        "'$($Asked.Tenant)'.") 'AuthenticationFailed' 'AuthenticationError'
}

function Connect-WithToken {
    # The account's name is whatever the caller claims; the token decides whose rights apply.
    param([hashtable] $Asked)
    # Azure's management goes by two names.
    foreach ($name in 'https://management.core.windows.net', 'https://management.azure.com') {
        $identity = Read-SandboxToken -Token $Asked.AccessToken -Audience $name
        if ($identity -isnot [System.Management.Automation.ErrorRecord]) { break }
    }
    if ($identity -is [System.Management.Automation.ErrorRecord] -or -not $Asked.Directory -or
            $identity.Tenant.name -eq $Asked.Directory.name) {
        return $identity
    }
    New-AzError ("The provided account $($Asked.AccountId) does not have access to tenant " +
        "'$($Asked.Tenant)'.") 'AuthenticationFailed' 'AuthenticationError'
}
