# The ways to sign in to Exchange Online: device code, certificate, managed identity, access token.

$script:ClientName = 'Microsoft Exchange REST API Based Powershell'
$script:Audience = 'https://outlook.office365.com'

function Invoke-Route {
    # Returns an identity, or the ErrorRecord that Connect-ExchangeOnline throws.
    param([System.Collections.IDictionary] $Given)
    if ($Given['Device']) { return Invoke-DeviceRoute $Given }
    if ($Given['AccessToken']) { return Invoke-TokenRoute $Given }
    if (-not $Given['Organization']) {
        return New-ArgumentError ('The Organization parameter is required to sign in without a ' +
            'person.') 'MissingOrganization'
    }
    if ($Given['ManagedIdentity']) {
        return Invoke-SandboxAppSignIn -Tenant $Given['Organization'] `
            -ClientId $Given['ManagedIdentityAccountId'] -ManagedIdentity
    }
    Invoke-CertificateRoute $Given
}

function Invoke-DeviceRoute {
    param([System.Collections.IDictionary] $Given)
    $wanted = if ($Given['DelegatedOrganization']) {
        $Given['DelegatedOrganization']
    }
    else {
        $Given['Organization']
    }
    # On the console and in none of PowerShell's streams, as in the real module.
    Invoke-SandboxDeviceCode -Client $script:ClientName -Tenant $wanted -Show {
        param($Message)
        [Console]::WriteLine($Message)
    }
}

function Invoke-TokenRoute {
    param([System.Collections.IDictionary] $Given)
    $target = @(
        $Given['Organization'], $Given['DelegatedOrganization'], $Given['UserPrincipalName'] |
            Where-Object { $_ }
    )
    if (-not $target) {
        return New-ArgumentError ('An access token needs the Organization, DelegatedOrganization ' +
            'or UserPrincipalName parameter.') 'MissingOrganization'
    }
    $identity = Read-SandboxToken -Token $Given['AccessToken'] -Audience $script:Audience
    if ($identity -is [System.Management.Automation.ErrorRecord] -or -not $Given['Organization']) {
        return $identity
    }
    if ((Get-SandboxTenant $Given['Organization']).name -eq $identity.Tenant.name) {
        return $identity
    }
    # The service answers with just this word if the token belongs to another tenant.
    [System.Management.Automation.ErrorRecord]::new(
        [System.UnauthorizedAccessException]::new('UnAuthorized'), 'UnAuthorized',
        'AuthenticationError', $null)
}

function Invoke-CertificateRoute {
    param([System.Collections.IDictionary] $Given)
    if (-not $Given['AppId']) {
        return New-ArgumentError 'A certificate needs the AppId parameter.' 'MissingAppId'
    }
    $certificate = if ($Given['Certificate']) {
        $Given['Certificate']
    }
    else {
        Read-Certificate $Given['CertificateFilePath'] $Given['CertificatePassword']
    }
    if ($certificate -is [System.Management.Automation.ErrorRecord]) { return $certificate }
    Invoke-SandboxAppSignIn -Tenant $Given['Organization'] -ClientId $Given['AppId'] `
        -Certificate $certificate
}

function Read-Certificate {
    # The certificate of a file, or an ErrorRecord; the key stays in memory.
    param([string] $File, [securestring] $Password)
    if (-not $File) {
        return New-ArgumentError ('An application needs a certificate: CertificateFilePath or ' +
            'Certificate.') 'MissingCertificate'
    }
    if (-not (Test-Path -LiteralPath $File -PathType Leaf)) {
        return New-ArgumentError "Could not find file '$File'." 'CertificateNotFound'
    }
    try {
        [System.Security.Cryptography.X509Certificates.X509Certificate2]::new(
            (Convert-Path -LiteralPath $File), $Password, 'EphemeralKeySet')
    }
    catch [System.Security.Cryptography.CryptographicException] {
        New-ArgumentError $_.Exception.Message 'CertificateUnreadable'
    }
}
