# A simulation of Exchange Online PowerShell: the real cmdlet and parameter names over generated
# data.

Import-Module SandboxCore
$slow = Get-SandboxTrap 'slow_import'
if ($slow) { Start-Sleep -Milliseconds ([int] (1000 * $slow)) }

$script:Connections = [System.Collections.Generic.List[object]]::new()
$script:Organizations = @{}
$script:Extra = Import-PowerShellDataFile -LiteralPath "$PSScriptRoot/Mailboxes.psd1"

foreach ($part in 'Errors', 'Connect', 'Route', 'Connection', 'Size', 'Organization', 'Filter',
        'Mailbox', 'ManyRows', 'MailboxChange', 'MailFlow') {
    . "$PSScriptRoot/$part.ps1"
}
