# Breakpoints work as in every PowerShell; where a debugger would stop, nobody can step: the script
# goes on, with a warning. Part of the module that bootstrap.ps1 makes.

# The whole warning. It runs in other runspaces as well (runspaces.ps1), where nothing else of this
# module is.
function Get-StopText($Invocation) {
    $place = if ($Invocation.ScriptName) {
        "$($Invocation.ScriptName), line $($Invocation.ScriptLineNumber)"
    }
    else {
        "line $($Invocation.ScriptLineNumber)"
    }
    $statement = "$($Invocation.Statement)".Trim() -replace '\s*\n.*$(?s)', ' …'
    if ($statement) { $place += " ($statement)" }
    return "A debugger would stop here: $place. A session has none, so the script continues; " +
        "Set-PSBreakpoint -Action runs code at such a place."
}

# Once for each place in a run: a breakpoint in a loop would drown what the run says.
function Add-Stop($Invocation) {
    if (-not $late.Active) { return }
    $text = Get-StopText $Invocation
    if (-not $run.Stops.Add("$text $($Invocation.OffsetInLine)")) { return }
    [Threading.Monitor]::Enter($late.Gate)
    if ($run.Text.Length) { Move-Text }
    if ($run.View) { & $takeView $run; Add-Style }
    $run.Entries.Add(@('warning', $text))
    if (-not $late.Waits) { Request-Flush }
    [Threading.Monitor]::Exit($late.Gate)
}

# A breakpoint on `$text` is meant for the variable of the script, not for those here. It takes 15
# ms (measured), so not before the first breakpoint.
function Hide-Function {
    $takeView.DebuggerHidden = $true
    $list = { Microsoft.PowerShell.Management\Get-Item function:* }
    $stateOf = [scriptblock].GetProperty('SessionStateInternal', $secret)
    foreach ($one in @(& $list; if ($jsonModule) { & $jsonModule $list })) {
        $isOurs = $one.ScriptBlock.Module.Name -like 'PwshKernels*' -or ($ownState -and
            [object]::ReferenceEquals($stateOf.GetValue($one.ScriptBlock), $ownState))
        if ($isOurs) { $one.ScriptBlock.DebuggerHidden = $true }
    }
}

# A stop in another runspace reaches no handler of this one.
$stopWatch = $null
function Watch-Runspace {
    . ([scriptblock]::Create($RunspaceStops))
    $script:stopWatch = New-StopWatch
}

# Before each run. Set-PSDebug -Step would ask before every statement of everybody's later runs: it
# ends with the run that set it. Other runspaces are looked at from the first run whose text may
# start one, and from the second run in any case: a session opens without these 40 ms.
$secret = [Reflection.BindingFlags]'NonPublic, Instance'
$engineContext = [Management.Automation.EngineIntrinsics].GetField('_context', $secret).GetValue($ExecutionContext)
$stepping = $engineContext.GetType().GetProperty('PSDebugTraceStep', $secret)
$ranBefore = $false
function Reset-Debugging {
    [Diagnostics.DebuggerHidden()]
    param([bool]$Watch)
    if ($stepping -and $stepping.GetValue($engineContext)) {
        $stepping.SetValue($engineContext, $false)
    }
    if (-not $stopWatch -and ($Watch -or $ranBefore)) { Watch-Runspace }
    $script:ranBefore = $true
}

$debugger = [runspace]::DefaultRunspace.Debugger
$debugger.SetDebugMode('LocalScript, RemoteScript')
$debugger.add_DebuggerStop({
    param($Source, $Stop)
    $Stop.ResumeAction = 'Continue'
    Add-Stop $Stop.InvocationInfo
})
$debugger.add_BreakpointUpdated({ Hide-Function })
