@{
    RootModule = 'Microsoft.Graph.Users.psm1'
    ModuleVersion = '2.41.1'
    GUID = '8f1c27a4-9c5c-4f5f-8b0a-6f2a2a3c7d52'
    Author = 'pwsh-kernels contributors'
    CompanyName = 'pwsh-kernels'
    Copyright = '(c) pwsh-kernels contributors. MIT licence.'
    Description = 'A simulation of Microsoft Graph PowerShell Users for development without a tenant. It is not the Microsoft module and reaches no service.'
    PowerShellVersion = '7.4'
    CompatiblePSEditions = @('Core')
    RequiredModules = @('Microsoft.Graph.Authentication')
    FormatsToProcess = @('Microsoft.Graph.Users.Format.ps1xml')
    FunctionsToExport = @('Get-MgUser', 'New-MgUser', 'Update-MgUser')
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
    PrivateData = @{ PSData = @{ Tags = @('sandbox', 'simulation') } }
}
