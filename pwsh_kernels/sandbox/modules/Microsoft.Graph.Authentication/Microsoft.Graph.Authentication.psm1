# A simulation of Microsoft.Graph.Authentication: the real sign-in cmdlets and requests over the
# sandbox's directory.

Import-Module SandboxCore, SandboxGraph
$slow = Get-SandboxTrap 'slow_import'
if ($slow) { Start-Sleep -Milliseconds ([int] (1000 * $slow)) }

# Permissions that people have consented to stay with the application that asked for them.
$script:Consents = @{}

foreach ($part in 'Connect', 'Route', 'Certificate', 'Record', 'Context', 'Request') {
    . "$PSScriptRoot/$part.ps1"
}

Set-Alias Connect-Graph Connect-MgGraph
Set-Alias Disconnect-Graph Disconnect-MgGraph
Set-Alias Invoke-GraphRequest Invoke-MgGraphRequest
Set-Alias Invoke-MgRestMethod Invoke-MgGraphRequest

[void] [System.IO.Directory]::CreateDirectory((Get-GraphFolder))
