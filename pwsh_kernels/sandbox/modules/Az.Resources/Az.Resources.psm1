# A simulation of a part of Az.Resources: resource groups, resources and users of the sandbox's
# company.

Import-Module SandboxCore, Az.Accounts

$script:Groups = @{}

foreach ($part in 'Access', 'Content', 'ResourceGroup', 'Resource', 'User') {
    . "$PSScriptRoot/$part.ps1"
}
