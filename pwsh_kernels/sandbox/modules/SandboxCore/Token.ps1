# Sandbox tokens: JWTs that anybody can read and make (alg none), valid only inside the sandbox.

$script:ExpiredText = 'IDX10223: Lifetime validation failed, the token is expired.'

function ConvertTo-Base64Url {
    param([string] $Text)
    $coded = [convert]::ToBase64String([System.Text.Encoding]::UTF8.GetBytes($Text))
    $coded.TrimEnd('=').Replace('+', '-').Replace('/', '_')
}

function ConvertFrom-Base64Url {
    param([string] $Text)
    $padded = $Text.Replace('-', '+').Replace('_', '/').PadRight(
        [math]::Ceiling($Text.Length / 4) * 4, '=')
    [System.Text.Encoding]::UTF8.GetString([convert]::FromBase64String($padded))
}

function Read-Claim {
    # The claims of a sandbox token; nothing for any other text.
    param([string] $Token)
    $parts = $Token.Split('.')
    if ($parts.Count -ne 3 -or $parts[2] -ne 'sandbox') { return }
    try {
        $claims = ConvertFrom-Base64Url $parts[1] | ConvertFrom-Json -AsHashtable
    }
    catch [System.FormatException], [System.ArgumentException] {
        return
    }
    if ($claims -is [hashtable] -and $claims.tid -and $claims.aud -and $claims.iat -and
            $claims.exp -and ($claims.upn -or $claims.appid)) {
        $claims
    }
}

function Get-PlainAudience {
    # https://graph.microsoft.com/.default and https://graph.microsoft.com/ mean the same service.
    param([string] $Audience)
    ($Audience -replace '/\.default$', '').TrimEnd('/')
}

function New-SandboxToken {
    # An access token of an identity for one service.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [object] $Identity,
        [Parameter(Mandatory)] [string] $Audience,
        [int] $LifetimeSeconds = 4500
    )
    $now = [datetimeoffset]::UtcNow
    $claims = [ordered] @{ aud = $Audience; tid = $Identity.Tenant.tenant_id }
    if ($Identity.Account.Contains('@')) { $claims.upn = $Identity.Account }
    if ($Identity.AppId) { $claims.appid = $Identity.AppId }
    $claims.iat = $now.ToUnixTimeMilliseconds() / 1000
    $claims.exp = $now.ToUnixTimeSeconds() + $LifetimeSeconds
    '{0}.{1}.sandbox' -f
        (ConvertTo-Base64Url '{"alg":"none","typ":"JWT"}'),
        (ConvertTo-Base64Url (ConvertTo-Json $claims -Compress))
}

function Read-SandboxToken {
    # The identity to which a passed-in token belongs, or the ErrorRecord that the caller throws. No
    # text contains the token.
    [CmdletBinding()]
    param([Parameter(Mandatory)] [AllowEmptyString()] [string] $Token, [string] $Audience)
    Stop-TrappedProcess 'connect'
    $claims = Read-Claim $Token
    if (-not $claims) {
        return New-TokenError ('IDX12741: JWT must have three segments (JWS) or five segments ' +
            '(JWE); the access token is malformed.')
    }
    if ($claims.exp -le [datetimeoffset]::UtcNow.ToUnixTimeSeconds()) {
        return New-TokenError $script:ExpiredText
    }
    if ($Audience -and (Get-PlainAudience $claims.aud) -ne (Get-PlainAudience $Audience)) {
        return New-TokenError ("IDX10214: Audience validation failed. The access token is for " +
            "'$($claims.aud)', not for '$Audience'.")
    }
    $identity = ConvertTo-TokenIdentity $claims
    if ($identity) {
        $identity
    }
    else {
        New-TokenError 'The access token names nobody of the sandbox.'
    }
}

function ConvertTo-TokenIdentity {
    param([hashtable] $Claims)
    $tenant = Get-SandboxTenant $Claims.tid
    $account = $Claims.upn ?? $Claims.appid
    $person = $tenant.accounts | Where-Object upn -EQ $account
    $app = $tenant.applications | Where-Object client_id -EQ $account
    if ($person) {
        $identity = New-Identity $tenant $person.upn 'AccessToken' $person.role `
            ([string] $Claims.appid) $person.display_name
    }
    elseif ($app) {
        $identity = New-Identity $tenant $app.client_id 'AccessToken' $app.role $app.client_id `
            $app.display_name $app.scopes
    }
    elseif ($tenant.managed_identity.client_id -eq $account) {
        $identity = ConvertTo-ManagedIdentity $tenant $account
        $identity.AccountType = 'AccessToken'
    }
    else { return }
    $identity.SignedInAt =
        [datetimeoffset]::FromUnixTimeMilliseconds([long] ($Claims.iat * 1000)).UtcDateTime
    $identity.ExpiresAt = [datetimeoffset]::FromUnixTimeSeconds([long] $Claims.exp).UtcDateTime
    $identity
}
