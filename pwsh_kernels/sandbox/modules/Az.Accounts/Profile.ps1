# The profile: every context of this process, which one is used, and the grants that renew their
# tokens.
#
# A context is plain facts, so that it can be written to a file: @{ name; account; type; tenant;
# subscription; appid }. With autosave on (as the real one is by default) contexts and grants are
# files of HOME: every process of that HOME sees the same sign-ins, and loses them together.

function Get-ProfileFile { Join-Path (Get-AzureFolder) 'AzureRmContext.json' }

function Test-Autosave {
    if ($null -ne $script:ProcessAutosave) { return $script:ProcessAutosave }
    $given = $false
    if ([bool]::TryParse($env:Azure_Profile_Autosave, [ref] $given)) { return $given }
    (Read-JsonFile (Join-Path (Get-AzureFolder) 'AzureRmContextSettings.json')).Mode -ne 'Process'
}

function Read-Profile {
    $kept = if (Test-Autosave) { Read-JsonFile (Get-ProfileFile) } else { @{} }
    @{ Default = "$($kept.DefaultContextKey)"; Contexts = [hashtable] ($kept.Contexts ?? @{}) }
}

function Save-Profile {
    if (Test-Autosave) {
        Save-JsonFile (Get-ProfileFile) (ConvertTo-ProfileContent $script:Profile)
    }
}

function ConvertTo-ProfileContent {
    # Nothing stores tokens that were passed in.
    param([hashtable] $Given)
    $kept = @{}
    foreach ($name in $Given.Contexts.Keys) {
        if ($Given.Contexts[$name].type -ne 'AccessToken') { $kept[$name] = $Given.Contexts[$name] }
    }
    @{
        DefaultContextKey = if ($kept.ContainsKey($Given.Default)) { $Given.Default }
        else { '' }
        Contexts = $kept
    }
}

function Save-Grant {
    # Corresponds to a refresh token.
    param([object] $Identity)
    $token =
        New-SandboxToken -Identity $Identity -Audience 'azure-grant' -LifetimeSeconds (90 * 86400)
    $held = $script:MemoryGrants[$Identity.Account] ?? @{}
    $held.Identity, $held.Restored = $Identity, $false
    $script:MemoryGrants[$Identity.Account] = $held
    if (-not (Test-Autosave) -or $Identity.AccountType -eq 'AccessToken') { return }
    $cache = Read-JsonFile (Get-CacheFile)
    $cache[$Identity.Account] = $token
    Save-JsonFile (Get-CacheFile) $cache
}

function Remove-Grant {
    param([string] $Account)
    $script:MemoryGrants.Remove($Account)
    $cache = Read-JsonFile (Get-CacheFile)
    if (-not (Test-Autosave) -or -not $cache.ContainsKey($Account)) { return }
    $cache.Remove($Account)
    Save-JsonFile (Get-CacheFile) $cache
}

function Find-Grant {
    # The identity with which an account's context signs in; nothing if there is none, or none any
    # more.
    param([hashtable] $Context)
    $held = $script:MemoryGrants[$Context.grant]
    if (-not (Test-Autosave) -or $Context.type -eq 'AccessToken') { return $held.Identity }
    # The file decides: another process with the same HOME may have signed out.
    $token = (Read-JsonFile (Get-CacheFile))[$Context.grant]
    if (-not $token) { return }
    if ($held) { return $held.Identity }
    $identity = Read-SandboxToken -Token $token
    if ($identity -is [System.Management.Automation.ErrorRecord]) { return }
    $identity.AccountType = $Context.type
    $identity.ExpiresAt = [datetime]::UtcNow
    $script:MemoryGrants[$Context.grant] = @{ Identity = $identity; Restored = $true }
    $identity
}

function Test-BlockedRenewal {
    # Protocol tracking: blocking device codes also ends the later silent renewals of sessions that
    # began with one.
    param([hashtable] $Context)
    $Context.type -eq 'User' -and $script:MemoryGrants[$Context.grant].Restored -and
        (Get-SandboxTrap 'ca_block')
}

function Get-LiveContext {
    # The context and identity that a service cmdlet works with. Throws in the caller's name if
    # nobody is signed in or the sign-in has ended.
    param([System.Management.Automation.PSCmdlet] $Caller)
    $context = $script:Profile.Contexts[$script:Profile.Default]
    $identity = if ($context) { Find-Grant $context }
    $problem = if (-not $context) { New-AzError $script:NoLogin }
    elseif (-not $identity) {
        New-AzError $script:NoCredentials 'AuthenticationFailed' 'AuthenticationError'
    }
    elseif (Test-BlockedRenewal $context) {
        New-SandboxSignInError ('AADSTS530036: Access has been blocked by Conditional Access ' +
            'policies. The authentication flow of this session (device code) is not allowed.')
    }
    else { Test-SandboxSignIn $identity }
    if ($problem) { $Caller.ThrowTerminatingError($problem) }
    Invoke-SandboxService $identity -Caller $Caller
    @{ Context = $context; Identity = $identity; Tenant = Get-SandboxTenant $context.tenant }
}
