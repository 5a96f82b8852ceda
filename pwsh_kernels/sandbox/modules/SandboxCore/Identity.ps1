# Who signed in, what refuses a sign-in, and whether it is still valid.

$script:AccessMinutes = 75

function New-Identity {
    param(
        [object] $Tenant,
        [string] $Account,
        [string] $Type,
        [string] $Role,
        [string] $AppId,
        [string] $Name,
        [string[]] $Scopes
    )
    $now = [datetime]::UtcNow
    [pscustomobject] @{
        Account     = $Account
        AccountType = $Type
        AppId       = $AppId
        DisplayName = $Name
        Tenant      = $Tenant
        Role        = $Role
        Scopes      = $Scopes
        SignedInAt  = $now
        ExpiresAt   = $now.AddMinutes($script:AccessMinutes)
    }
}

function Find-Refusal {
    # Entra's text for a sign-in that the trap ca_block refuses; nothing if it may continue.
    param([switch] $DeviceCode)
    $trap = Get-SandboxTrap 'ca_block'
    if (-not $trap) { return }
    if ("$trap" -eq 'device_code') {
        if ($DeviceCode) { $script:DeviceCodeBlockedText }
    }
    elseif ("$trap".StartsWith('AADSTS')) { $trap }
    else { $script:BlockedText }
}

function Stop-TrappedProcess {
    # The trap dies: the process ends immediately, as after a crash.
    param([string] $Where)
    if ("$(Get-SandboxTrap 'dies')" -eq $Where) { [System.Environment]::Exit(1) }
}

function Read-Revocation {
    # When the account's sign-ins were revoked; nothing if they were not.
    param([string] $Account)
    $text = Read-SharedFile "revoked/$($Account.ToLowerInvariant())"
    if ($text) { [datetimeoffset]::Parse($text, [cultureinfo]::InvariantCulture).UtcDateTime }
}

function Test-SandboxSignIn {
    # Nothing while the sign-in is valid, otherwise the ErrorRecord that the service cmdlet throws.
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0)] [object] $Identity)
    $revoked = Read-Revocation $Identity.Account
    if ((Get-SandboxTrap 'token_revoked') -or ($revoked -and $Identity.SignedInAt -le $revoked)) {
        return New-RevokedError $Identity ($revoked ?? [datetime]::UtcNow)
    }
    $ending = Get-SandboxTrap 'ca_revoked'
    if ($ending) {
        $text = "$ending".StartsWith('AADSTS') ? $ending : $script:BlockedText
        return New-SandboxSignInError $text
    }
    # An application or a person silently gets a new token; a token that was passed in just expires.
    $now = [datetime]::UtcNow
    if ($Identity.AccountType -eq 'AccessToken') {
        if ($Identity.ExpiresAt -le $now) { return New-TokenError $script:ExpiredText }
    }
    elseif ($Identity.ExpiresAt -lt $now.AddMinutes(5)) {
        $Identity.ExpiresAt = $now.AddMinutes($script:AccessMinutes)
    }
}

function New-RevokedError {
    param([object] $Identity, [datetime] $RevokedAt)
    $form = "yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'"
    $granted, $valid = $Identity.SignedInAt, $RevokedAt |
        ForEach-Object { $_.ToString($form, [cultureinfo]::InvariantCulture) }
    New-SandboxSignInError ('AADSTS50173: The provided grant has expired due to it being ' +
        'revoked, a fresh auth token is needed. The user might ' +
        "have changed or reset their password. The grant was issued on '$granted' and the " +
        "TokensValidFrom date (before which tokens are not valid) " +
        "for this user is '$valid'.")
}
