# What Connect-MgGraph leaves on disk: who signed in (no token), and an empty folder where it tried
# to set up a token cache.

function Get-GraphFolder { Join-Path ([System.Environment]::GetFolderPath('UserProfile')) '.mg' }
function Get-RecordFile { Join-Path (Get-GraphFolder) 'mg.authrecord.json' }

function Read-AuthRecord {
    # The person of an earlier sign-in; nothing if there was none, or its record cannot be read.
    $file = Get-RecordFile
    if (-not [System.IO.File]::Exists($file)) { return }
    try {
        [System.IO.File]::ReadAllText($file) | ConvertFrom-Json
    }
    catch [System.IO.IOException], [System.ArgumentException] {
        # Removed or broken: treated as if there were none.
    }
}

function Save-Person {
    # Like the real one: written with -ContextScope Process too, readable by everybody whom the
    # umask allows, and never over an existing record.
    param([object] $Identity, [string] $Client, [object] $Record)
    Save-SandboxGraphToken -Key "person/$Client/$($Identity.Account)" -Identity $Identity
    if ($Record) { return }
    [void] [System.IO.Directory]::CreateDirectory((Get-GraphFolder))
    $facts = [ordered] @{
        username = $Identity.Account
        authority = 'login.microsoftonline.com'
        homeAccountId = "$([guid]::NewGuid()).$($Identity.Tenant.tenant_id)"
        tenantId = $Identity.Tenant.tenant_id; clientId = $Client; version = '1.0'
    }
    [System.IO.File]::WriteAllText((Get-RecordFile), (ConvertTo-Json $facts -Compress))
}

function Remove-AuthRecord { [System.IO.File]::Delete((Get-RecordFile)) }

function Resolve-ContextScope {
    # Without a keyring, CurrentUser silently becomes Process. The attempt leaves a folder, in the
    # current one if .NET knows no better place.
    param([string] $Asked)
    if ($Asked -ne 'CurrentUser') { return $Asked }
    $base = [System.Environment]::GetFolderPath('LocalApplicationData')
    if (-not $base) { $base = [System.Environment]::CurrentDirectory }
    [void] [System.IO.Directory]::CreateDirectory((Join-Path $base '.IdentityService'))
    'Process'
}
