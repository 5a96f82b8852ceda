@{
    RootModule = 'Az.Accounts.psm1'
    ModuleVersion = '5.5.2'
    GUID = '17a2feff-488b-47f9-8729-e2cec094624d'
    Author = 'pwsh-kernels contributors'
    CompanyName = 'pwsh-kernels'
    Copyright = '(c) pwsh-kernels contributors. MIT licence.'
    Description = 'A simulation of Azure PowerShell for development without a tenant. It is not the Microsoft module and reaches no service.'
    PowerShellVersion = '7.4'
    CompatiblePSEditions = @('Core')
    FormatsToProcess = @('Az.Accounts.Format.ps1xml')
    FunctionsToExport = @(
        'Connect-AzAccount', 'Disconnect-AzAccount', 'Get-AzAccessToken', 'Get-AzSubscription',
        'Get-AzTenant',
        'Get-AzContext', 'Set-AzContext', 'Clear-AzContext', 'Save-AzContext', 'Import-AzContext',
        'Enable-AzContextAutosave', 'Disable-AzContextAutosave', 'Get-AzContextAutosaveSetting',
        'Get-AzConfig', 'Update-AzConfig'
    )
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @(
        'Login-AzAccount', 'Logout-AzAccount', 'Select-AzContext', 'Select-AzSubscription',
        'Set-AzSubscription'
    )
    PrivateData = @{ PSData = @{ Tags = @('sandbox', 'simulation') } }
}
