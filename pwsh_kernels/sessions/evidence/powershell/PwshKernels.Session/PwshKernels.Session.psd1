@{
    RootModule = 'PwshKernels.Session.psm1'
    ModuleVersion = '1.0.0'
    GUID = '5b1f0f3d-6f0b-4d0c-9a55-2c1f6b1d7a90'
    Author = 'pwsh-kernels contributors'
    CompanyName = 'pwsh-kernels'
    Copyright = '(c) pwsh-kernels contributors. MIT licence.'
    Description = 'What a session of pwsh-kernels knows about itself.'
    PowerShellVersion = '7.4'
    CompatiblePSEditions = @('Core')
    FormatsToProcess = @('PwshKernels.Session.format.ps1xml')
    FunctionsToExport = @('Get-SessionHistory')
    CmdletsToExport = @()
    VariablesToExport = @()
    AliasesToExport = @()
}
