# Format 'compact': tables as lines with ' | ' between cells, lists as 'label: value' lines. No
# padding, and nothing truncated to a width: for models and other programs that read text. Part of
# the module that bootstrap.ps1 creates; runs while holding the gate.

function New-Compact([int]$Width) {
    return @{ Formats = $null; Shape = ''; Type = $null; Names = $null; Width = $Width; Apart = $false }
}

function Add-Line([string]$Line) { [void]$run.Text.Append($Line).Append("`n") }

# The text of a cell: no colours, one line.
$unfit = [char[]]"`r`n$([char]27)"
function Get-OneLine([string]$Text) {
    $plain = [Management.Automation.Internal.StringDecorated]::new($Text).ToString('PlainText')
    return $plain.Trim() -replace '\s*[\r\n]+\s*', ' '
}

function Add-CompactRow($Fields) {
    $text = $run.Text
    $apart = ''
    foreach ($one in $Fields) {
        $value = $one.propertyValue
        if ($value -and $value.IndexOfAny($unfit) -ge 0) { $value = Get-OneLine $value }
        [void]$text.Append($apart).Append($value)
        $apart = ' | '
    }
    [void]$text.Append("`n")
}

# Adds one of the engine's format objects. Value is the object it was made from, $null for what the
# script formatted itself.
function Add-CompactFormat($Format, $Value) {
    $compact = $run.Compact
    switch ($Format.GetType().Name) {
        'FormatStartData' {
            $compact.Shape = [string]$shapes[$Format.shapeInfo.GetType().Name]
            $compact.Apart = $false
            if ($run.Shown) { Add-Line '' }
            if ($compact.Shape -eq 'table') {
                $labels = @(foreach ($one in Get-TableColumn $Format.shapeInfo) { $one[0] })
                if (($labels -join '') -ne '') { Add-Line ($labels -join ' | ') }
            }
        }
        'GroupStartData' {
            $caption = if ($Format.groupingEntry) {
                ((Get-EntryText $Format.groupingEntry) -join '').Trim()
            }
            else {
                ''
            }
            if ($caption) { Add-Line $caption }
        }
        'FormatEntryData' { Add-CompactEntry $Format $Value }
    }
}

function Add-CompactEntry($Format, $Value) {
    $compact = $run.Compact
    $entry = $Format.formatEntryInfo
    $run.Shown = $true
    if ($entry.listViewFieldList) {
        if ($compact.Apart) { Add-Line '' }
        foreach ($pair in Get-Pair $entry) { Add-Line "$($pair[0]): $($pair[1])" }
        $compact.Apart = $true
    }
    elseif ($entry.formatPropertyFieldList) {
        Add-CompactRow $entry.formatPropertyFieldList
    }
    elseif ($entry.formatPropertyField) {
        Add-Line (Get-OneLine $entry.formatPropertyField.propertyValue)
    }
    elseif ($null -ne $Value) {
        Add-Line ((Invoke-Uncut {
            Microsoft.PowerShell.Utility\Out-String -InputObject $Value -Width $compact.Width
        }).Trim())
    }
    else { Add-Line (@(Get-EntryText $entry; if ($null -ne $entry.text) { $entry.text }) -join '') }
}

function Close-Compact {
    $compact = $run.Compact
    if (-not $compact.Formats) { return }
    foreach ($one in $compact.Formats.End()) { Add-CompactFormat $one $null }
    $compact.Formats = $null
    $compact.Shape = ''
}

# The first object of a kind opens a table or a list; an object that does not fit opens another.
# Formats is what the open formatter has already made of the object.
function Add-Compact($Value, $Formats) {
    $compact = $run.Compact
    if ($Value.GetType().FullName.StartsWith($engineFormats)) {
        Close-Compact
        Add-CompactFormat $Value $null
        return
    }
    $compact.Type = $Value.GetType()
    if ($compact.Formats -and $Value -isnot [datetime] -and
            -not (Test-Other $compact.Names $Value)) {  # as in Add-Formatted
        if ($null -eq $Formats) { $Formats = Get-Format $compact $Value }
        if (-not (Test-Stray $Formats)) {
            foreach ($one in $Formats) { Add-CompactFormat $one $Value }
            return
        }
    }
    Close-Compact
    $compact.Formats = { & $formatDefault }.GetSteppablePipeline()
    $compact.Names = Get-OpenName $Value
    Invoke-Uncut { $run.Compact.Formats.Begin($true) }
    foreach ($one in Get-Format $compact $Value) { Add-CompactFormat $one $Value }
}

# The engine reads this session variable when a formatter begins, and would truncate a list in a
# cell after four values. No script runs in the meantime, so none sees the change.
function Invoke-Uncut([scriptblock]$Work) {
    $Work.DebuggerHidden = $true
    $limit = $ExecutionContext.SessionState.PSVariable.Get('global:FormatEnumerationLimit')
    if ($null -eq $limit -or $limit.Options -ne 'None') { return & $Work }
    $usual = $limit.Value
    try {
        $limit.Value = -1
        & $Work
    }
    finally { $limit.Value = $usual }
}

# Whether what the open table or list makes of an object hides its content: a list of its own, or a
# blank row.
function Test-Stray($Formats) {
    foreach ($one in $Formats) {
        $entry = $one.formatEntryInfo
        if ($one.outOfBand -and $entry.listViewFieldList) { return $true }
        if (-not $entry.formatPropertyFieldList) { continue }
        foreach ($field in $entry.formatPropertyFieldList) {
            if ($field.propertyValue) { return $false }
        }
        return $true
    }
    return $false
}
