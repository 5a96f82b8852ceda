# What a person's client can show besides text: tables, lists, pictures, and the results of Out-Html
# and its like (commands/). Part of the module that bootstrap.ps1 creates; all of it runs while
# holding Out-Session's gate.

# The engine's own decision about how an object is shown, as the objects that Format-Table and
# Format-List would produce. It has no public name.
$formatDefault = [Management.Automation.CmdletInfo]::new('Format-Default',
    [Microsoft.PowerShell.Commands.FormatDefaultCommand])
$engineFormats = 'Microsoft.PowerShell.Commands.Internal.Format.'
# The strings that Out-Html and its like returned, by reference and not by value, with their MIME
# types.
$shown = [Runtime.CompilerServices.ConditionalWeakTable[string, string]]::new()
[AppDomain]::CurrentDomain.SetData('PwshKernels.Shown', $shown)
$lastValue = $null
$shapes = @{ TableHeaderInfo = 'table'; ListViewHeaderInfo = 'list' }
$pictures = @{
    'image/png' = [byte[]](0x89, 0x50, 0x4E, 0x47)
    'image/jpeg' = [byte[]](0xFF, 0xD8, 0xFF)
}

# Where PowerShell chooses the columns of a table from the properties of its first object,
# additional properties of later objects would not be shown, so such an object opens a table of its
# own. Returns the names of the table that this object would open, $null if somebody has designed
# its view.
$ownTypes = [regex]'^(Deserialized\.)?(Selected\.|System\.Management\.Automation\.PSCustomObject$)'
function Get-OpenName($Value) {
    if ($Value -isnot [Management.Automation.PSCustomObject]) { return $null }
    if (-not $ownTypes.IsMatch($Value.PSObject.TypeNames[0]) -or
            $Value.PSStandardMembers.DefaultDisplayPropertySet) {
        return $null
    }
    $script:tableRow = $null
    return , [Collections.Generic.HashSet[string]]::new([string[]]@($Value.PSObject.Properties.Name),
        [StringComparer]::OrdinalIgnoreCase)
}

# Tells most rows of the open table without a look at their properties. Loading it takes as long as
# a thousand of these looks (30 ms, measured), so a session's first rows do without.
$tableRow = $tableRowType = $null
$firstRows = 10
function Set-TableRow($Names, $Value) {
    if ($script:firstRows-- -gt 0) { return }
    if ($null -eq $tableRowType) { $script:tableRowType = Get-OwnType 'TableRow' }
    if (-not $tableRowType) { return }
    $script:tableRow = $tableRowType::Of($Names, $Value.PSObject.TypeNames[0])
}

# Whether a value has properties that a table with these names would hide.
function Test-Other($Names, $Value) {
    if (-not $Names) { return $false }
    if ($Value -isnot [Management.Automation.PSCustomObject] -or
            -not $Names.IsSupersetOf([string[]]@($Value.PSObject.Properties.Name))) {
        return $true
    }
    if (-not $tableRow) { Set-TableRow $Names $Value }
    return $false
}

function New-View([int]$Width) {
    $lines = {
        Microsoft.PowerShell.Utility\Out-String -Stream -Width $Width
    }.GetSteppablePipeline()
    $lines.Begin($true)
    return @{
        Lines = $lines
        Formats = $null
        Shape = ''
        Names = $null; Type = $null
        Group = 0
        Columns = @()
        Caption = ''
        Shown = 0
        More = 0
        Rows = [Collections.Generic.List[object]]::new(); Text = [Text.StringBuilder]::new()
        Bytes = [Collections.Generic.List[byte]]::new()
    }
}

