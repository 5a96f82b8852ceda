# The directory behind Graph and Teams: users, groups, the organization, and the requests that they answer.

Import-Module SandboxCore

$script:Directories = @{}
$script:Session = $null

foreach ($part in 'Errors', 'Directory', 'Group', 'Filter', 'Query', 'Right', 'Change', 'Request', 'Session', 'Object', 'Certificate') {
    . "$PSScriptRoot/$part.ps1"
}
