# Sign-ins of applications and managed identities: with a certificate, a secret, a federated token,
# or because of where they run.

$script:FederationAudience = 'api://AzureADTokenExchange'

function Invoke-SandboxAppSignIn {
    # Returns an identity, or the ErrorRecord that the caller throws.
    [CmdletBinding()]
    param(
        [AllowEmptyString()] [string] $Tenant,
        [AllowEmptyString()] [string] $ClientId,
        [System.Security.Cryptography.X509Certificates.X509Certificate2] $Certificate,
        [string] $Secret,
        [string] $FederatedToken,
        [switch] $ManagedIdentity
    )
    [void] (Get-AuthorityFolder)
    Stop-TrappedProcess 'connect'
    $refusal = Find-Refusal
    if ($refusal) { return New-SandboxSignInError $refusal }
    $facts = if ($Tenant) { Get-SandboxTenant $Tenant } else { Get-SessionTenant }
    if (-not $facts) { return New-SandboxSignInError (Get-UnknownTenantText $Tenant) }
    if ($ManagedIdentity) { return ConvertTo-ManagedIdentity $facts $ClientId }
    $app = $facts.applications | Where-Object client_id -EQ $ClientId
    if (-not $app) { return New-SandboxSignInError (Get-UnknownAppText $facts $ClientId) }
    $problem = if ($Certificate) { Find-CertificateProblem $app $Certificate }
    elseif ($FederatedToken) { Find-FederationProblem $facts $app $FederatedToken }
    else { Find-SecretProblem $app $Secret }
    if (-not $problem) { $problem = $app.blocked }
    if ($problem) { return New-SandboxSignInError $problem }
    New-Identity $facts $app.client_id 'ServicePrincipal' $app.role $app.client_id `
        $app.display_name $app.scopes
}

function Get-UnknownTenantText {
    param([string] $Tenant)
    "AADSTS90002: Tenant '$Tenant' not found. Check to make sure you have the correct tenant ID " +
        "and are signing into the correct cloud. " +
        'Check with your subscription administrator, this may happen if there are no active ' +
        'subscriptions for the tenant.'
}

function Get-UnknownAppText {
    param([object] $Tenant, [string] $ClientId)
    "AADSTS700016: Application with identifier '$ClientId' was not found in the directory " +
        "'$($Tenant.display_name)'. This can happen if the application " +
        'has not been installed by the administrator of the tenant or consented to by any user ' +
        'in the tenant. You may have sent your authentication ' +
        'request to the wrong tenant.'
}

function ConvertTo-ManagedIdentity {
    param([object] $Tenant, [string] $ClientId)
    $identity = $Tenant.managed_identity
    if ($ClientId -and $ClientId -ne $identity.client_id) {
        return New-SandboxSignInError 'invalid_request: Identity not found'
    }
    New-Identity $Tenant $identity.client_id 'ManagedService' $identity.role $identity.client_id `
        $identity.display_name $identity.scopes
}

function Find-CertificateProblem {
    param(
        [object] $App,
        [System.Security.Cryptography.X509Certificates.X509Certificate2] $Certificate
    )
    if (-not $Certificate.HasPrivateKey) {
        return "AADSTS700027: The certificate '$($Certificate.Subject)' does not have a private " +
            "key."
    }
    $key = "Thumbprint of key used by client: '$($Certificate.Thumbprint)'"
    if ($App.certificate_subjects -notcontains $Certificate.Subject) {
        return 'AADSTS700027: The certificate with identifier used to sign the client assertion ' +
            'is not registered on application. ' +
            "[Reason - The key was not found., $key, Please visit the Azure Portal, Graph " +
            "Explorer or directly use MS Graph to see configured keys for " +
            "app Id '$($App.client_id)'.]"
    }
    if ($Certificate.NotAfter -lt [datetime]::Now) {
        $span = "Start=$($Certificate.NotBefore.ToString('u')), " +
            "End=$($Certificate.NotAfter.ToString('u'))"
        return "AADSTS700027: Client assertion failed signature validation. [Reason - The key " +
            "used is expired., $key, Found key '$span']"
    }
}

function Find-SecretProblem {
    param([object] $App, [string] $Secret)
    if (-not $Secret) {
        return "AADSTS7000218: The request body must contain the following parameter: " +
            "'client_assertion' or 'client_secret'."
    }
    if ($App.secrets -cnotcontains $Secret) {
        return 'AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in ' +
            'the request is the client secret value, not the client ' +
            "secret ID, for a secret added to app '$($App.client_id)'."
    }
}

function Find-FederationProblem {
    param([object] $Tenant, [object] $App, [string] $Token)
    $claims = Read-Claim $Token
    if (-not $claims) { return 'AADSTS50027: JWT token is invalid or malformed.' }
    if ($claims.exp -le [datetimeoffset]::UtcNow.ToUnixTimeSeconds()) {
        return "AADSTS700024: Client assertion is not within its valid time range."
    }
    if ($claims.aud -ne $script:FederationAudience) {
        return "AADSTS700212: No matching federated identity record found for presented " +
            "assertion audience '$($claims.aud)'."
    }
    if ($claims.tid -ne $Tenant.tenant_id) {
        return "AADSTS700211: No matching federated identity record found for presented " +
            "assertion issuer 'https://sandbox.example/$($claims.tid)'."
    }
    if ($claims.appid -ne $App.client_id) {
        return "AADSTS700213: No matching federated identity record found for presented " +
            "assertion subject '$($claims.upn ?? $claims.appid)'."
    }
}
