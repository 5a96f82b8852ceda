# The tenants of the simulated company, as described in company.json, and the folder shared with the
# server.

function Get-SandboxTenant {
    # All tenants; with -Name, the one with this name, domain or tenant id; nothing if there is
    # none.
    [CmdletBinding()]
    param([Parameter(Position = 0)] [AllowEmptyString()] [string] $Name)
    if (-not $PSBoundParameters.ContainsKey('Name')) { return $script:Company.tenants }
    $script:Company.tenants |
        Where-Object {
            $_.name -eq $Name -or $_.tenant_id -eq $Name -or $_.domains -contains $Name
        } |
        Select-Object -First 1
}

function Get-SessionTenant {
    # The tenant of this session; nothing outside a session.
    if ($env:PWSH_KERNELS_SANDBOX_TENANT) { Get-SandboxTenant $env:PWSH_KERNELS_SANDBOX_TENANT }
}

function Get-HomeTenant {
    # The tenant to which an account or an application belongs.
    param([string] $Account)
    $script:Company.tenants |
        Where-Object {
            $_.accounts.upn -contains $Account -or
                $_.applications.client_id -contains $Account -or
                $_.managed_identity.client_id -eq $Account
        } |
        Select-Object -First 1
}

function Get-AuthorityFolder {
    # The folder that PowerShell shares with the server's sign-in page.
    $folder = $env:PWSH_KERNELS_SANDBOX
    if (-not $folder) {
        throw 'This is the sandbox module: it works only in a session of a sandbox tenant ' +
            '(PWSH_KERNELS_SANDBOX is not set).'
    }
    $folder
}

function Read-SharedFile {
    # The text of a file in that folder, or nothing. Checks before it reads, because even a caught
    # error would end up in a caller's -ErrorVariable.
    param([string] $Name)
    $file = "$env:PWSH_KERNELS_SANDBOX/$Name"
    if (-not $env:PWSH_KERNELS_SANDBOX -or -not [System.IO.File]::Exists($file)) { return }
    try { [System.IO.File]::ReadAllText($file) }
    catch [System.IO.IOException] {
        # Removed at this very moment, which is as good as never there.
    }
}
