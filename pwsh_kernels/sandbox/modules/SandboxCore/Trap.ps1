# Traps: what real modules do to programs that drive them. Switched on per tenant (a file) or in
# this session.

function Get-SandboxTrap {
    # The trap's value, or nothing. Read again at every call, because a trap can be switched while a
    # session runs.
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0)] [string] $Name)
    $value = if ($script:SessionTraps.ContainsKey($Name)) {
        $script:SessionTraps[$Name]
    }
    else {
        (Read-TenantTrap).$Name
    }
    if ($value) { $value } else { $null }
}

function Read-TenantTrap {
    # The traps of the session's tenant, as the server or a test wrote them.
    $tenant = Get-SessionTenant
    if (-not $tenant) { return }
    $text = Read-SharedFile "traps/$($tenant.name).json"
    if (-not $text) { return }
    try { $text | ConvertFrom-Json -ErrorAction Stop }
    catch [System.ArgumentException] {
        # A service that refuses everybody because of a damaged file would be no trap that anybody set.
        Write-Debug "The traps of $($tenant.name) are damaged: $_"
    }
}

function Set-SandboxTrap {
    # Switches a trap on for this session only. -Value $false switches off one that the tenant's
    # file switches on.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0)] [string] $Name,
        [Parameter(Position = 1)] [object] $Value = $true
    )
    $known = $script:Company.traps.PSObject.Properties.Name
    if ($known -notcontains $Name) {
        $problem = [System.ArgumentException]::new(
            "The sandbox has no trap '$Name'. Traps: $($known -join ', ').")
        $PSCmdlet.ThrowTerminatingError([System.Management.Automation.ErrorRecord]::new($problem,
            'UnknownTrap', 'InvalidArgument', $Name))
    }
    $script:SessionTraps[$Name] = $Value
}

function Clear-SandboxTrap {
    # Undoes what this session has switched: one trap, or all.
    [CmdletBinding()]
    param([Parameter(Position = 0)] [string] $Name)
    if ($Name) { $script:SessionTraps.Remove($Name) } else { $script:SessionTraps.Clear() }
}
