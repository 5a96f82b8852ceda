# The process's only sign-in to Graph, which every Microsoft.Graph module uses.

function Get-SandboxGraphSession {
    # @{ Identity; Tenant; Scopes; Credential; Problem; Context }, or nothing if nobody is signed
    # in.
    [CmdletBinding()]
    param()
    $script:Shared.Session
}

function Set-SandboxGraphSession {
    # With -Session $null, nobody is signed in any more.
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0)] [AllowNull()] [hashtable] $Session)
    $script:Shared.Session = $Session
}

function Get-SandboxGraphToken {
    # The identity for which an earlier sign-in of this process obtained a token, as long as the
    # token is valid; otherwise nothing.
    [CmdletBinding()]
    param([Parameter(Mandatory)] [string] $Key)
    $identity = $script:Shared.Tokens[$Key.ToLowerInvariant()]
    if ($identity -and $identity.ExpiresAt -gt [datetime]::UtcNow) { $identity }
}

function Save-SandboxGraphToken {
    [CmdletBinding()]
    param([Parameter(Mandatory)] [string] $Key, [Parameter(Mandatory)] [object] $Identity)
    $script:Shared.Tokens[$Key.ToLowerInvariant()] = $Identity
}

function Clear-SandboxGraphToken {
    [CmdletBinding()]
    param()
    $script:Shared.Tokens.Clear()
}

function Resolve-SandboxTenant {
    # The tenant that a sign-in is for: the one requested, if it is known and (with -Identity)
    # admits that identity; otherwise an ErrorRecord.
    [CmdletBinding()]
    param([Parameter(Mandatory)] [AllowEmptyString()] [string] $Name, [object] $Identity)
    if (-not $Name -or $Name -in 'common', 'organizations') { return $Identity.Tenant }
    $tenant = Get-SandboxTenant $Name
    if (-not $tenant) {
        return New-SandboxSignInError ("AADSTS90002: Tenant '$Name' not found. Check to make " +
            "sure you have the correct tenant ID and are signing into the " +
            'correct cloud. Check with your subscription administrator, this may happen if there ' +
            'are no active subscriptions for the tenant.')
    }
    if (-not $Identity -or $tenant.name -eq $Identity.Tenant.name -or
            $tenant.partners -contains $Identity.Tenant.name) {
        return $tenant
    }
    New-SandboxSignInError ("AADSTS50020: User account '$($Identity.Account)' from identity " +
        "provider 'https://sts.windows.net/$($Identity.Tenant.tenant_id)/' " +
        "does not exist in tenant '$($tenant.display_name)' and cannot access the application in " +
        "that tenant. The account needs to be added as an external " +
        'user in the tenant first. Sign out and sign in again with a different Microsoft Entra ' +
        'user account.')
}
