# The device code flow against the sandbox's authority: a folder that this module and the sign-in page share.

function Get-AuthorityFolder {
    $folder = $env:PWSH_KERNELS_SANDBOX
    if (-not $folder) { throw 'This is the sandbox module: it works only in a session of a sandbox tenant (PWSH_KERNELS_SANDBOX is not set).' }
    if (-not (Test-Path -LiteralPath "$folder/page.txt")) { throw "The sandbox has no sign-in page: no server has prepared $folder." }
    $folder
}

function New-UserCode {
    # 9 characters as in Entra's codes, without those that look alike.
    $alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'
    -join (1..9 | ForEach-Object { $alphabet[[System.Security.Cryptography.RandomNumberGenerator]::GetInt32($alphabet.Length)] })
}

function Get-CodeLifetime {
    # 900 s as in Entra; tests shorten it.
    $seconds = 900
    if ($env:PWSH_KERNELS_SANDBOX_EXPIRES_IN) { $seconds = [double]::Parse($env:PWSH_KERNELS_SANDBOX_EXPIRES_IN, [cultureinfo]::InvariantCulture) }
    [timespan]::FromSeconds($seconds)
}

function Save-Code {
    # Readable by us alone, and whole for every reader: written beside its place, then moved there.
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
    # Returns the code's facts once a person has decided; nothing when the time is over or the code was taken away.
    param([string] $File, [datetime] $ExpiresAt)
    while ([datetime]::UtcNow -lt $ExpiresAt -and [System.IO.File]::Exists($File)) {
        $facts = [System.IO.File]::ReadAllText($File) | ConvertFrom-Json
        if ($facts.state -ne 'pending') { return $facts }
        Start-Sleep -Milliseconds 150
    }
}

function Invoke-DeviceCodeFlow {
    # Returns the name of the account that signed in. The caller throws an ErrorRecord that comes instead.
    param([string] $Tenant)
    $folder = Get-AuthorityFolder
    $page = [System.IO.File]::ReadAllText("$folder/page.txt").Trim()
    $code = New-UserCode
    $file = "$folder/codes/$code.json"
    $expiresAt = [datetime]::UtcNow + (Get-CodeLifetime)
    Save-Code $file @{
        code = $code; tenant = if ($Tenant) { $Tenant } else { $null }; state = 'pending'; account = $null
        expires_at = $expiresAt.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", [cultureinfo]::InvariantCulture)
    }
    try {
        # As the real module does: on the console, in no stream of PowerShell.
        [Console]::WriteLine("To sign in, use a web browser to open the page $page and enter the code $code to authenticate.")
        $decision = Wait-Approval $file $expiresAt
    } finally {
        [System.IO.File]::Delete($file)
    }
    if (-not $decision) {
        return New-SignInError "AADSTS70020: The provided value for the input parameter 'device_code' is not valid. This device code has expired."
    }
    if ($decision.state -ne 'approved') { return New-SignInError 'AADSTS65004: User declined to consent to access the app.' }
    [string] $decision.account
}
