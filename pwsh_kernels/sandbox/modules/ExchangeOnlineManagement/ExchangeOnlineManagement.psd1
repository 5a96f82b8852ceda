@{
    RootModule = 'ExchangeOnlineManagement.psm1'
    ModuleVersion = '3.10.1'
    GUID = '5a9d0b0c-3f5e-4a0a-8a51-5c0e6f1d2a77'
    Author = 'pwsh-kernels contributors'
    CompanyName = 'pwsh-kernels'
    Copyright = '(c) pwsh-kernels contributors. MIT licence.'
    Description = 'A simulation of Exchange Online PowerShell for development without a tenant. It is not the Microsoft module and reaches no service.'
    PowerShellVersion = '7.4'
    CompatiblePSEditions = @('Core')
    FormatsToProcess = @('ExchangeOnlineManagement.Format.ps1xml')
    FunctionsToExport = @(
        'Connect-ExchangeOnline', 'Disconnect-ExchangeOnline', 'Get-ConnectionInformation',
        'Get-AcceptedDomain', 'Get-EXOMailbox', 'Get-Mailbox', 'Get-MailboxStatistics',
        'Get-TransportRule',
        'New-Mailbox', 'Set-Mailbox'
    )
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
    PrivateData = @{ PSData = @{ Tags = @('sandbox', 'simulation') } }
}
