# A simulation of Microsoft Teams PowerShell: the real cmdlet and parameter names over the sandbox's
# directory.

Import-Module SandboxCore, SandboxGraph
$slow = Get-SandboxTrap 'slow_import'
if ($slow) { Start-Sleep -Milliseconds ([int] (1000 * $slow)) }

$script:Connection = $null

foreach ($part in 'Errors', 'Connect', 'Route', 'Connection', 'Team', 'Tenant', 'User') {
    . "$PSScriptRoot/$part.ps1"
}
