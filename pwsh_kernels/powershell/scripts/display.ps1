# What a person's client can show beside text: tables, lists, pictures, and what Out-Html and its
# like (commands/) give. Part of the module that bootstrap.ps1 makes; all of it runs inside the gate
# of Out-Session.

# The engine's own decision how an object is shown, as the objects that Format-Table and Format-List
# make; it has no name.
$formatDefault = [Management.Automation.CmdletInfo]::new('Format-Default',
    [Microsoft.PowerShell.Commands.FormatDefaultCommand])
$engineFormats = 'Microsoft.PowerShell.Commands.Internal.Format.'
# The strings that Out-Html and its like have given, themselves and not their value, with their MIME
# types.
$shown = [Runtime.CompilerServices.ConditionalWeakTable[string, string]]::new()
[AppDomain]::CurrentDomain.SetData('PwshKernels.Shown', $shown)
$lastValue = $null
$shapes = @{ TableHeaderInfo = 'table'; ListViewHeaderInfo = 'list' }
$pictures = @{
    'image/png' = [byte[]](0x89, 0x50, 0x4E, 0x47)
    'image/jpeg' = [byte[]](0xFF, 0xD8, 0xFF)
}

# Where PowerShell makes the columns of a table itself, from the properties of its first object,
# another object's further ones would not be seen: it opens a table of its own. The names are those
# of the open table, $null for a table that somebody has designed.
$ownTypes = [regex]'^(Deserialized\.)?(Selected\.|System\.Management\.Automation\.PSCustomObject$)'
function Get-OpenName($Value) {
    if ($Value -isnot [Management.Automation.PSCustomObject]) { return $null }
    if (-not $ownTypes.IsMatch($Value.PSObject.TypeNames[0]) -or
            $Value.PSStandardMembers.DefaultDisplayPropertySet) {
        return $null
    }
    return , [Collections.Generic.HashSet[string]]::new([string[]]@($Value.PSObject.Properties.Name),
        [StringComparer]::OrdinalIgnoreCase)
}

# Whether a value has what a table of these names would hide.
function Test-Other($Names, $Value) {
    if (-not $Names) { return $false }
    return $Value -isnot [Management.Automation.PSCustomObject] -or
        -not $Names.IsSupersetOf([string[]]@($Value.PSObject.Properties.Name))
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

# Its text is run by the late sender too, in a runspace where no function of ours is known. Rows may
# leave before their text, which the engine holds back for 300 ms to find the widths, only where
# Close-Formatter can get it in time.
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

# Before anything else is written: what the formatter holds back is shown, and the table ends.
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

# A list of an object that does not belong to the table around it.
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

# One of the engine's format objects, and the lines of text that it makes.
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

# What was gathered because a pipeline takes an array of bytes to pieces, and its first bytes were
# those of a picture.
function Close-ByteList {
    $bytes = $run.View.Bytes.ToArray()
    $run.View.Bytes.Clear()
    $type = if ($bytes.Length -gt 4 -and $bytes.Length -le $MaxPicture) { Get-PictureType $bytes }
    if ($type) { Add-Picture $type $bytes; return }
    foreach ($one in $bytes) { Add-Formatted $one }
}

# What the open formatter of a view, or of a compact output, makes of an object. One that has failed,
# because an object cannot be shown, would only fail again: the next object gets a new one.
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
    # PowerShell's own property DateTime calls Set-StrictMode, which is not found from where a
    # formatter was begun that has returned.
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

# The first object decides how a whole pipeline is shown: one of another kind becomes a list, or a
# row of blanks that hides what it has. A person's cell has several statements, and each kind of
# result is shown in its own way.
function Add-Anew($Value) {
    Close-Formatter
    $run.View.Formats = { & $formatDefault }.GetSteppablePipeline()
    $run.View.Formats.Begin($true)
    $run.View.Names = Get-OpenName $Value
    $run.View.Type = $Value.GetType()
    foreach ($one in Get-Format $run.View $Value) { Add-Format $one }
}

# The type may be followed by a line's end and what is to be shown instead of the text:
# Show-Markdown's text is no Markdown.
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

# What Write-Host was asked for; grey on black are the colours of a host that was not asked.
function Add-Colour($Message, [string]$Text) {
    if (-not ($Message.PSObject.TypeNames -match 'HostInformationMessage$')) { return $Text }
    $codes = ''
    # From a job they come as texts.
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

# The newest result objects, as a variable of the session; one that somebody else has set is not
# touched.
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

# Out-Session for a person's client. What happens for each of many objects stands in `process`
# itself: a call of a function takes 20 times as long as an append (measured), and there are no try
# and finally, as in Out-Session.
function Out-Display {
    [Diagnostics.DebuggerHidden()]  # it runs when a script sets the first breakpoint (debugger.ps1)
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
                # A further row of the open table, most likely.
                $names = $view.Names
                $other = $names -and
                    -not $names.IsSupersetOf([string[]]@($InputObject.PSObject.Properties.Name))
                $formats = $null
                if ($other) { Add-Anew $InputObject }
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
    # nobody else's: a literal of the script must not become HTML for ever
    $own = [string]::new($Text.ToCharArray())
    $shown.Add($own, $Type)
    return $own
}

# Only while a person's cell runs: where a function of such a name stays, PowerShell completes no
# verbs of its noun.
function Add-MarkdownFunction {
    if ($ExecutionContext.InvokeCommand.GetCommand('Show-Markdown', 'Function')) { return $null }
    Set-Item function:global:Show-Markdown -Value ${function:Show-MarkdownText}
    return $ExecutionContext.InvokeCommand.GetCommand('Show-Markdown', 'Function').ScriptBlock
}

function Remove-MarkdownFunction($Lent) {
    $there = $ExecutionContext.InvokeCommand.GetCommand('Show-Markdown', 'Function')
    # By the short name: with its scope the path is one that Remove-Item does not find, and says
    # nothing of (measured).
    if ($there -and [object]::ReferenceEquals($there.ScriptBlock, $Lent)) {
        Remove-Item function:Show-Markdown
    }
}

# The cmdlet hands on the text of its Markdown only, which no notebook can show as such. Errors are
# the cmdlet's own.
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

# The Markdown behind what Show-Markdown shows, in its order; nothing for what was converted before.
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
