# Start-Transcript records what a person sees. The engine would format Out-Session's output a second
# time and record our JSON. So transcripts are taken out of the place where the engine looks for
# them while no run is active, and each run's command and text are written here. What the engine
# records immediately, errors and Write-Host, it still records. Part of the module that
# bootstrap.ps1 creates.

$putAway = [Collections.Generic.List[object]]::new()
$transcripts = $null
$writer = @{
    UI = $SessionHost.UI; Runspace = [runspace]::DefaultRunspace; Secret = $secret; IsWhole = $null
}

# A private property of the engine's, $null if it has none of that name. One place for all that a
# transcript takes: PowerShell prepares each place that calls a method anew (3 ms each, measured).
function Get-Secret($Object, [string]$Name) {
    $property = if ($null -ne $Object) { $Object.GetType().GetProperty($Name, $secret) }
    if ($property) { return , $property.GetValue($Object) }
}

# Private names of the engine's; without them, a transcript contains what the engine writes unaided.
# The methods that write to a transcript ($transcribe) are looked up once there is one, because that
# takes longer than the rest of this file. Called by the first run: this takes 15 ms (measured) of
# the time in which a session opens.
function Find-Transcript {
    $data = Get-Secret $writer.Runspace 'TranscriptionData'
    $late.Transcripts = $script:transcripts = (Get-Secret $data 'Transcripts') ?? @()
}

# A script of ours, which no history contains, is not a person's command.
function Open-Transcript([switch]$WithCommand) {
    if ($null -eq $transcripts) { Find-Transcript }
    if (-not $putAway.Count) { return }
    $running = $writer.Running.Invoke($writer.Runspace, @())
    $command = Get-Secret $running 'HistoryString'
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

# The late sender also runs this code, from its text, in a runspace that knows none of our
# functions.
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
