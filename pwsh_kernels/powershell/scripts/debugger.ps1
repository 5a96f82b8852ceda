# Breakpoints work as in every PowerShell, except that nobody can step: where a debugger would stop,
# the script continues with a warning. Part of the module that bootstrap.ps1 creates.

# The whole warning. It also runs in other runspaces (runspaces.ps1), where the rest of this module
# is missing.
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

# Once per place and run: a breakpoint in a loop would drown the run's output.
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

# A breakpoint on `$text` is meant for the script's variable, not for ours. Hiding takes 15 ms
# (measured), so it waits for the first breakpoint.
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

# A stop in another runspace does not reach the handler here.
$stopWatch = $null
function Watch-Runspace {
    . ([scriptblock]::Create($RunspaceStops))
    $script:stopWatch = New-StopWatch
}

# Called before each run. Set-PSDebug -Step would ask before every statement of every later run,
# whoever's it is, so it ends with the run that set it. Other runspaces are watched from the first
# run whose text may start one, and from the second run in any case: that saves 40 ms when a session
# opens.
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
