@{
    RootModule = 'Microsoft.Graph.Authentication.psm1'
    ModuleVersion = '2.41.1'
    GUID = '3b7c0f8e-7d0f-4a56-a9c6-1c50e1f0a4d1'
    Author = 'pwsh-kernels contributors'
    CompanyName = 'pwsh-kernels'
    Copyright = '(c) pwsh-kernels contributors. MIT licence.'
    Description = 'A simulation of the Microsoft Graph PowerShell sign-in for development without a tenant. It is not the Microsoft module and reaches no service.'
    PowerShellVersion = '7.4'
    CompatiblePSEditions = @('Core')
    FunctionsToExport = @(
        'Connect-MgGraph', 'Disconnect-MgGraph', 'Get-MgContext', 'Invoke-MgGraphRequest'
    )
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @(
        'Connect-Graph', 'Disconnect-Graph', 'Invoke-GraphRequest', 'Invoke-MgRestMethod'
    )
    PrivateData = @{ PSData = @{ Tags = @('sandbox', 'simulation') } }
}
