@{
    RootModule = 'SandboxGraph.psm1'
    ModuleVersion = '1.0.0'
    GUID = '6d1c9d7e-2b0a-4c35-9c43-8a0d3f5f7e21'
    Author = 'pwsh-kernels contributors'
    CompanyName = 'pwsh-kernels'
    Copyright = '(c) pwsh-kernels contributors. MIT licence.'
    Description = 'The directory of a simulated tenant and the Graph requests that it answers; Microsoft.Graph.* and MicrosoftTeams use it.'
    PowerShellVersion = '7.4'
    CompatiblePSEditions = @('Core')
    FunctionsToExport = @(
        'Get-SandboxDirectory', 'Add-SandboxGroup', 'Find-SandboxUser', 'Select-SandboxResource',
        'Get-SandboxGraphSession', 'Set-SandboxGraphSession', 'Get-SandboxGraphToken',
        'Save-SandboxGraphToken', 'Clear-SandboxGraphToken', 'Invoke-SandboxGraph',
        'Get-SandboxGraphResource', 'Resolve-SandboxTenant',
        'ConvertTo-SandboxGraphObject', 'Write-SandboxGraphError', 'New-SandboxNotSimulatedError',
        'Find-SandboxCertificate'
    )
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
    PrivateData = @{ PSData = @{ Tags = @('sandbox', 'simulation') } }
}
