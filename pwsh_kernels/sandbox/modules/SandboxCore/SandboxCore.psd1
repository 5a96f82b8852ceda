@{
    RootModule = 'SandboxCore.psm1'
    ModuleVersion = '1.0.0'
    GUID = '0b0f0a37-54a5-4a7e-9d53-7f3f5b1f2c10'
    Author = 'pwsh-kernels contributors'
    CompanyName = 'pwsh-kernels'
    Copyright = '(c) pwsh-kernels contributors. MIT licence.'
    Description =
        'What the simulated modules of pwsh-kernels share: the company, sign-ins, tokens and traps.'
    PowerShellVersion = '7.4'
    CompatiblePSEditions = @('Core')
    FunctionsToExport = @(
        'Get-SandboxTenant', 'Get-SandboxPerson', 'New-SandboxGuid',
        'Get-SandboxTrap', 'Set-SandboxTrap', 'Clear-SandboxTrap',
        'Invoke-SandboxDeviceCode', 'Invoke-SandboxAppSignIn', 'Read-SandboxToken',
        'New-SandboxToken',
        'Test-SandboxSignIn', 'Invoke-SandboxService', 'New-SandboxSignInError',
        'Write-SandboxRecord', 'Confirm-SandboxChange',
        'New-SandboxException', 'New-SandboxAuthenticationFailure', 'New-SandboxErrorRecord'
    )
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
    PrivateData = @{ PSData = @{ Tags = @('sandbox', 'simulation') } }
}