# The late sender also runs this code, from its text, in a runspace that knows none of our
# functions. Rows may leave before their text, which the engine holds back for 300 ms to find the
# widths, but only where Close-Formatter can fetch it in time.
$takeView = {
    param($Run)
    $view = $Run.View
    if (-not $view.Shape -or -not ($view.Text.Length -or ($view.Formats -and $view.Rows.Count))) {
        return
    }
    $Run.Entries.Add(@('view', $view.Shape, $view.Group, $view.Columns, $view.Caption,
        $view.Rows.ToArray(), $view.More, $view.Text.ToString()))
    $view.Rows.Clear()
    $view.More = 0
    [void]$view.Text.Clear()
}

# Before anything else is written, shows what the formatter holds back and ends the table.
function Close-Formatter {
    $view = $run.View
    if ($view.Formats) {
        foreach ($one in $view.Formats.End()) { Add-Format $one }
        $view.Formats = $null
    }
    & $takeView $run
}

function Get-EntryText($Entry) {
    foreach ($one in $Entry.formatValueList) {
        if ($one.formatValueList) { Get-EntryText $one }
        elseif ($null -ne $one.propertyValue) { [string]$one.propertyValue }
        elseif ($null -ne $one.text) { [string]$one.text }
    }
}

function Get-Pair($Entry) {
    foreach ($one in $Entry.listViewFieldList) {
        $label = if ($one.label) { $one.label } else { $one.propertyName }
        , @([string]$label, [string]$one.formatPropertyField.propertyValue)
    }
}

function Get-TableColumn($Header) {
    foreach ($one in $Header.tableColumnInfoList) {
        $label = if ($Header.hideHeader) {
            ''
        }
        elseif ($one.label) {
            $one.label
        }
        else {
            $one.propertyName
        }
        , @([string]$label, [int]$one.alignment)
    }
}

function Add-Row($Entry) {
    $view = $run.View
    if ($run.Text.Length) { Move-Text }
    if ($view.Shown -ge $MaxRows) { $view.More++; return }
    $view.Shown++
    if ($view.Shape -eq 'list') { $view.Rows.Add(@(Get-Pair $Entry)) }
    else {
        $view.Rows.Add(@(foreach ($one in $Entry.formatPropertyFieldList) {
            [string]$one.propertyValue
        }))
    }
}

function Add-LineList($Lines, [Text.StringBuilder]$Target) {
    foreach ($line in $Lines) { [void]$Target.Append($line).Append("`n") }
}

# A list for an object that does not belong in the table around it.
function Add-StrayList($Entry, $Lines) {
    & $takeView $run
    $view = $run.View
    $kept = $view.Shape, $view.Columns, $view.Caption, $view.Shown
    $view.Shape = 'list'; $view.Columns = @(); $view.Caption = ''; $view.Shown = 0; $view.Group++
    Add-Row $Entry
    Add-LineList $Lines $view.Text
    & $takeView $run
    $view.Shape, $view.Columns, $view.Caption, $view.Shown = $kept
    $view.Group++
}

# Adds one of the engine's format objects, and the lines of text that it produces.
function Add-Format($Format) {
    $view = $run.View
    $lines = $view.Lines.Process($Format)
    switch ($Format.GetType().Name) {
        'FormatStartData' {
            & $takeView $run
            $view.Shape = [string]$shapes[$Format.shapeInfo.GetType().Name]
            $view.Columns = @(if ($view.Shape -eq 'table') { Get-TableColumn $Format.shapeInfo })
            $view.Rows.Clear()
            $view.Shown = $view.More = 0
        }
        'GroupStartData' {
            if ($view.Rows.Count -or $view.More) { & $takeView $run }
            $view.Group++
            $view.Caption = if ($Format.groupingEntry) {
                ((Get-EntryText $Format.groupingEntry) -join '').Trim()
            }
            else {
                ''
            }
        }
        'FormatEntryData' {
            $entry = $Format.formatEntryInfo
            if ($Format.outOfBand) {
                if ($entry.listViewFieldList) { Add-StrayList $entry $lines; return }
                & $takeView $run
                Add-LineList $lines $run.Text
                return
            }
            if ($view.Shape) { Add-Row $entry }
        }
    }
    if ($view.Shape) { Add-LineList $lines $view.Text } else { Add-LineList $lines $run.Text }
    if ($Format.GetType().Name -eq 'FormatEndData') { & $takeView $run; $view.Shape = '' }
}

