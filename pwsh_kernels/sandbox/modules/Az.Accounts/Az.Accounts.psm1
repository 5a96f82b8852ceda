# A simulation of Az.Accounts: sign-ins, contexts and tokens of Azure PowerShell over the sandbox's
# company.

Import-Module SandboxCore
$slow = Get-SandboxTrap 'slow_import'
if ($slow) { Start-Sleep -Milliseconds ([int] (1000 * $slow)) }

foreach ($part in 'Errors', 'Storage', 'Config', 'Profile', 'Context', 'Autosave', 'Routes',
        'Picker', 'Connection', 'Token', 'Subscription') {
    . "$PSScriptRoot/$part.ps1"
}

# The real import takes it, too: several processes may write the settings at once.
$mutex = [System.Threading.Mutex]::new($false, 'Global\AzurePowerShellConfigInit')
try { if ($mutex.WaitOne(1000)) { $mutex.ReleaseMutex() } }
catch [System.Threading.AbandonedMutexException] { $mutex.ReleaseMutex() }
finally { $mutex.Dispose() }

$script:ProcessConfig = @{}
$script:ProcessAutosave = $null
$script:MemoryGrants = @{}
$script:Profile = Read-Profile
Set-Alias Login-AzAccount Connect-AzAccount
Set-Alias Logout-AzAccount Disconnect-AzAccount
Set-Alias Select-AzContext Set-AzContext
Set-Alias Select-AzSubscription Set-AzContext
Set-Alias Set-AzSubscription Set-AzContext
if (Test-Autosave) { Write-Warning $script:PlainText }
