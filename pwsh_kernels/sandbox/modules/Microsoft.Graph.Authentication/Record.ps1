# What Connect-MgGraph leaves on the disk: who signed in (no token), and an empty folder where a
# cache of tokens was tried.

function Get-GraphFolder { Join-Path ([System.Environment]::GetFolderPath('UserProfile')) '.mg' }
function Get-RecordFile { Join-Path (Get-GraphFolder) 'mg.authrecord.json' }

function Read-AuthRecord {
    # The person of an earlier sign-in; nothing when there is none, or none that can be read.
    $file = Get-RecordFile
    if (-not [System.IO.File]::Exists($file)) { return }
    try {
        [System.IO.File]::ReadAllText($file) | ConvertFrom-Json
    }
    catch [System.IO.IOException], [System.ArgumentException] {
        # Taken away or broken: as if there were none.
    }
}

function Save-Person {
    # As the real one: also with -ContextScope Process, readable by everybody whom the umask lets
    # read, and never over one that is there.
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
    # Without a keyring CurrentUser becomes Process, silently; the trial leaves a folder, in the
    # current one when .NET knows no better place.
    param([string] $Asked)
    if ($Asked -ne 'CurrentUser') { return $Asked }
    $base = [System.Environment]::GetFolderPath('LocalApplicationData')
    if (-not $base) { $base = [System.Environment]::CurrentDirectory }
    [void] [System.IO.Directory]::CreateDirectory((Join-Path $base '.IdentityService'))
    'Process'
}