function Get-PictureType([Collections.Generic.IList[byte]]$Bytes) {
    foreach ($type in $pictures.Keys) {
        $mark = $pictures[$type]
        $length = [Math]::Min($mark.Length, $Bytes.Count)
        $same = 0
        while ($same -lt $length -and $Bytes[$same] -eq $mark[$same]) { $same++ }
        if ($length -and $same -eq $length) { return $type }
    }
}

function Add-Picture([string]$Type, [byte[]]$Bytes) {
    Close-Formatter
    if ($run.Text.Length) { Move-Text }
    $run.Entries.Add(@('display', $Type, [Convert]::ToBase64String($Bytes), $Bytes.Length))
}

# Bytes are collected because a pipeline unrolls a byte array, and the first bytes were those of a
# picture.
function Close-ByteList {
    $bytes = $run.View.Bytes.ToArray()
    $run.View.Bytes.Clear()
    $type = if ($bytes.Length -gt 4 -and $bytes.Length -le $MaxPicture) { Get-PictureType $bytes }
    if ($type) { Add-Picture $type $bytes; return }
    foreach ($one in $bytes) { Add-Formatted $one }
}

# What the open formatter of a view, or of compact output, makes of an object. A formatter that has
# failed, because an object cannot be shown, would keep failing: the next object gets a new one.
function Get-Format($View, $Value) {
    $made = $null
    $made = $View.Formats.Process($Value)
    if ($null -ne $made) { return $made }
    $View.Formats = $null
    $View.Shape = ''
}

function Add-Formatted($Value) {
    $view = $run.View
    # the script said Format-Table itself
    if ($Value.GetType().FullName.StartsWith($engineFormats)) {
        if ($view.Formats) { Close-Formatter }
        Add-Format $Value
        return
    }
    # PowerShell's own property DateTime calls Set-StrictMode, which cannot be found in a formatter
    # that was begun by a function that has since returned.
    $alike = $view.Shape -ne 'list' -or $view.Type -eq $Value.GetType()
    if ($null -eq $view.Formats -or $Value -is [datetime] -or -not $alike -or
            (Test-Other $view.Names $Value)) {
        Add-Anew $Value
        return
    }
    foreach ($one in Get-Format $view $Value) {
        if ($one.outOfBand -and $one.formatEntryInfo.listViewFieldList) { Add-Anew $Value; return }
        Add-Format $one
    }
}

# The first object decides how a whole pipeline is shown: an object of another kind becomes a list,
# or a blank row that hides its content. A person's cell has several statements, and each kind of
# result should be shown in its own way.
function Add-Anew($Value) {
    Close-Formatter
    $run.View.Formats = { & $formatDefault }.GetSteppablePipeline()
    $run.View.Formats.Begin($true)
    $run.View.Names = Get-OpenName $Value
    $run.View.Type = $Value.GetType()
    foreach ($one in Get-Format $run.View $Value) { Add-Format $one }
}

# The type may be followed by a newline and the text to show instead: what Show-Markdown returns is
# no longer Markdown.
function Add-Shown([string]$Type, [string]$Text) {
    Close-Formatter
    if ($run.Text.Length) { Move-Text }
    $kind, $instead = $Type.Split("`n", 2)
    $run.Entries.Add(@('display', $kind, ($instead ?? $Text), 0))
}

function Close-Display {
    if ($run.View.Bytes.Count) { Close-ByteList }
    Close-Formatter
    foreach ($line in $run.View.Lines.End()) { [void]$run.View.Text.Append($line).Append("`n") }
    & $takeView $run
    if ($run.View.Text.Length) { [void]$run.Text.Append($run.View.Text) }
}

