# A simulation of Microsoft.Graph.Users: the real cmdlet and parameter names over requests to the
# sandbox's directory.

Import-Module SandboxCore, SandboxGraph

foreach ($part in 'User', 'UserChange') { . "$PSScriptRoot/$part.ps1" }
