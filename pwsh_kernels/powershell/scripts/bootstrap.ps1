# Runs once when a session opens. Raw [Console] text leaves through stderr, which is a pipe of ours;
# every run's output leaves through Out-Session as JSON texts, each an array of strings and of
# records (arrays that begin with their kind).
param([string]$Folder, [string]$Numbers, [string]$Fingerprint, [string]$Style, [string]$Mark,
    [hashtable]$ModulePath, [string]$GivenPath, [string]$Location, [hashtable]$Reading)

# By path: finding the first cmdlet of a module by name takes 0.1 s more (measured), because all
# modules are searched.
foreach ($name in 'Microsoft.PowerShell.Management', 'Microsoft.PowerShell.Utility') {
    $file = "$PSHOME/Modules/$name/$name.psd1"
    if ([IO.File]::Exists($file)) { Import-Module $file }
}

# What the engine's server mode leaves out of a session and every other PowerShell has. The string
# with its four properties is read from CLIXML, for which the engine is ready: adding a property by
# a call takes 4 ms each (measured).
$own = [Security.SecurityElement]::Escape(
    ($env:XDG_CONFIG_HOME ? $env:XDG_CONFIG_HOME : "$HOME/.config") + '/powershell')
$name = 'Microsoft.PowerShell_profile.ps1'
$all = [Security.SecurityElement]::Escape($PSHOME)
$global:PROFILE = [Management.Automation.PSSerializer]::Deserialize(@"
<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04"><Obj RefId="0"><S>$own/$name</S><MS>
<S N="AllUsersAllHosts">$all/profile.ps1</S><S N="AllUsersCurrentHost">$all/$name</S>
<S N="CurrentUserAllHosts">$own/profile.ps1</S><S N="CurrentUserCurrentHost">$own/$name</S></MS></Obj></Objs>
"@)
# Without it, Get-FormatData takes us for a PowerShell 2 client and hides what that could not read.
# Not sent with the request to open, because then the engine leaves its stops for a debugger to us.
$table = [Management.Automation.PSPrimitiveDictionary]::new()
$table['PSVersion'] = [version]$PSVersionTable.PSVersion
$PSSenderInfo.ApplicationArguments['PSVersionTable'] = $table
$begins = $Location ? $Location : [Environment]::CurrentDirectory
Microsoft.PowerShell.Management\Set-Location -LiteralPath $begins
if ($ModulePath -and ($ModulePath.Machine -or $env:PSModulePath -cne $GivenPath)) {
    & ([scriptblock]::Create(
        [IO.File]::ReadAllText("$Folder/modulepath.ps1"))) @ModulePath
}

$writer = [IO.StreamWriter]::new([Console]::OpenStandardError(), [Text.UTF8Encoding]::new($false))
$writer.AutoFlush = $true
$console = [IO.TextWriter]::Synchronized($writer)
[Console]::SetOut($console)
[Console]::SetError($console)

# fd 1 was the wire (PowerShell writes to a copy of it): a program that Start-Process starts, or a
# script through [Console]::OpenStandardOutput(), could write there as if it were PowerShell. The
# next file opened gets the free number and is the console's pipe. Referenced, because its finalizer
# would close it.
[Microsoft.Win32.SafeHandles.SafeFileHandle]::new([IntPtr]1, $true).Dispose()
$standardOutput = [IO.FileStream]::new('/dev/fd/2', 'Open', 'Write', 'ReadWrite, Inheritable', 0)

if ($Reading) {
    $Reading.State = $ExecutionContext.SessionState
    # Made here, so that a script of the server's own runs where the session's commands are.
    $Reading.Run = { param($Script, $Values) & ([scriptblock]::Create($Script)) @Values }
}
$given = $Folder, $Numbers, $Fingerprint, $Style, $Mark, $Host, $standardOutput, $Reading
$null = New-Module -Name PwshKernels -ArgumentList $given -ScriptBlock {
    param($Folder, $Numbers, $Fingerprint, $UsualStyle, $FlushMark, $SessionHost, $StandardOutput,
        $Reading)

    # As assignments, because setting twenty variables by name takes 10 ms (measured).
    . ([scriptblock]::Create($Numbers))

    # The session's own preferences must not affect the functions here.
    Set-StrictMode -Off
    $ErrorActionPreference = 'Continue'
    $PSDefaultParameterValues = @{}

    # Programs that Start-Process starts inherit fd 0, which was the wire (PowerShell reads a copy
    # of it): `Start-Process cat` would take input meant for PowerShell. The next file opened gets
    # the free number. Referenced, because its finalizer would close it.
    [Microsoft.Win32.SafeHandles.SafeFileHandle]::new([IntPtr]0, $true).Dispose()
    $emptyInput = [IO.FileStream]::new('/dev/null', 'Open', 'Read', 'ReadWrite, Inheritable', 0)

    $run = $null
    $encoder = [Text.Encodings.Web.JavaScriptEncoder]::UnsafeRelaxedJsonEscaping
    $jsonOptions = [Text.Json.JsonSerializerOptions]::new()
    $jsonOptions.Encoder = $encoder

    # Only the engine knows whether a record came through a stream (Write-Error) or as an object
    # ($Error[0]): PSObject.WriteStream.
    $getStream = $null
    function Find-Stream { return ($script:getStream = (New-Getter 'WriteStream') ?? $false) }

    # Reads a private property of the engine's objects as fast as a public one; $null if there is
    # none of that name.
    function New-Getter([string]$Name) {
        $property = [psobject].GetProperty($Name, $secret)
        if (-not $property) { return }
        $kind = [Func`2].MakeGenericType([psobject], $property.PropertyType)
        return $property.GetMethod.CreateDelegate($kind)
    }

    # The name that PowerShell's ConciseView puts in front of an error, by the same rules, but
    # without looking up commands.
    function Get-ErrorSource($Record) {
        $at = $Record.InvocationInfo
        if ($Record.Exception.WasThrownFromThrowStatement) { return 'Exception' }
        if ($at.MyCommand.Name -and $at.MyCommand.CommandType -ne 'Script') {
            return $at.MyCommand.Name
        }
        $category = $Record.CategoryInfo
        foreach ($name in $category.Activity, $at.InvocationName, $category.Category,
                $category.Reason) {
            if ($name) { return $name }
        }
    }

    # An error as the session's $ErrorView shows it; '' for the usual view, which whoever reads the
    # facts can produce from them.
    function Get-ChosenView($Record) {
        if ($global:ErrorView -eq 'ConciseView') { return '' }
        if ($Record.FullyQualifiedErrorId -like 'NativeCommandError*') { return '' }
        # The engine's own DetailedView shows the newest error, and called from here it finds none.
        $shown = if ($global:ErrorView -eq 'DetailedView') {
            Microsoft.PowerShell.Utility\Get-Error -InputObject $Record
        }
        $text = Microsoft.PowerShell.Utility\Out-String -InputObject ($shown ?? $Record) `
            -Width $run.Width
        return $text.Trim("`r`n")
    }

    # Five escape sequences: those of errors, of error accents, and of warning, verbose and debug
    # messages.
    function Get-Style {
        $of = $PSStyle.Formatting
        return $of.Error, $of.ErrorAccent, $of.Warning, $of.Verbose, $of.Debug -join "`n"
    }

    # If the session has changed its colours, says so before a record that uses them.
    function Add-Style {
        $style = Get-Style
        if ($style -ceq $run.Style) { return }
        $run.Style = $style
        $run.Entries.Add(@('style') + $style.Split("`n"))
    }

    # What inner exceptions add to the text so far; those of sign-in libraries have a code. Bounded,
    # because an exception may be wrapped any number of times.
    function Get-Cause([Exception]$Exception, [string]$Said) {
        for ($depth = 0; ($Exception = $Exception.InnerException) -and $depth -lt 8; $depth++) {
            $code = if ($Exception.ErrorCode -is [string]) { $Exception.ErrorCode }
            $text = if ($code -and -not $Exception.Message.Contains($code)) {
                "${code}: $($Exception.Message)"
            }
            else {
                $Exception.Message
            }
            if ($Said.Contains($text)) { continue }
            $Said += $text
            $text.Substring(0, [Math]::Min($text.Length, 4000))
        }
    }

    # Nobody asked for the text, so an object that cannot give one is not an error of theirs.
    function Get-Text($Value) {
        try { return [string]$Value }
        catch { $global:Error.RemoveAt(0) }
        return ''
    }

    function ConvertTo-FactList($Record) {
        if ($Record -is [Management.Automation.ErrorRecord]) {
            $at = $Record.InvocationInfo
            $message = if ($Record.ErrorDetails -and $Record.ErrorDetails.Message) {
                $Record.ErrorDetails.Message
            }
            else {
                $Record.Exception.Message
            }
            $facts = @('error', [string]$message, [string]$Record.FullyQualifiedErrorId,
                [string]$Record.CategoryInfo.Category,
                [string]$Record.CategoryInfo.TargetName, [int]$at.ScriptLineNumber,
                [int]$at.OffsetInLine, [string]$at.PositionMessage,
                [string]$Record.ScriptStackTrace, $Record.Exception.GetType().FullName,
                [string](Get-ErrorSource $Record), [string](Get-ChosenView $Record))
            if ($Record.Exception.InnerException) {
                $facts += @(Get-Cause $Record.Exception $message)
            }
            return , $facts
        }
        if ($Record -is [Management.Automation.InformationRecord]) {
            $data = Get-Text $Record.MessageData
            # A job's process sends what it shows twice: as this record, and after it as a call to
            # the host.
            $echo = $null
            if ($Record.ProcessId -ne $PID) { $echo = $data; $run.Echoes = $true }
            if ($Record.Tags -contains 'PSHOST') {
                return , @('host', $data, ($Record.MessageData.NoNewLine -ne $true), $echo)
            }
            return , @('information', $data, [string[]]$Record.Tags, $echo)
        }
    }

    # Of the other records (InformationalRecord), only kind and message are sent, without calling a
    # function, which would take longer than all the rest.
    $recordKinds = @{ WarningRecord = 'warning'; VerboseRecord = 'verbose'; DebugRecord = 'debug' }

    function New-Run([string]$Format, [int]$Width, [long]$MaxChars, [string]$Key) {
        $script:run = @{
            Text = [Text.StringBuilder]::new(); Entries = [Collections.Generic.List[object]]::new()
            Objects = [Collections.Generic.List[object]]::new(); Format = $Format; Width = $Width
            Left = $MaxChars
            Dropped = 0L
            ExitBox = $global:LASTEXITCODE
            View = $null
            Last = $null
            Compact = $null
            Shown = $false
            Stops = [Collections.Generic.HashSet[string]]::new()
            Echoes = $false
            Style = $usualStyle; Key = $Key; KeptCount = 0; Beyond = 0; AlwaysList = $false
            Facts = $MaxFacts; Formats = 0; LeftOut = $null
            Kept = $(if ($Key) { , [Collections.Generic.List[object]]::new() })
        }
        $late.Run = $script:run
    }

    # A script may sleep or ask a question while text is held back for more to come. Only the
    # pipeline's thread can write output, so a separate runspace sends late text as a host call, on
    # the same wire; the gate keeps the order.
    $late = [hashtable]::Synchronized(@{
        Gate = [object]::new()
        Wake = [Threading.AutoResetEvent]::new($false)
        Active = $false
        Waits = $false
        Run = $null
        Started = $false
    })
    $sendLate = {
        param($Late, $SessionHost, $Milliseconds, $Mark, $JsonOptions, $TakeView, $Transcribe)
        $take = [scriptblock]::Create($TakeView)
        $write = [scriptblock]::Create($Transcribe)
        while ($true) {
            [void]$Late.Wake.WaitOne()
            [Threading.Thread]::Sleep($Milliseconds)
            [Threading.Monitor]::Enter($Late.Gate)
            try {
                $Late.Waits = $false
                $run = $Late.Run
                $length = $run.Text.Length
                # the caller's maximum is not enforced here
                $fits = $run.Left -lt 0 -or $length -le $run.Left
                if ($Late.Active -and $fits -and $run.View) { & $take $run }
                if ($Late.Active -and $fits -and ($length -or $run.Entries.Count)) {
                    $entries = $run.Entries.ToArray()
                    if ($length) { $entries += $run.Text.ToString() }
                    if ($Late.Transcripts.Count) { & $write $Late.Writer $entries }
                    $json = [Text.Json.JsonSerializer]::Serialize([object]$entries, [object[]],
                        $JsonOptions)
                    $SessionHost.UI.Write($Mark + $json)
                    if ($run.Left -ge 0) { $run.Left -= $length }
                    [void]$run.Text.Clear()
                    $run.Entries.Clear()
                }
            }
            catch { continue }  # nothing was taken; the pipeline's own thread sends it
            finally { [Threading.Monitor]::Exit($Late.Gate) }
        }
    }

    # A type of ../assembly; $false where the engine, which the assembly was not built for, refuses
    # to load it.
    function Get-OwnType([string]$Name) {
        try {
            $path = "$Folder/../assembly/PwshKernels.dll"
            return [Reflection.Assembly]::LoadFrom($path).GetType("PwshKernels.$Name", $true)
        }
        catch [IO.IOException], [BadImageFormatException], [TypeLoadException] {
            return $false
        }
    }

    # Thins out progress records when there are many.
    $progressHost = $null
    function Start-ProgressHost {
        if ($null -eq $progressHost) { $script:progressHost = Get-OwnType 'ProgressHost' }
        if ($progressHost) { return $progressHost::Begin($SessionHost) }
    }

    function Start-Flusher {
        $language = [initialsessionstate]::Create()
        $language.LanguageMode = 'FullLanguage'
        $flusher = [powershell]::Create($language).AddScript($sendLate.ToString())
        foreach ($one in $late, $SessionHost, $ChunkMilliseconds, $FlushMark, $jsonOptions,
                $takeView.ToString(), $transcribe.ToString()) {
            [void]$flusher.AddArgument($one)
        }
        [void]$flusher.BeginInvoke()
        $flusher.Runspace.Name = 'PwshKernels'
        $late.Started = $true
    }

    # Opening its runspace takes 0.1 s (measured), and most sessions never have late text.
    function Request-Flush {
        if (-not $late.Started) { Start-Flusher }
        $late.Waits = $true
        [void]$late.Wake.Set()
    }

    # The serializer is faster but takes 0.05 s to get ready (measured), so it is used only once
    # there is much text, or many messages.
    $plainSends = 20
    $littleText = 10000
    function Get-PlainJson($Entries) {
        foreach ($one in $Entries) {
            if ($one -is [string] ? $one.Length -gt $littleText : $one[0] -ne 'end') {
                $script:plainSends = 0
                return
            }
        }
        $script:plainSends--
        $parts = foreach ($one in $Entries) {
            if ($one -is [string]) {
                '"' + $encoder.Encode($one) + '"'
            }
            else {
                $left = if ($one[4]) {
                    '{{"values":{0},"depth":{1},"as_text":{2}}}' -f $one[4].values, $one[4].depth,
                        $one[4].as_text
                }
                '["end",{0},{1},{2},{3}]' -f $one[1], ($one[2] ?? 'null'), $one[3],
                    ($left ?? 'null')
            }
        }
        return "[$($parts -join ',')]"
    }

    function Send-Entry {
        if ($run.Text.Length) { Move-Text }
        if ($run.View) { & $takeView $run }
        if ($run.Entries.Count) {
            if ($transcripts.Count) {
                & $transcribe $writer $run.Entries.FindAll({ param($one) $one -isnot [string] })
            }
            $json = if ($plainSends -gt 0) { Get-PlainJson $run.Entries }
            $json ??
                [Text.Json.JsonSerializer]::Serialize([object]$run.Entries.ToArray(), [object[]],
                    $jsonOptions)
            $run.Entries.Clear()
        }
    }

    # Moves the collected text to the entries: cut at the caller's maximum, in pieces that are quick
    # to decode.
    function Move-Text {
        $text = $run.Text.ToString()
        [void]$run.Text.Clear()
        if ($run.Left -ge 0) {
            $keep = [int][Math]::Min([long]$text.Length, $run.Left)
            $run.Left -= $keep
            if ($keep -lt $text.Length) {
                if ($keep -and [char]::IsHighSurrogate($text[$keep - 1])) { $keep-- }
                $run.Dropped += $text.Length - $keep
                $text = $text.Substring(0, $keep)
            }
        }
        if ($transcripts.Count) { & $transcribe $writer $text }
        $start = 0
        while ($text.Length - $start -gt $PieceLength) {
            $length = $PieceLength
            if ([char]::IsHighSurrogate($text[$start + $length - 1])) { $length-- }
            $run.Entries.Add($text.Substring($start, $length))
            Send-Entry
            $start += $length
        }
        if ($start -lt $text.Length) { $run.Entries.Add($text.Substring($start)) }
    }

    # Whether the values are simple enough to do without the JSON module (json.ps1, 0.1 s): a few
    # strings, numbers, and objects made of these.
    function Test-Simple($Values, [int]$Levels) {
        foreach ($one in $Values) {
            if ($null -eq $one -or $one -is [string] -or
                    ($one -is [ValueType] -and $one.GetType().IsPrimitive)) {
                continue
            }
            $inside = [Collections.Generic.List[object]]::new()
            if ($one -is [Management.Automation.PSCustomObject]) {
                foreach ($property in $one.PSObject.Properties) {
                    if ($property.MemberType -ne 'NoteProperty') { return $false }
                    $inside.Add($property.Value)
                }
            }
            elseif ($one -is [object[]] -or $one -is [string[]]) { $inside.AddRange([object[]]$one) }
            else { return $false }
            if ($Levels -le 0 -or $inside.Count -gt $fewValues) { return $false }
            if (-not (Test-Simple $inside ($Levels - 1))) { return $false }
        }
        return $true
    }

    $fewValues = 20
    $jsonModule = $null
    function Import-Json {
        if ($jsonModule) { return }
        $settings = @{
            JsonDepth = $JsonDepth; JsonValues = $JsonValues; EngineFormats = $engineFormats
            JsonObjectValues = $JsonObjectValues
        }
        $block = [scriptblock]::Create($jsonScript)
        $block.DebuggerHidden = $true
        $script:jsonModule = New-Module -Name PwshKernels.Json -ScriptBlock $block `
            -ArgumentList $settings
        if ($debugger.GetBreakpoints().Count) { Hide-Function }
    }

    # For Out-Json, in this runspace: the same budget as for the format.
    [AppDomain]::CurrentDomain.SetData('PwshKernels.Json', @{
        Runspace = [runspace]::DefaultRunspace.InstanceId
        Make = {
            param($Objects, [int]$Depth)
            Import-Json
            & $jsonModule ConvertTo-BoundedJson $Objects $false $JsonMilliseconds $Depth
        }
    })

    function Get-Json([int]$Milliseconds) {
        $objects = $run.Objects
        if ($objects.Count -le $fewValues -and (Test-Simple $objects 2)) {
            $value = $objects.ToArray()
            if ($value.Length -eq 1 -and -not $run.AlwaysList) { $value = $value[0] }
            return Microsoft.PowerShell.Utility\ConvertTo-Json -InputObject $value -Depth $JsonDepth
        }
        Import-Json
        $run.Formats += & $jsonModule Remove-Format $objects
        if (-not $objects.Count) { return }
        $made = & $jsonModule ConvertTo-BoundedJson $objects $run.AlwaysList $Milliseconds
        $run.LeftOut = $made.Left
        $made.Text
    }

    function Add-Json([int]$Milliseconds) {
        if ($run.Format -eq 'json' -and $run.Objects.Count) {
            [void]$run.Text.Append((Get-Json $Milliseconds))
            $run.Objects = [Collections.Generic.List[object]]::new()
            $left = $run.LeftOut
            if ($left.values -or $left.depth) {
                Send-Warning ("The JSON is not whole: $($left.values) values are left out, and " +
                    "$($left.depth) deeper than $JsonDepth levels are text. Choose what you need " +
                    'with Select-Object.')
            }
        }
        if ($run.Formats) { Send-FormatError }
    }

    function Send-Warning([string]$Message) {
        if ($run.Text.Length) { Move-Text }
        $run.Entries.Add(@('warning', $Message))
    }

    # Format-Table and its like produce pieces of text, without the objects' values.
    function Send-FormatError {
        $run.Formats = 0
        if ($run.Text.Length) { Move-Text }
        $run.Entries.Add(@('error', ("Format-Table and its like leave no objects, so there is nothing " +
                "to write as $($run.Format). Take them out of the command, or choose properties " +
                'with Select-Object; or ask for the format text.'),
            'FormattedOutput', 'InvalidType', '', 0, 0, '', '', 'System.InvalidOperationException',
            'Out-Session', ''))
    }

    # Who the module is connected as: a text that differs when that has changed, read after every
    # run by a service's own script. That script's output and errors are nobody's.
    $connection = ''
    $readConnection = if ($Fingerprint) { [scriptblock]::Create($Fingerprint) }
    function Add-ConnectionChange {
        $newest = if ($global:Error.Count) { $global:Error[0] }
        $now = try {
            @(& $readConnection 2>$null 3>$null 4>$null 5>$null 6>$null) -join "`n"
        }
        catch {
            "unknown: $($_.FullyQualifiedErrorId)"
        }
        while ($global:Error.Count -and
                -not [object]::ReferenceEquals($global:Error[0], $newest)) {
            $global:Error.RemoveAt(0)
        }
        if ($now -ceq $connection) { return }
        $script:connection = $now
        $run.Entries.Add(@('connection'))
    }

    function Send-Ending {
        if ($run.Last) { Set-Last }
        if ($run.Kept -and $run.Kept.Count) { Save-Kept }
        if ($readConnection) { Add-ConnectionChange }
        $code = $global:LASTEXITCODE
        # A native program stores a new box each time, so the same object means that none has run
        # since the start.
        if ([object]::ReferenceEquals($run.ExitBox, $code)) { $code = $null }
        if ($run.Text.Length) { Move-Text }  # before Dropped is read
        $run.Entries.Add(@('end', $run.Dropped, ($code -as [Nullable[int]]), $run.KeptCount,
            $run.LeftOut))
        Send-Entry
        # A script that does not parse never begins a run: what is fetched after it must not come
        # from this one.
        New-Run 'text' 80 -1
    }

    foreach ($name in 'display', 'compact', 'debugger', 'transcript') {
        . ([scriptblock]::Create([IO.File]::ReadAllText("$Folder/$name.ps1")))
    }
    $late.Writer = $writer
    # Read now, parsed at the first question: another version of this package may be installed while
    # the session lives.
    $keptScript = [IO.File]::ReadAllText("$Folder/kept.ps1")
    $jsonScript = [IO.File]::ReadAllText("$Folder/json.ps1")
    $runspaceStops = [IO.File]::ReadAllText("$Folder/runspaces.ps1")

    # The objects of the newest runs stay reachable for questions (kept.ps1, parsed at the first
    # one).
    $keptRuns = [ordered]@{}
    $forgottenRuns = [Collections.Generic.Queue[string]]::new()

    function Save-Kept {
        $objects = $run.Kept
        $run.Kept = $null
        # What Format-Table and its like produced is not an object of the caller's.
        if ($objects[0].GetType().FullName.StartsWith($engineFormats)) {
            $objects = [Collections.Generic.List[object]]@(
                foreach ($one in $objects) {
                    if (-not $one.GetType().FullName.StartsWith($engineFormats)) { , $one }
                }
            )
        }
        if (-not $objects.Count) { return }
        $run.KeptCount = $objects.Count
        $keptRuns[$run.Key] = @{ Objects = $objects; Beyond = $run.Beyond }
        $inAll = 0
        foreach ($one in $keptRuns.Values) { $inAll += $one.Objects.Count }
        while ($keptRuns.Count -gt $MaxKeptRuns -or
            ($inAll -gt $MaxKeptInAll -and $keptRuns.Count -gt 1)) {
            $inAll -= $keptRuns[0].Objects.Count
            $forgottenRuns.Enqueue(@($keptRuns.Keys)[0])
            $keptRuns.RemoveAt(0)
        }
        while ($forgottenRuns.Count -gt $MaxForgotten) { [void]$forgottenRuns.Dequeue() }
    }

    # Answers a question (JSON) about the objects of a run. While a run is active, Out-Session's own
    # variables hide the module's variables of the same name (measured).
    function Get-KeptObject([string]$Query) {
        if (-not (Test-Path function:Get-Answer)) {
            . ([scriptblock]::Create($keptScript))
            if ($debugger.GetBreakpoints().Count) { Hide-Function }
        }
        Send-Answer $Query
    }

    function Get-SyntaxError([string]$Script) {
        $tokens = $errors = $null
        $null =
            [Management.Automation.Language.Parser]::ParseInput($Script, [ref]$tokens, [ref]$errors)
        return $errors | Select-Object -First 1
    }

    function Get-Reason([string]$Script) {
        $reason = $global:Error[0]
        if ($reason -is [Exception]) { $reason = $reason.ErrorRecord }
        if ($reason -isnot [Management.Automation.ErrorRecord]) { return }
        $facts = ConvertTo-FactList $reason
        $facts[0] = 'reason'
        $syntax = if ($Script) { Get-SyntaxError $Script }
        if ($syntax) {
            $facts[1] = $syntax.Message
            $facts[5] = $syntax.Extent.StartLineNumber
            $facts[6] = $syntax.Extent.StartColumnNumber
            $facts[7] = ([string]$syntax).Replace($syntax.Message, '').TrimEnd()
            if ($facts[11].StartsWith($syntax.Message)) { $facts[11] = "$($facts[7])`n$($facts[11])" }
            $facts[9] = 'System.Management.Automation.ParseException'
        }
        return , $facts
    }

    # A call by a script would end the run for its reader, and the rest of its output would be lost.
    function Assert-Outermost($Cmdlet) {
        if (-not $late.Active) { return }
        $Cmdlet.ThrowTerminatingError([Management.Automation.ErrorRecord]::new(
            [InvalidOperationException]::new('The output of a run leaves through this command, which ' +
                'pwsh-kernels alone calls. Leave it out.'),
            'SessionOutput', 'InvalidOperation', $null))
    }

    function Out-Session {
        # hidden, because this runs when a script sets the first breakpoint (debugger.ps1)
        [Diagnostics.DebuggerHidden()]
        [CmdletBinding()]
        param(
            [Parameter(ValueFromPipeline)][AllowNull()][psobject]$InputObject,
            [string]$Format,
            [int]$Width,
            [long]$MaxChars,
            [string]$Key,
            [switch]$Watch,
            [switch]$Thin
        )
        begin {
            Assert-Outermost $PSCmdlet
            $outermost = $true
            $progress = if ($Thin) { Start-ProgressHost }
            Reset-Debugging $Watch
            Open-Transcript -WithCommand
            New-Run $Format $Width $MaxChars $Key
            $text = $run.Text; $entries = $run.Entries; $objects = $run.Objects; $kept = $run.Kept
            $clock = [Diagnostics.Stopwatch]::StartNew()
            $burst = $BurstMessages; $previous = 0L; $formatter = $null; $culture = $null
            $names = $null
            $isText = $Format -eq 'text'; $isJson = $Format -eq 'json'; $isCsv = $Format -eq 'csv'
            $gate = $late.Gate
            $compact = $run.Compact = if ($Format -eq 'compact') { New-Compact $Width }
            $late.Active = $true
        }
        process {
            # No try and finally here: PowerShell forgets a stop that arrives while a finally block
            # runs (measured; PipelineStopper is suspended and restored), and one would run for each
            # object. If an error leaves the gate closed, `clean` opens it.
            [Threading.Monitor]::Enter($gate)
            # Most likely another row of the open table, which as text needs no further checks.
            $isRow = $false
            if ($names -and $InputObject -is [Management.Automation.PSCustomObject]) {
                $isRow = ($tableRow -and $tableRow.Fits($InputObject)) -or
                    -not (Test-Other $names $InputObject)
            }
            if ($isRow -and $isText) {
                if ($null -ne $kept) {
                    if ($kept.Count -lt $MaxKept) { $kept.Add($InputObject) } else { $run.Beyond++ }
                }
                foreach ($line in $formatter.Process($InputObject)) {
                    [void]$text.Append($line).Append("`n")
                }
            }
            elseif (($InputObject -is [Management.Automation.ErrorRecord] -or
                    $InputObject -is [Management.Automation.InformationalRecord] -or
                    $InputObject -is [Management.Automation.InformationRecord]) -and
                    (-not ($getStream ?? (Find-Stream)) -or [int]$getStream.Invoke($InputObject) -or
                        $InputObject.FullyQualifiedErrorId -like 'NativeCommandError*')) {
                if ($text.Length) { Move-Text }
                if ($InputObject -is [Management.Automation.InformationalRecord]) {
                    $entries.Add(@($recordKinds[$InputObject.GetType().Name], $InputObject.Message))
                }
                # All facts of an error take 20 times as long as its message (measured).
                elseif ($run.Facts-- -gt 0 -or $InputObject -isnot [Management.Automation.ErrorRecord]) {
                    $entries.Add((ConvertTo-FactList $InputObject))
                }
                else {
                    $by = $InputObject.InvocationInfo.MyCommand.Name
                    if (-not $by) { $by = $InputObject.CategoryInfo.Activity }
                    $entries.Add(@('brief', $InputObject.ToString(),
                        $InputObject.FullyQualifiedErrorId, $by))
                }
            }
            elseif ($null -eq $InputObject) { if ($isJson) { $objects.Add($null) } }
            elseif ($isText -and $null -eq $formatter -and
                    ($InputObject -is [string] -or $InputObject -is [int])) {
                [void]$text.Append($InputObject).Append("`n")
            }
            elseif ($null -ne $compact -and
                    ($InputObject -is [string] -or
                        ($InputObject -is [ValueType] -and
                            ($InputObject.GetType().IsPrimitive -or $InputObject -is [enum])))) {
                $run.Shown = $true
                [void]$text.Append($InputObject.ToString()).Append("`n")
            }
            else {
                if ($null -ne $kept -and $InputObject -isnot [string] -and
                        ($InputObject -isnot [ValueType] -or
                            -not $InputObject.GetType().IsPrimitive)) {
                    if ($kept.Count -lt $MaxKept) { $kept.Add($InputObject) } else { $run.Beyond++ }
                }
                if ($isJson) { $objects.Add($InputObject) }
                elseif ($null -ne $compact) {
                    # Most likely another row of the open table. Calling a function for each row
                    # would take twice as long.
                    $formats = $null; $line = ''
                    if ($compact.Shape -eq 'table' -and (-not $names -or $isRow) -and
                            $compact.Type -eq $InputObject.GetType()) {
                        $formats = $false
                        $formats = $compact.Formats.Process($InputObject)
                        if ($formats -is [bool]) { $compact.Formats = $null; $compact.Shape = '' }
                        elseif ($formats.Count -eq 1) {
                            $cells = foreach ($one in $formats[0].formatEntryInfo.formatPropertyFieldList) {
                                if ($one.propertyValue -and
                                        $one.propertyValue.IndexOfAny($unfit) -ge 0) {
                                    Get-OneLine $one.propertyValue
                                }
                                else { $one.propertyValue }
                            }
                            $line = $cells -join ' | '
                        }
                    }
                    if ($line.Trim(' |').Length) {
                        [void]$text.Append($line).Append("`n")
                    }
                    elseif ($formats -isnot [bool]) {
                        Add-Compact $InputObject $formats
                        $names = $compact.Names
                    }
                }
                elseif ($isCsv -and
                        $InputObject.GetType().FullName.StartsWith($engineFormats)) {
                    $run.Formats++
                }
                else {
                    if ($isText -and $InputObject -isnot [string] -and
                            ($InputObject -isnot [ValueType] -or
                                -not ($InputObject.GetType().IsPrimitive -or
                                    $InputObject -is [enum]))) {
                        # An object of another kind starts a new table, or its other properties
                        # would be lost.
                        if ($names) {
                            foreach ($line in $formatter.End()) {
                                [void]$text.Append($line).Append("`n")
                            }
                            $formatter = $names = $null
                        }
                        if ($null -eq $names) { $names = (Get-OpenName $InputObject) ?? $false }
                        elseif ($InputObject.GetType().Name -eq 'FormatEndData') { $names = $null }
                    }
                    if ($null -eq $formatter) {
                        $formatter = switch ($Format) {
                            'csv' {
                                {
                                    Microsoft.PowerShell.Utility\ConvertTo-Csv -NoTypeInformation
                                }.GetSteppablePipeline()
                            }
                            'list' {
                                {
                                    Microsoft.PowerShell.Utility\Format-List |
                                        Microsoft.PowerShell.Utility\Out-String -Stream `
                                        -Width $Width
                                }.GetSteppablePipeline()
                            }
                            default {
                                {
                                    Microsoft.PowerShell.Utility\Out-String -Stream -Width $Width
                                }.GetSteppablePipeline()
                            }
                        }
                        $formatter.Begin($true)
                    }
                    if ($isCsv -and
                            ($InputObject -is [string] -or $InputObject -is [ValueType])) {
                        # its properties would say nothing
                        $InputObject = [pscustomobject]@{ Value = $InputObject }
                    }
                    # CSV is read by programs, for which 1,5 is not 1.5, but ConvertTo-Csv follows
                    # the culture.
                    if ($isCsv) {
                        $culture = [cultureinfo]::CurrentCulture
                        [cultureinfo]::CurrentCulture = [cultureinfo]::InvariantCulture
                    }
                    # A formatter that has failed would keep failing: the next object gets a new one.
                    $lines = $null
                    $lines = $formatter.Process($InputObject)
                    foreach ($line in $lines) { [void]$text.Append($line).Append("`n") }
                    if ($null -eq $lines) { $formatter = $names = $null }
                    if ($culture) { [cultureinfo]::CurrentCulture = $culture; $culture = $null }
                }
            }
            if ($text.Length -or $entries.Count) {
                # The first messages after a pause leave immediately, the rest in chunks: at a
                # certain length, or when they are late.
                $now = $clock.ElapsedMilliseconds
                if ($now - $previous -gt $ChunkMilliseconds) { $burst = $BurstMessages }
                $previous = $now
                if ($burst -gt 0 -or $text.Length -gt $ChunkLength -or $entries.Count -gt 200 -or
                        $run.Echoes) {
                    $burst--
                    $run.Echoes = $false
                    Send-Entry
                }
                elseif (-not $late.Waits) { Request-Flush }
            }
            [Threading.Monitor]::Exit($gate)
        }
        end {
            [Threading.Monitor]::Enter($gate)
            if ($null -ne $formatter) {
                foreach ($line in $formatter.End()) { [void]$text.Append($line).Append("`n") }
            }
            if ($null -ne $compact) { Close-Compact }
            Add-Json $JsonMilliseconds
            Send-Ending
            [Threading.Monitor]::Exit($gate)
        }
        clean {
            if (-not $outermost) { return }
            if ($culture) { [cultureinfo]::CurrentCulture = $culture }
            [Threading.Monitor]::Enter($gate)
            $late.Active = $false
            while ([Threading.Monitor]::IsEntered($gate)) { [Threading.Monitor]::Exit($gate) }
            if ($progress) { $progress.Close() }
            Close-Transcript
        }
    }

    # What Out-Session could not send because a throw, a stop or an exit skipped its `end`. Script
    # is a script that did not parse.
    function Get-SessionRest {
        [CmdletBinding()] param([switch]$Failed, [string]$Script)
        Assert-Outermost $PSCmdlet
        # The first script of a session may not parse; then nothing else begins a run.
        if (-not $run) { New-Run 'text' 80 -1 }
        Open-Transcript
        Add-Json $JsonRestMilliseconds
        if ($run.View) { Close-Display }
        if ($run.Compact) { Close-Compact }
        if ($run.Text.Length) { Move-Text }
        if ($Failed) {
            Add-Style
            $reason = Get-Reason $Script
            if ($reason) { $run.Entries.Add($reason) }
        }
        Send-Ending
        Close-Transcript
    }

    # The engine drops named arguments that a script without [CmdletBinding()] does not declare, and
    # takes `v` for Verbose. Here they raise the engine's own error, with advice.
    function Test-SessionParameter {
        [CmdletBinding()] param([string]$Script, [string[]]$Name)
        $tokens = $errors = $null
        $tree =
            [Management.Automation.Language.Parser]::ParseInput($Script, [ref]$tokens, [ref]$errors)
        if ($errors) { return }
        $block = $tree.ParamBlock
        $known = @(Get-ParameterName $block)
        $unknown = @(foreach ($one in $Name) { if ($known -notcontains $one) { $one } })
        if (-not $unknown.Count) { return }
        $message = "A parameter cannot be found that matches parameter name '$($unknown[0])'."
        if (-not $block) {
            $list = @(foreach ($one in $Name) { $one -match '^\w+$' ? "`$$one" : "`${$one}" }) -join ', '
            $message += " Begin the command with param($list)."
        }
        $PSCmdlet.ThrowTerminatingError([Management.Automation.ErrorRecord]::new(
            [Management.Automation.ParameterBindingException]::new($message),
            'NamedParameterNotFound', 'InvalidArgument', $null))
    }

    function Get-ParameterName($Block) {
        $attributes = @($Block.Attributes; $Block.Parameters.Attributes)
        foreach ($parameter in $Block.Parameters) {
            $parameter.Name.VariablePath.UserPath
            foreach ($attribute in $parameter.Attributes) {
                if ($attribute.TypeName.Name -eq 'Alias') { $attribute.PositionalArguments.Value }
            }
        }
        if ($attributes.TypeName.Name -match '^(CmdletBinding|Parameter)$') {
            [Management.Automation.Cmdlet]::CommonParameters
            [Management.Automation.Cmdlet]::OptionalCommonParameters
        }
    }

    # Text that runs as a file, and what a text's #Requires ask for: files.ps1, parsed when needed.
    $filesScript = [IO.File]::ReadAllText("$Folder/files.ps1")

    function Set-SessionFile([string]$Path, [string]$Script) {
        . ([scriptblock]::Create($filesScript))
        $script:sessionFile = New-ScriptFile $Path $Script
    }

    function Get-SessionFile {
        . ([scriptblock]::Create($filesScript))
        Set-ExitEnding
        return $sessionFile
    }

    function Get-SessionRequirement([string]$Path, [string]$Script) {
        . ([scriptblock]::Create($filesScript))
        New-ScriptFile $Path ((Find-Requirement $Script) -join "`n")
    }

    # Nothing that a script can name leads to a module, through which it could reach the variables
    # here.
    $state = $engineContext.GetType().GetProperty('EngineSessionState', $secret)
    $ownState = if ($state) { $state.GetValue($engineContext) }
    $owner = if ($ownState) { $ownState.GetType().GetProperty('Module', $secret) }
    if ($owner) { $owner.SetValue($ownState, $null) }

    # Constant, so that no script can remove or replace the functions through which every run's
    # output leaves; with names that no other command has and no completion of a verb matches.
    $ours = 'function:Out-Session', 'function:Out-Display', 'function:Get-SessionRest',
        'function:Test-SessionParameter', 'function:Get-KeptObject', 'function:Set-SessionFile',
        'function:Get-SessionFile', 'function:Get-SessionRequirement'
    if ($Reading) {
        foreach ($name in 'reading', 'carried') {
            . ([scriptblock]::Create([IO.File]::ReadAllText("$Folder/$name.ps1")))
        }
        $ours += $readingCommands
    }
    foreach ($one in Get-Item $ours) {
        Set-Item "function:global:PwshKernels.$($one.Name)" -Value $one.ScriptBlock `
            -Options Constant, AllScope
    }
    if ($Reading) { Lock-Language }
    Export-ModuleMember
}
$PSVersionTable.PSVersion.ToString()