# The colours that Write-Host was given. Grey on black are the host's defaults, which mean that it
# was given none.
function Add-Colour($Message, [string]$Text) {
    if (-not ($Message.PSObject.TypeNames -match 'HostInformationMessage$')) { return $Text }
    $codes = ''
    # They arrive from a job as strings.
    $front, $back = $Message.ForegroundColor, $Message.BackgroundColor
    if ($null -ne $front -and $front -ne 'Gray') {
        $codes += $PSStyle.Foreground.FromConsoleColor([string]$front)
    }
    if ($null -ne $back -and $back -ne 'Black') {
        $codes += $PSStyle.Background.FromConsoleColor([string]$back)
    }
    if ($codes) { return $codes + $Text + $PSStyle.Reset }
    return $Text
}

# The newest result objects, as a variable of the session. Left alone if somebody else has set it.
function Set-Last {
    $kept = @(
        foreach ($one in $run.Last) {
            if (-not $one.GetType().FullName.StartsWith($engineFormats)) { , $one }
        }
    )
    $run.Last = $null
    if (-not $kept.Count) { return }
    $found = Microsoft.PowerShell.Utility\Get-Variable -Name Last -Scope Global -ErrorAction Ignore
    if ($found -and -not [object]::ReferenceEquals($found.Value, $script:lastValue)) { return }
    $value = if ($kept.Count -eq 1) {
        $kept[0]
    }
    else {
        , [object[]]($kept | Microsoft.PowerShell.Utility\Select-Object -Last $MaxLast)
    }
    $global:Last = $value
    $script:lastValue = (Microsoft.PowerShell.Utility\Get-Variable -Name Last -Scope Global).Value
}

