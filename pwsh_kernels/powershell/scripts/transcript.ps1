# Start-Transcript writes down what a person sees. The engine would format what leaves Out-Session
# once more, and write down our JSON: so transcripts are put away while no run goes on, where the
# engine looks for them, and each run's command and text are written here. What it writes itself at
# once, errors and Write-Host, it goes on to write. Part of the module that bootstrap.ps1 makes.

$putAway = [Collections.Generic.List[object]]::new()
$transcripts = $null
$writer = @{
    UI = $SessionHost.UI; Runspace = [runspace]::DefaultRunspace; Secret = $secret; IsWhole = $null
}

# Private names of the engine's; without them a transcript has what it has by itself. What writes into
# one ($transcribe) is looked for when there is one: that takes longer than the rest of this file.
function Find-Transcript {
    $data = $writer.Runspace.GetType().GetProperty('TranscriptionData', $secret)
    $found = $data ? $data.GetValue($writer.Runspace) : $null
    $list = $found ? $found.GetType().GetProperty('Transcripts', $secret) : $null
    $script:transcripts = $list ? $list.GetValue($found) : @()
}

# A script of our own, which no history has, is not a person's.
function Open-Transcript([switch]$WithCommand) {
    if (-not $putAway.Count) { return }
    $running = $writer.Running.Invoke($writer.Runspace, @())
    $kept = $running.GetType().GetProperty('HistoryString', $secret)
    $command = $kept ? $kept.GetValue($running) : $null
    if ($WithCommand -and -not $command) { return }
    foreach ($one in $putAway) { $transcripts.Add($one) }
    $putAway.Clear()
    if ($WithCommand) { [void]$writer.Command.Invoke($writer.UI, @($command, $null)) }
}

function Close-Transcript {
    if (-not $transcripts.Count) { return }
    & $transcribe $writer @()
    if (-not $writer.IsWhole) { return }
    [void]$writer.Flush.Invoke($writer.UI, @($null))
    $putAway.AddRange([object[]]@($transcripts))
    $transcripts.Clear()
}

# Its text is run by the late sender too, in a runspace where no function of ours is known.
$transcribe = {
    param($Writer, $Entries)
    if ($null -eq $Writer.IsWhole) {
        $base = [Management.Automation.Host.PSHostUserInterface]
        $Writer.Write = $base.GetMethod('TranscribeResult', $Writer.Secret,
            [type[]]([runspace], [string]))
        $Writer.Command = $base.GetMethod('TranscribeCommand', $Writer.Secret)
        $Writer.Flush = $base.GetMethod('TranscribeCommandComplete', $Writer.Secret)
        $Writer.Running = $Writer.Runspace.GetType().GetMethod('GetCurrentlyRunningPipeline',
            $Writer.Secret)
        $Writer.IsWhole = [bool]($Writer.Write -and $Writer.Command -and $Writer.Flush -and
            $Writer.Running)
    }
    if (-not $Writer.IsWhole) { return }
    foreach ($one in $Entries) {
        $text = if ($one -is [string]) { $one }
        elseif ($one[0] -eq 'view') { $one[7] }
        elseif ($one[0] -eq 'display') { $one[3] ? "[$($one[1]), $($one[3]) bytes]" : $one[2] }
        elseif ($one[0] -eq 'reason') { "$($one[10]): $($one[1])" }
        elseif ($one[0] -in 'warning', 'verbose', 'debug') { "$($one[0].ToUpper()): $($one[1])" }
        if ($text) { [void]$Writer.Write.Invoke($Writer.UI, @($Writer.Runspace, [string]$text)) }
    }
}
Find-Transcript
