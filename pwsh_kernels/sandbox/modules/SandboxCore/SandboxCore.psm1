# What the simulated modules share: one company, its people, sign-ins, tokens and traps.

$script:Company = Get-Content -Raw -LiteralPath "$PSScriptRoot/../../company.json" |
    ConvertFrom-Json
$script:Names = Import-PowerShellDataFile -LiteralPath "$PSScriptRoot/Names.psd1"
$script:People = @{}
$script:SessionTraps = @{}

foreach ($part in 'Errors', 'Exception', 'Company', 'People', 'Trap', 'Identity', 'DeviceCode',
        'Application', 'Token', 'Service', 'Confirmation') {
    . "$PSScriptRoot/$part.ps1"
}