# Out-Session for a person's client. Whatever is done for every object is written out in `process`:
# calling a function takes 20 times as long as an append (measured). There is no try and finally,
# for the same reason as in Out-Session.
function Out-Display {
    [Diagnostics.DebuggerHidden()]  # runs when a script sets the first breakpoint (debugger.ps1)
    [CmdletBinding()]
    param(
        [Parameter(ValueFromPipeline)][AllowNull()][psobject]$InputObject,
        [int]$Width,
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
        New-Run 'text' $Width -1 $Key
        $view = $run.View = New-View $Width
        $last = $run.Last = [Collections.Generic.List[object]]::new()
        $kept = $run.Kept
        $text = $run.Text
        $entries = $run.Entries
        $bytes = $view.Bytes
        $viewText = $view.Text
        $rows = $view.Rows
        $clock = [Diagnostics.Stopwatch]::StartNew()
        $burst = $BurstMessages; $previous = 0L; $type = ''
        $gate = $late.Gate
        $late.Active = $true
        $lent = Add-MarkdownFunction
    }
    process {
        [Threading.Monitor]::Enter($gate)
        if (($InputObject -is [Management.Automation.ErrorRecord] -or
                $InputObject -is [Management.Automation.InformationalRecord] -or
                $InputObject -is [Management.Automation.InformationRecord]) -and
                (-not ($getStream ?? (Find-Stream)) -or [int]$getStream.Invoke($InputObject) -or
                    $InputObject.FullyQualifiedErrorId -like 'NativeCommandError*')) {
            if ($bytes.Count) { Close-ByteList }
            Close-Formatter
            if ($text.Length) { Move-Text }
            if ($InputObject -is [Management.Automation.InformationalRecord]) {
                Add-Style
                $entries.Add(@($recordKinds[$InputObject.GetType().Name], $InputObject.Message))
            }
            elseif ($run.Facts-- -gt 0 -or $InputObject -isnot [Management.Automation.ErrorRecord]) {
                $facts = ConvertTo-FactList $InputObject
                if ($facts[0] -eq 'host') {
                    $facts[1] = Add-Colour $InputObject.MessageData $facts[1]
                }
                else {
                    Add-Style
                }
                $entries.Add($facts)
            }
            else {
                $by = $InputObject.InvocationInfo.MyCommand.Name
                if (-not $by) { $by = $InputObject.CategoryInfo.Activity }
                $entries.Add(@('brief', $InputObject.ToString(),
                    $InputObject.FullyQualifiedErrorId, $by))
            }
        }
        elseif ($null -ne $InputObject) {
            $last.Add($InputObject)
            if ($last.Count -ge 2 * $MaxLast) { $last.RemoveRange(0, $last.Count - $MaxLast) }
            if ($null -ne $kept -and $InputObject -isnot [string] -and
                    ($InputObject -isnot [ValueType] -or -not $InputObject.GetType().IsPrimitive)) {
                if ($kept.Count -lt $MaxKept) { $kept.Add($InputObject) } else { $run.Beyond++ }
            }
            if ($bytes.Count -and ($InputObject -isnot [byte] -or $bytes.Count -ge $MaxPicture)) {
                Close-ByteList
            }
            if ($bytes.Count -ge 4) { $bytes.Add($InputObject) }
            elseif ($InputObject -is [byte] -and ($bytes.Count -or $InputObject -in 0x89, 0xFF)) {
                $bytes.Add($InputObject)
                if (-not (Get-PictureType $bytes)) { Close-ByteList }
            }
            elseif ($InputObject -is [string] -and $shown.TryGetValue($InputObject, [ref]$type)) {
                Add-Shown $type $InputObject
            }
            elseif ($InputObject -is [string] -or $InputObject -is [int]) {
                if ($view.Shape -or $view.Formats) { Close-Formatter }
                [void]$text.Append($InputObject).Append("`n")
            }
            elseif ($InputObject -is [byte[]] -and $InputObject.Length -gt 4 -and
                    $InputObject.Length -le $MaxPicture -and (Get-PictureType $InputObject)) {
                Add-Picture (Get-PictureType $InputObject) $InputObject
            }
            elseif ($view.Shape -ne 'table' -or $null -eq $view.Formats -or
                    $InputObject -is [datetime] -or
                    ($view.Names -and
                        $InputObject -isnot [Management.Automation.PSCustomObject])) {
                Add-Formatted $InputObject
            }
            else {
                # Most likely another row of the open table.
                $names = $view.Names
                $formats = $null
                if ($names -and -not ($tableRow -and $tableRow.Fits($InputObject)) -and
                        (Test-Other $names $InputObject)) {
                    Add-Anew $InputObject
                }
                else {
                    $formats = $view.Formats.Process($InputObject)
                    if ($null -eq $formats) { $view.Formats = $null }
                }
                foreach ($one in $formats) {
                    $entry = $one.formatEntryInfo
                    if ($null -eq $entry) { Add-Format $one; continue }
                    if (-not $names) {
                        $blank = $true
                        foreach ($field in $entry.formatPropertyFieldList) {
                            if ($field.propertyValue) { $blank = $false; break }
                        }
                        if ($blank) { Add-Anew $InputObject; break }
                    }
                    if ($view.Shown -ge $MaxRows) { $view.More++ } else { Add-Row $entry }
                    foreach ($line in $view.Lines.Process($one)) {
                        [void]$viewText.Append($line).Append("`n")
                    }
                }
            }
        }
        if ($text.Length -or $entries.Count -or $viewText.Length -or $rows.Count) {
            $now = $clock.ElapsedMilliseconds
            if ($now - $previous -gt $ChunkMilliseconds) { $burst = $BurstMessages }
            $previous = $now
            if ($burst -gt 0 -or $text.Length + $viewText.Length -gt $ChunkLength -or
                    $entries.Count -gt 200 -or $run.Echoes) {
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
        Close-Display
        Send-Ending
        [Threading.Monitor]::Exit($gate)
    }
    clean {
        if (-not $outermost) { return }
        if ($lent) { Remove-MarkdownFunction $lent }
        [Threading.Monitor]::Enter($gate)
        $late.Active = $false
        while ([Threading.Monitor]::IsEntered($gate)) { [Threading.Monitor]::Exit($gate) }
        if ($progress) { $progress.Close() }
        Close-Transcript
    }
}

function New-Shown([string]$Type, [string]$Text) {
    if (-not $Text) { return }
    # A copy: marking a literal of the script itself would show it as HTML forever.
    $own = [string]::new($Text.ToCharArray())
    $shown.Add($own, $Type)
    return $own
}

# Only while a person's cell runs: as long as a function of such a name exists, PowerShell completes
# no verbs for its noun.
function Add-MarkdownFunction {
    if ($ExecutionContext.InvokeCommand.GetCommand('Show-Markdown', 'Function')) { return $null }
    Set-Item function:global:Show-Markdown -Value ${function:Show-MarkdownText}
    return $ExecutionContext.InvokeCommand.GetCommand('Show-Markdown', 'Function').ScriptBlock
}

function Remove-MarkdownFunction($Lent) {
    $there = $ExecutionContext.InvokeCommand.GetCommand('Show-Markdown', 'Function')
    # By the short name: with a scope in the path, Remove-Item does not find the function and
    # reports no error (measured).
    if ($there -and [object]::ReferenceEquals($there.ScriptBlock, $Lent)) {
        Remove-Item function:Show-Markdown
    }
}

# The cmdlet returns only the rendered text, from which no notebook can show the Markdown. Its
# errors are passed on unchanged.
function Show-MarkdownText {
    <#
    .ForwardHelpTargetName Microsoft.PowerShell.Utility\Show-Markdown
    .ForwardHelpCategory Cmdlet
    #>
    [CmdletBinding(DefaultParameterSetName = 'Path',
        HelpUri = 'https://go.microsoft.com/fwlink/?linkid=2102329')]
    [OutputType([string])]
    param(
        [Parameter(Position = 0, Mandatory, ValueFromPipelineByPropertyName,
            ParameterSetName = 'Path')]
        [string[]]$Path,
        [Parameter(Mandatory, ValueFromPipeline, ParameterSetName = 'InputObject')]
        [psobject]$InputObject,
        [Parameter(Mandatory, ValueFromPipelineByPropertyName, ParameterSetName = 'LiteralPath')]
        [Alias('PSPath', 'LP')][string[]]$LiteralPath,
        [switch]$UseBrowser
    )
    process {
        $given = @{}
        foreach ($name in 'Path', 'InputObject', 'LiteralPath', 'UseBrowser') {
            if ($PSBoundParameters.ContainsKey($name)) { $given[$name] = $PSBoundParameters[$name] }
        }
        $texts = @(Microsoft.PowerShell.Utility\Show-Markdown @given)
        $sources = @(
            if ($run.View) { Get-MarkdownSource $PSCmdlet $InputObject $Path $LiteralPath }
        )
        for ($number = 0; $number -lt $texts.Count; $number++) {
            if ($sources.Count -eq $texts.Count) {
                New-Shown "text/markdown`n$($sources[$number])" $texts[$number]
            }
            else { $texts[$number] }
        }
    }
}

# The Markdown that Show-Markdown rendered, in the same order; nothing for input that was already
# converted.
function Get-MarkdownSource($Cmdlet, $Given, [string[]]$Path, [string[]]$LiteralPath) {
    $given = $Given.PSObject.BaseObject
    if ($given -is [string]) { return $given }
    if ($given -is [IO.FileInfo]) { return [IO.File]::ReadAllText($given.FullName) }
    $provider = $null
    $files = @(
        foreach ($one in $Path) {
            try { $Cmdlet.GetResolvedProviderPathFromPSPath($one, [ref]$provider) }
            catch { continue }
        }
        foreach ($one in $LiteralPath) { $Cmdlet.GetUnresolvedProviderPathFromPSPath($one) }
    )
    foreach ($file in $files) { if ([IO.File]::Exists($file)) { [IO.File]::ReadAllText($file) } }
}
