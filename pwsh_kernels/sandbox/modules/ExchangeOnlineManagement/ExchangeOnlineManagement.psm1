# A simulation of Exchange Online PowerShell: the real cmdlet and parameter names over generated
# data.

Import-Module SandboxCore
$slow = Get-SandboxTrap 'slow_import'
if ($slow) { Start-Sleep -Milliseconds ([int] (1000 * $slow)) }

$script:Connections = [System.Collections.Generic.List[object]]::new()
$script:Organizations = @{}
$script:Extra = Import-PowerShellDataFile -LiteralPath "$PSScriptRoot/Mailboxes.psd1"

foreach ($part in 'Connect', 'Route', 'Connection', 'Size', 'Organization', 'Filter') {
    . "$PSScriptRoot/$part.ps1"
}

# The real service's cmdlets arrive with the sign-in, in a module generated in the temporary folder,
# which the positions of their errors name.
$generated = "tmpEXO_$([System.IO.Path]::GetRandomFileName())"
$place = [System.IO.Path]::Combine(
    [System.IO.Path]::GetTempPath(), $generated, "$generated.psm1")
foreach ($part in 'Errors', 'Mailbox', 'ManyRows', 'MailboxChange', 'MailFlow') {
    $text = [System.IO.File]::ReadAllText("$PSScriptRoot/$part.ps1")
    . ([System.Management.Automation.Language.Parser]::ParseInput(
        $text, $place, [ref] $null, [ref] $null).GetScriptBlock())
}
