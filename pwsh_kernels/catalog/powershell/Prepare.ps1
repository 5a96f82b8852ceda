param([string] $Name, [string] $MinimumVersion, [string] $Install)
try {
    & {
        $found = Get-Module -ListAvailable -Name $Name | Where-Object Version -ge $MinimumVersion
        if (-not $found) {
            throw "The PowerShell module $Name $MinimumVersion or newer is not installed. " +
                "Install it: $Install"
        }
        Import-Module -Name $Name -MinimumVersion $MinimumVersion -ErrorAction Stop
    }
}
catch { throw }
finally { Remove-Variable -Name Name, MinimumVersion, Install -ErrorAction Ignore }
