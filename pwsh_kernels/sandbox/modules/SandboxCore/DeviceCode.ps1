# The device code flow against the sandbox's authority: a folder that PowerShell and the sign-in
# page share.

$script:Sentences = @{
    Plain     =
        'To sign in, use a web browser to open the page {0} and enter the code {1} to authenticate.'
    Localized = "Para iniciar sesi$([char] 0xF3)n, use un explorador web para abrir la " +
        "p$([char] 0xE1)gina {0} y escriba el c$([char] 0xF3)digo {1} para autenticarse."
    Wrapped   = "`e[33mTo sign in, use a web browser to open the page`n`e[1m{0}`e[22m and enter " +
        "the`ncode `e[1m{1}`e[0m to`nauthenticate."
}

function New-UserCode {
    # 9 characters as in Entra's codes, without those that look alike.
    $alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'
    $random = [System.Security.Cryptography.RandomNumberGenerator]
    -join (1..9 | ForEach-Object { $alphabet[$random::GetInt32($alphabet.Length)] })
}

function Get-CodeLifetime {
    # The shortest of the module's, a test's and the trap code_expiry's.
    param([double] $Seconds)
    $others = @($env:PWSH_KERNELS_SANDBOX_EXPIRES_IN, (Get-SandboxTrap 'code_expiry') |
            Where-Object { $_ } |
            ForEach-Object { [double]::Parse("$_", [cultureinfo]::InvariantCulture) })
    [timespan]::FromSeconds((@($Seconds) + $others | Measure-Object -Minimum).Minimum)
}

function Get-CodeSentence {
    param([string] $Page, [string] $Code)
    $form = if (Get-SandboxTrap 'wrapped') {
        'Wrapped'
    }
    elseif (Get-SandboxTrap 'localized') {
        'Localized'
    }
    else {
        'Plain'
    }
    $script:Sentences[$form] -f $Page, $Code
}

function Save-Code {
    # Readable only by us, and complete for every reader: written next to its place, then moved
    # there.
    param([string] $File, [hashtable] $Facts)
    $part = "$File.part"
    $options = [System.IO.FileStreamOptions]::new()
    $options.Mode = 'Create'
    $options.Access = 'Write'
    if (-not $IsWindows) { $options.UnixCreateMode = 'UserRead, UserWrite' }
    $writer = [System.IO.StreamWriter]::new($part, $options)
    try { $writer.Write((ConvertTo-Json $Facts -Compress)) } finally { $writer.Dispose() }
    [System.IO.File]::Move($part, $File, $true)
}

function Wait-Approval {
    # Returns the code's facts once a person has decided; nothing if the time is up or the code was
    # removed.
    param([string] $File, [datetime] $ExpiresAt)
    while ([datetime]::UtcNow -lt $ExpiresAt -and [System.IO.File]::Exists($File)) {
        $facts = [System.IO.File]::ReadAllText($File) | ConvertFrom-Json
        if ($facts.state -ne 'pending') { return $facts }
        Start-Sleep -Milliseconds 150
    }
}

function Get-SignInPage {
    $file = "$(Get-AuthorityFolder)/page.txt"
    if (-not [System.IO.File]::Exists($file)) {
        throw "The sandbox has no sign-in page: no server has prepared $(Get-AuthorityFolder)."
    }
    [System.IO.File]::ReadAllText($file).Trim()
}

function Invoke-SandboxDeviceCode {
    # Shows a code and waits; a stop ends the wait. Returns an identity, the ErrorRecord that the
    # caller throws, or nothing if the module gave up before the code expired. -Show prints on the
    # module's own channel; its output is discarded, so it writes objects with its caller's
    # $PSCmdlet.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Client,
        [AllowEmptyString()] [string] $Tenant,
        [string] $ClientId,
        [double] $LifetimeSeconds = 900,
        [double] $PatienceSeconds = 86400,
        [Parameter(Mandatory)] [scriptblock] $Show
    )
    $page = Get-SignInPage
    $code = New-UserCode
    $file = "$(Get-AuthorityFolder)/codes/$code.json"
    $expiresAt = [datetime]::UtcNow + (Get-CodeLifetime $LifetimeSeconds)
    Save-Code $file @{
        code = $code
        client = $Client
        tenant = if ($Tenant) { $Tenant } else { $null }
        state = 'pending'
        account = $null
        refusal = Find-Refusal -DeviceCode
        expires_at =
            $expiresAt.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", [cultureinfo]::InvariantCulture)
    }
    try {
        $null = & $Show (Get-CodeSentence $page $code) $page $code
        $givesUpAt = [datetime]::UtcNow.AddSeconds($PatienceSeconds)
        $decision = Wait-Approval $file ($expiresAt -lt $givesUpAt ? $expiresAt : $givesUpAt)
    }
    finally { [System.IO.File]::Delete($file) }
    Stop-TrappedProcess 'connect'
    if (-not $decision -and $givesUpAt -lt $expiresAt) { return }
    ConvertTo-PersonIdentity $decision $ClientId
}

function ConvertTo-PersonIdentity {
    # The outcome of a person's decision on the page.
    param([object] $Decision, [string] $ClientId)
    if (-not $Decision) {
        return New-SandboxSignInError ("AADSTS70020: The provided value for the input parameter " +
            "'device_code' is not valid. This device code has expired.")
    }
    if ($Decision.state -ne 'approved') {
        return New-SandboxSignInError 'AADSTS65004: User declined to consent to access the app.'
    }
    $refusal = Find-Refusal -DeviceCode
    if ($refusal) { return New-SandboxSignInError $refusal }
    $tenant = Get-HomeTenant $Decision.account
    $person = $tenant.accounts | Where-Object upn -EQ $Decision.account
    if ($person.blocked) { return New-SandboxSignInError $person.blocked }
    New-Identity $tenant $person.upn 'User' $person.role $ClientId $person.display_name
}
