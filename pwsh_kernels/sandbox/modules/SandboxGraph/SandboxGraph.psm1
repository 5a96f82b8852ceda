# The directory behind Graph and Teams: users, groups, the organization, and the requests that they
# answer.

Import-Module SandboxCore

# One for the process, like the real module's: whoever connects in one runspace is connected in all.
# Tokens are those that this process's sign-ins have obtained.
$script:Shared = [System.AppDomain]::CurrentDomain.GetData('PwshKernels.Sandbox.Graph')
if (-not $script:Shared) {
    $script:Shared = [hashtable]::Synchronized(@{
        Session = $null
        Tokens = [hashtable]::Synchronized(@{})
        Directories = [hashtable]::Synchronized(@{})
    })
    [System.AppDomain]::CurrentDomain.SetData('PwshKernels.Sandbox.Graph', $script:Shared)
}
$script:Directories = $script:Shared.Directories

foreach ($part in 'Errors', 'Directory', 'Group', 'Filter', 'Query', 'Right', 'Change', 'Request',
        'Session', 'Object', 'Certificate') {
    . "$PSScriptRoot/$part.ps1"
}
