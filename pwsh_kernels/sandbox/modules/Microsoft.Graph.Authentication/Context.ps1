# Who is signed in to Graph: the context that Get-MgContext shows, and the permissions of the
# sign-in.

# What a token that was passed in may do: an administrator has consented to these for its
# application.
$script:TokenScopes = @(
    'User.Read', 'User.ReadWrite.All', 'Group.ReadWrite.All', 'Directory.Read.All',
    'Organization.Read.All'
)

function Get-MgContext {
    [CmdletBinding()]
    param()
    (Get-SandboxGraphSession).Context
}

function New-Session {
    # The session that a route leads to; an ErrorRecord if the requested tenant does not admit the
    # identity.
    param([hashtable] $Result, [System.Collections.IDictionary] $Given)
    $tenant = Resolve-SandboxTenant -Name ([string] $Given['TenantId']) -Identity $Result.Identity
    if ($tenant -is [System.Management.Automation.ErrorRecord]) {
        return New-RouteResult $tenant $Result.AuthType $Result.Credential
    }
    $scopes = Get-Scope $Result $Given
    @{
        Identity = $Result.Identity
        Tenant = $tenant
        Scopes = $scopes
        Credential = $Result.Credential
        Problem = $Result.Problem
        Stranger = $Result.Stranger
        Context = New-Context $Result $Given $tenant $scopes
    }
}

function Get-Scope {
    param([hashtable] $Result, [System.Collections.IDictionary] $Given)
    if (-not $Result.Identity.Account.Contains('@')) { return @($Result.Identity.Scopes) }
    if ($Result.AuthType -eq 'UserProvidedAccessToken') { return $script:TokenScopes }
    $asked = @($Given['Scopes'] | ForEach-Object { "$_".Split(',').Trim() } | Where-Object { $_ })
    $key = "$($Result.ClientId)/$($Result.Identity.Account)"
    # As in Entra, everything consented to so far comes back in every later sign-in with that
    # application.
    $script:Consents[$key] = @(
        @('openid', 'profile', 'User.Read', 'email') + $script:Consents[$key] + $asked |
            Where-Object { $_ } | Select-Object -Unique
    )
    $script:Consents[$key]
}

function New-Context {
    param(
        [hashtable] $Result,
        [System.Collections.IDictionary] $Given,
        [object] $Tenant,
        [string[]] $Scopes
    )
    $person = $Result.Identity.Account.Contains('@')
    $default = if ($Result.AuthType -eq 'Delegated') { 'CurrentUser' } else { 'Process' }
    [pscustomobject] @{
        PSTypeName             = 'Microsoft.Graph.PowerShell.Authentication.AuthContext'
        ClientId               = $Result.ClientId
        TenantId               = $Tenant.tenant_id
        Scopes                 = $Scopes
        AuthType               = $Result.AuthType
        TokenCredentialType    = if ($Result.Credential -eq 'Environment') {
            'EnvironmentVariable'
        }
        else {
            $Result.Credential
        }
        CertificateThumbprint  = $Given['CertificateThumbprint']
        CertificateSubjectName = $Given['CertificateSubjectName']
        SendCertificateChain   = [bool] $Given['SendCertificateChain']
        Account                = if ($person) { $Result.Identity.Account } else { $null }
        AppName                = if ($person) {
            'Microsoft Graph Command Line Tools'
        }
        else {
            $Result.Identity.DisplayName
        }
        ContextScope           = Resolve-ContextScope $(if ($Given['ContextScope']) {
            $Given['ContextScope']
        }
            else {
                $default
            })
        Certificate            = $Given['Certificate']
        PSHostVersion          = $Host.Version
        ManagedIdentityId      = if ($Result.AuthType -eq 'ManagedIdentity') {
            $Given['ClientId']
        }
        else {
            $null
        }
        ClientSecret           = $null
        Environment            = 'Global'
    }
}
