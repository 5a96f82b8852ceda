@{
    RootModule = 'Az.Resources.psm1'
    ModuleVersion = '9.0.3'
    GUID = '48bb344d-4c24-441e-8ea0-589947784700'
    Author = 'pwsh-kernels contributors'
    CompanyName = 'pwsh-kernels'
    Copyright = '(c) pwsh-kernels contributors. MIT licence.'
    Description = 'A simulation of a part of Az.Resources for development without a tenant. It is not the Microsoft module and reaches no service.'
    PowerShellVersion = '7.4'
    CompatiblePSEditions = @('Core')
    FormatsToProcess = @('Az.Resources.Format.ps1xml')
    FunctionsToExport = @(
        'Get-AzResourceGroup', 'New-AzResourceGroup', 'Get-AzResource', 'Get-AzADUser'
    )
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
    PrivateData = @{ PSData = @{ Tags = @('sandbox', 'simulation') } }
}
