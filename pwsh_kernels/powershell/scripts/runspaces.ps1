# Stops for a debugger in other runspaces (-Parallel, thread jobs, jobs) also continue with a
# warning. Part of the module that bootstrap.ps1 creates, read when a script first names something
# that starts a runspace, because it takes 0.04 s (measured). PowerShell holds such a stop until a
# debugger is attached, and raises no event, so stops have to be looked for.

# How often to look for a stop, how often to look while there are some, and after how many looks
# without one the closer watch ends.
$stopMilliseconds = 200
$lookMilliseconds = 20
$quietLooks = 100

# Runs in the runspace that stopped, on its thread, so that the warning goes where all its warnings
# go. The debugger object remembers the places already reported: the script would see a variable.
$tellStop = @"
param(`$Source, `$Stop)
`$text = & { ${function:Get-StopText} } `$Stop.InvocationInfo
if (`$Source.ToldStops.Add("`$text `$(`$Stop.InvocationInfo.OffsetInLine)")) {
    & { [CmdletBinding()] param(`$Text) `$WarningPreference = 'Continue'; `$PSCmdlet.WriteWarning(`$Text) } `$text
}
"@

# Runs in a runspace of its own while something stops. Two kinds of runspaces stop: those of this
# process get a handler that also handles later stops; those of a job's process are told to continue
# at each stop. InBreakpoint is true a moment before a stop is held.
$releaseStops = {
    param($TellStop, $GetText, $LookMilliseconds, $QuietLooks)
    [runspace]::DefaultRunspace.Name = 'PwshKernels'
    $engine = [Reflection.BindingFlags]'NonPublic, Public, Instance, Static'
    $runspaces = [runspace].GetProperty('RunspaceList', $engine)
    $isWatched = [Management.Automation.Debugger].GetProperty('IsDebugHandlerSubscribed', $engine)
    $release = [Management.Automation.Debugger].GetMethod('ReleaseSavedDebugStop', $engine)
    $warn = [Management.Automation.Job].GetMethod('WriteWarning', $engine)
    $tell = [scriptblock]::Create($TellStop)
    $getText = [scriptblock]::Create($GetText)

    function Find-Job($Runspace) {
        foreach ($local in $runspaces.GetValue($null)) {
            $jobs = $local.GetType().GetProperty('JobRepository', $engine)
            if (-not $jobs) { continue }  # a remote runspace
            foreach ($job in $jobs.GetValue($local).Jobs.ChildJobs) {
                $property = $job.GetType().GetProperty('Runspace', $engine)
                if ($property -and $property.GetValue($job) -eq $Runspace) { return $job }
            }
        }
    }

    function Add-Told($Debugger) {
        if (-not $Debugger.psobject.Properties['ToldStops']) {
            $Debugger.psobject.Properties.Add([psnoteproperty]::new('ToldStops',
                [Collections.Generic.HashSet[string]]::new()))
        }
    }

    function Resume-Local($Debugger) {
        Add-Told $Debugger
        if (-not $isWatched.GetValue($Debugger)) { $Debugger.add_DebuggerStop($tell) }
        $release.Invoke($Debugger, @())
    }

    function Resume-Remote($Runspace) {
        $debugger = $Runspace.Debugger
        if ($isWatched.GetValue($debugger)) { return }
        Add-Told $debugger
        $at = $debugger.GetDebuggerStopArgs().InvocationInfo
        $text = & $getText $at
        $job = Find-Job $Runspace
        if ($job -and $debugger.ToldStops.Add("$text $($at.OffsetInLine)")) {
            $warn.Invoke($job, @($text))
        }
        $debugger.SetDebuggerAction('Continue')
    }

    for ($quiet = 0; $quiet -lt $QuietLooks; $quiet++) {
        foreach ($one in $runspaces.GetValue($null)) {
            if (-not $one.Debugger.InBreakpoint) { continue }
            $quiet = 0
            try {
                if ($one.ConnectionInfo) { Resume-Remote $one }
                else { Resume-Local $one.Debugger }
            }
            catch { continue }  # the runspace has closed in the meantime
        }
        [Threading.Thread]::Sleep($LookMilliseconds)
    }
}

# A timer whose work needs no runspace, so that there is none until something stops. The watch that
# it starts can run only once at a time: a second start fails, as does a runspace that is just
# closing, and no exception may leave a timer.
function New-StopWatch {
    $list = [runspace].GetProperty('RunspaceList', [Reflection.BindingFlags]'NonPublic, Static')
    if (-not $list) { return 'none in this PowerShell' }
    $releaser = [powershell]::Create().AddScript($releaseStops.ToString())
    foreach ($one in $tellStop, ${function:Get-StopText}.ToString(), $lookMilliseconds,
            $quietLooks) {
        [void]$releaser.AddArgument($one)
    }
    $make = [Linq.Expressions.Expression]
    $runspace = $make::Parameter([runspace])
    $debugger = $make::Property($runspace, [runspace].GetProperty('Debugger'))
    $stops = $make::AndAlso($make::NotEqual($debugger, $make::Constant($null)),
        $make::Property($debugger, 'InBreakpoint'))
    $isStopped = $make::Lambda([Func[runspace, bool]], $stops,
        [Linq.Expressions.ParameterExpression[]]$runspace)
    $any = $make::Call([Linq.Enumerable], 'Any', [type[]][runspace],
        [Linq.Expressions.Expression[]]($make::Property($null, $list), $isStopped))
    $start = $make::Block([void],
        $make::Call($make::Constant($releaser), [powershell].GetMethod('BeginInvoke', [type[]]@())))
    $look = $make::TryCatch($make::IfThen($any, $start), $make::Catch([Exception], $make::Empty()))
    $work = $make::Lambda([Threading.TimerCallback], $look,
        [Linq.Expressions.ParameterExpression[]]$make::Parameter([object]))
    return [Threading.Timer]::new($work.Compile($true), $null, $stopMilliseconds, $stopMilliseconds)
}
