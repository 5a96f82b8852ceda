# ~/.mg/mg.authrecord.json: whose sign-in the token library goes on with (ids, no token). It stays when PowerShell is killed.

function Get-RecordFile { Join-Path ([System.Environment]::GetFolderPath('UserProfile')) '.mg/mg.authrecord.json' }

function Save-AuthRecord {
    # Of a person's sign-in. True when somebody else's record is there: it is kept, and no token of the one who signed in is found by it.
    param([object] $Identity)
    $file = Get-RecordFile
    if ([System.IO.File]::Exists($file)) { return ([System.IO.File]::ReadAllText($file) | ConvertFrom-Json).username -ne $Identity.Account }
    [void] [System.IO.Directory]::CreateDirectory([System.IO.Path]::GetDirectoryName($file))
    [System.IO.File]::WriteAllText($file, (ConvertTo-Json @{ username = $Identity.Account; tenantId = $Identity.Tenant.tenant_id; version = '1.0' }))
    $false
}

function Remove-AuthRecord { [System.IO.File]::Delete((Get-RecordFile)) }
