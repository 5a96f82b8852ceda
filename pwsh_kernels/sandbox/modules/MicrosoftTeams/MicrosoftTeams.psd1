@{
    RootModule = 'MicrosoftTeams.psm1'
    ModuleVersion = '8.0.0'
    GUID = 'a1c4e8d2-5b7f-4e0d-9d36-2f8b6c0e9b14'
    Author = 'pwsh-kernels contributors'
    CompanyName = 'pwsh-kernels'
    Copyright = '(c) pwsh-kernels contributors. MIT licence.'
    Description = 'A simulation of Microsoft Teams PowerShell for development without a tenant. It is not the Microsoft module and reaches no service.'
    PowerShellVersion = '7.4'
    CompatiblePSEditions = @('Core')
    FormatsToProcess = @('MicrosoftTeams.Format.ps1xml')
    FunctionsToExport = @(
        'Connect-MicrosoftTeams', 'Disconnect-MicrosoftTeams', 'Get-CsTenant', 'Get-CsOnlineUser',
        'Set-CsUser', 'Set-CsPhoneNumberAssignment',
        'Get-Team', 'Get-TeamChannel', 'Get-TeamUser', 'New-Team'
    )
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
    PrivateData = @{ PSData = @{ Tags = @('sandbox', 'simulation') } }
}
