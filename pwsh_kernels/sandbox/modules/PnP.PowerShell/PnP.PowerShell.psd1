@{
    RootModule = 'PnP.PowerShell.psm1'
    ModuleVersion = '3.1.379'
    GUID = '7b1d2f0e-52c4-4a8e-9a53-1d0f7f2c9a11'
    Author = 'pwsh-kernels contributors'
    CompanyName = 'pwsh-kernels'
    Copyright = '(c) pwsh-kernels contributors. MIT licence.'
    Description = 'A simulation of PnP PowerShell for development without a tenant. It is not the PnP module and reaches no service.'
    PowerShellVersion = '7.4'
    CompatiblePSEditions = @('Core')
    FormatsToProcess = @('PnP.PowerShell.Format.ps1xml')
    FunctionsToExport = @(
        'Connect-PnPOnline', 'Disconnect-PnPOnline', 'Get-PnPConnection', 'Get-PnPAccessToken',
        'Get-PnPWeb', 'Set-PnPWeb', 'Get-PnPSite', 'Get-PnPTenantSite', 'Get-PnPUser',
        'Get-PnPList', 'Get-PnPListItem', 'Add-PnPListItem'
    )
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
    PrivateData = @{ PSData = @{ Tags = @('sandbox', 'simulation') } }
}
