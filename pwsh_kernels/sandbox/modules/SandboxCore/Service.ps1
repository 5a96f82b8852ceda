# What every simulated service does to a cmdlet before it answers, when a trap is on.

$script:ThrottlingText = 'Too many requests (429): the service is slowing this command down. It ' +
    'is tried again after 1 seconds.'

function Invoke-SandboxService {
    # Every service cmdlet calls this after Test-SandboxSignIn. With -Caller, the warning obeys that
    # cmdlet's -WarningAction.
    [CmdletBinding()]
    param(
        [Parameter(Position = 0)] [object] $Identity,
        [System.Management.Automation.PSCmdlet] $Caller,
        [string] $ThrottlingText = $script:ThrottlingText
    )
    Stop-TrappedProcess 'True'
    if (Get-SandboxTrap 'throttling') {
        if ($Caller) {
            $Caller.WriteWarning($ThrottlingText)
        }
        else {
            Write-Warning $ThrottlingText
        }
    }
    $silence = Get-SandboxTrap 'silence'
    if ($silence) { Start-Sleep -Milliseconds ([int] (1000 * $silence)) }
    if (Get-SandboxTrap 'busy_loop') { while ($true) { } }
}
