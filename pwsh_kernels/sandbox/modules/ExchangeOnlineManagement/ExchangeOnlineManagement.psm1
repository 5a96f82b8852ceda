# A simulation of Exchange Online PowerShell: the real cmdlet and parameter names over generated data.

$script:Connections = [System.Collections.Generic.List[object]]::new()
$script:Organizations = @{}
$script:Company = (Get-Content -Raw -LiteralPath "$PSScriptRoot/../../company.json" | ConvertFrom-Json).tenants
$script:People = Import-PowerShellDataFile -LiteralPath "$PSScriptRoot/People.psd1"

foreach ($part in 'Errors', 'DeviceCode', 'Connection', 'Size', 'Organization', 'Filter', 'Mailbox', 'MailboxChange', 'MailFlow') {
    . "$PSScriptRoot/$part.ps1"
}
