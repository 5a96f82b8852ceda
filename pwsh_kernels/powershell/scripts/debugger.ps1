# Breakpoints work as in every PowerShell; where a debugger would stop, nobody can step: the script
# goes on, with a warning. Part of the module that bootstrap.ps1 makes.

function Get-StopPlace($Invocation) {
    $place = if ($Invocation.ScriptName) {
        "$($Invocation.ScriptName), line $($Invocation.ScriptLineNumber)"
    }
    else {
        "line $($Invocation.ScriptLineNumber)"
    }
    $statement = "$($Invocation.Statement)".Trim() -replace '\s*\n.*$(?s)', ' …'
    return $statement ? "$place ($statement)" : $place
}

# Once for each place in a run: a breakpoint in a loop would drown what the run says.
function Add-Stop($Invocation) {
    if (-not $late.Active) { return }
    $place = Get-StopPlace $Invocation
    if (-not $run.Stops.Add("$place $($Invocation.OffsetInLine)")) { return }
    [Threading.Monitor]::Enter($late.Gate)
    if ($run.Text.Length) { Move-Text }
    if ($run.View) { & $takeView $run; Add-Style }
    $run.Entries.Add(@('warning',
        ("A debugger would stop here: $place. A session has none, so the script goes on; " +
            "Set-PSBreakpoint -Action runs code at such a place.")))
    if (-not $late.Waits) { Request-Flush }
    [Threading.Monitor]::Exit($late.Gate)
}

# A breakpoint on `$text` is meant for the variable of the script, not for those here. It takes 15
# ms (measured), so not before the first breakpoint.
function Hide-Function {
    $takeView.DebuggerHidden = $true
    foreach ($one in Microsoft.PowerShell.Management\Get-Item function:*) {
        if ($one.ScriptBlock.Module.Name -eq 'PwshKernels') {
            $one.ScriptBlock.DebuggerHidden = $true
        }
    }
}

$debugger = [runspace]::DefaultRunspace.Debugger
$debugger.SetDebugMode('LocalScript, RemoteScript')
$debugger.add_DebuggerStop({
    param($Source, $Stop)
    $Stop.ResumeAction = 'Continue'
    Add-Stop $Stop.InvocationInfo
})
$debugger.add_BreakpointUpdated({ Hide-Function })
