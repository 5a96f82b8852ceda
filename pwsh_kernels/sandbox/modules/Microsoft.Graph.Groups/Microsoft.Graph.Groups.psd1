@{
    RootModule = 'Microsoft.Graph.Groups.psm1'
    ModuleVersion = '2.41.1'
    GUID = 'd5a0b7f3-41ce-4d5e-9a0e-0e7c8b1f6a93'
    Author = 'pwsh-kernels contributors'
    CompanyName = 'pwsh-kernels'
    Copyright = '(c) pwsh-kernels contributors. MIT licence.'
    Description = 'A simulation of Microsoft Graph PowerShell Groups for development without a tenant. It is not the Microsoft module and reaches no service.'
    PowerShellVersion = '7.4'
    CompatiblePSEditions = @('Core')
    RequiredModules = @('Microsoft.Graph.Authentication')
    FormatsToProcess = @('Microsoft.Graph.Groups.Format.ps1xml')
    FunctionsToExport = @('Get-MgGroup', 'Get-MgGroupMember', 'Get-MgGroupOwner', 'New-MgGroup')
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
    PrivateData = @{ PSData = @{ Tags = @('sandbox', 'simulation') } }
}
