# Files under HOME: ~/.Azure (contexts and settings) and ~/.local/share/.IdentityService (what
# renews tokens). Plain text, 0600, as without a keyring.

function Get-AzureFolder { Join-Path ([System.Environment]::GetFolderPath('UserProfile')) '.Azure' }

function Get-CacheFile {
    # The same as .NET's LocalApplicationData, which the real cache uses.
    $local = if ($env:XDG_DATA_HOME) {
        $env:XDG_DATA_HOME
    }
    else {
        Join-Path ([System.Environment]::GetFolderPath('UserProfile')) '.local/share'
    }
    Join-Path $local '.IdentityService/msal.cache'
}

function Read-JsonFile {
    # A file that is missing or broken counts as empty.
    param([string] $File)
    try {
        [System.IO.File]::ReadAllText($File) | ConvertFrom-Json -AsHashtable
    }
    catch [System.IO.IOException], [System.ArgumentException] {
        @{}
    }
}

function Save-JsonFile {
    param([string] $File, [object] $Content)
    $folder = [System.IO.Path]::GetDirectoryName($File)
    if (-not [System.IO.Directory]::Exists($folder)) {
        [void] [System.IO.Directory]::CreateDirectory($folder, 'UserRead, UserWrite, UserExecute')
    }
    $options = [System.IO.FileStreamOptions]::new()
    $options.Mode = 'Create'
    $options.Access = 'Write'
    $options.UnixCreateMode = 'UserRead, UserWrite'
    $part = "$File.$PID.part"
    $writer = [System.IO.StreamWriter]::new($part, $options)
    try { $writer.Write((ConvertTo-Json $Content -Depth 8)) } finally { $writer.Dispose() }
    [System.IO.File]::Move($part, $File, $true)
}
