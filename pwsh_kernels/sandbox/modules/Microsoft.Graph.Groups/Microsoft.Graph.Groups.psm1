# A simulation of Microsoft.Graph.Groups: the real cmdlet and parameter names over requests to the
# sandbox's directory.

Import-Module SandboxCore, SandboxGraph

. "$PSScriptRoot/Group.ps1"
