# Questions about the objects that runs have returned. Becomes part of the module that bootstrap.ps1
# creates, at the first question.

$noKind, $isNumber, $isDate, $isText, $isTruth, $isList, $isSize = [byte[]](0..6)
$invariant = [cultureinfo]::InvariantCulture
$PieceRows = 250
$figureStyle = [Globalization.NumberStyles]'Float, AllowThousands'
$sizeUnits = @{ '' = 1; B = 1; KB = 1KB; MB = 1MB; GB = 1GB; TB = 1TB; PB = 1PB }
$sizeText =
    [regex]'(?i)\(([\d.,\s]+) bytes\)\s*$|^\s*([\d.,]+)\s*([KMGTP]?B)\s*$|^\s*(Unlimited)\s*$'

# What is known about the question, as a record that the server takes out of the output. It
# recognises the record by the tag that came with the question.
function Add-QueryFact([hashtable]$Facts, [string]$Tag) {
    [Threading.Monitor]::Enter($late.Gate)
    if ($run.Text.Length) { Move-Text }
    $run.AlwaysList = $true  # one match is a list of one in JSON
    $run.Entries.Add(@('information',
        [string](Microsoft.PowerShell.Utility\ConvertTo-Json $Facts -Compress -Depth 3),
        [string[]]@($Tag)))
    [Threading.Monitor]::Exit($late.Gate)
}

# A refusal ends the question. It is reported as a fact, because an error would stay in $Error.
function New-Refusal([hashtable]$Facts) {
    $refusal = [InvalidOperationException]::new('refused')
    $refusal.Data['Facts'] = $Facts
    return $refusal
}

function Get-PropertyName($Value) {
    if ($Value -is [Collections.IDictionary]) { foreach ($one in $Value.Keys) { [string]$one } }
    elseif ($null -ne $Value) { foreach ($one in $Value.PSObject.Properties) { $one.Name } }
}

# A dotted name that is itself a property is one step; otherwise each part leads one level further
# in.
function Get-PathStep($Objects, [string]$Path) {
    if (-not $Path.Contains('.')) { return , @($Path) }
    foreach ($one in $Objects) { if (@(Get-PropertyName $one) -contains $Path) { return , @($Path) } }
    return , $Path.Split('.')
}

# PowerShell interprets a function and compiles it only after repeated calls, so functions that look
# at every row are called for a slice of the rows at a time: for 50,000 rows the first question
# takes 4 s instead of 10, later ones 1 s (measured on a busy machine).
function Step-Row([int]$Count, [scriptblock]$Work) {
    $Work.DebuggerHidden = $true
    for ($from = 0; $from -lt $Count; $from += $PieceRows) {
        & $Work $from ([Math]::Min($from + $PieceRows, $Count))
    }
}

# The values of one property of all objects, with their kinds; a refusal if no object has it.
function Get-Column($Objects, [string]$Path) {
    $count = $Objects.Count
    $column = @{
        Values = [object[]]::new($count)
        Kinds = [byte[]]::new($count)
        Numbers = [double[]]::new($count)
        Texts = [string[]]::new($count); Has = $false; Lacks = $false
    }
    [Array]::Fill[double]($column.Numbers, [double]::NaN)
    $steps = Get-PathStep $Objects $Path
    Step-Row $count {
        param($from, $to)
        Read-Row $Objects $steps $column $from $to
        Measure-Row $column $from $to
    }
    # If all values along a path are empty, it may well lead somewhere.
    if ($column.Lacks -and -not $column.Has) { throw (New-UnknownProperty $Objects $Path $steps) }
    return $column
}

# Everything is inline: function calls would take longer than all of this.
function Read-Row($Objects, [string[]]$Steps, $Column, [int]$From, [int]$To) {
    $values = $Column.Values
    $has = $lacks = $false
    for ($row = $From; $row -lt $To; $row++) {
        $value = $Objects[$row]
        $there = $true
        try {
            foreach ($step in $Steps) {
                if ($null -eq $value) { break }
                if ($value -is [Collections.IDictionary]) {
                    $there = $value.Contains($step)
                    $next = if ($there) { $value[$step] } else { $null }
                }
                else {
                    $property = $value.PSObject.Properties[$step]
                    $there = $null -ne $property
                    $next = if ($there) { $property.Value } else { $null }
                }
                $value = $next
                if (-not $there) { break }
            }
        }
        catch { $value = $null }  # a property that cannot be read has no value
        if (-not $there) { $lacks = $true }
        elseif ($null -ne $value -or $Steps.Length -eq 1) { $has = $true }
        $values[$row] = $value
    }
    if ($has) { $Column.Has = $true }
    if ($lacks) { $Column.Lacks = $true }
}

# Names the properties that exist at the step that leads nowhere.
function New-UnknownProperty($Objects, [string]$Path, [string[]]$Steps) {
    $level = @($Objects | Microsoft.PowerShell.Utility\Select-Object -First $MaxLooks)
    $inside = @()
    foreach ($step in $Steps) {
        $deeper = @(
            foreach ($one in $level) {
                if (@(Get-PropertyName $one) -contains $step) {
                    if ($one -is [Collections.IDictionary]) { $one[$step] }
                    else { $one.$step }
                }
            }
        )
        if (-not $deeper.Count) { break }
        $level = $deeper
        $inside += $step
    }
    $names = [ordered]@{}
    foreach ($one in $level) { foreach ($name in @(Get-PropertyName $one)) { $names[$name] = $true } }
    return New-Refusal @{
        refused = 'unknown_property'
        property = $Path
        inside = $inside -join '.'
        total = $names.Count
        known = @($names.Keys | Microsoft.PowerShell.Utility\Select-Object -First $MaxNames)
    }
}

function Read-Number([string]$Text) {
    $read = 0.0
    if ([double]::TryParse($Text, $figureStyle, $invariant, [ref]$read)) { return $read }
    $found = $sizeText.Match($Text)
    if ($found.Success) { return Get-ByteCount $found }
    $span = [timespan]::Zero
    if ($Text.Contains(':') -and [timespan]::TryParse($Text, $invariant, [ref]$span)) {
        return $span.TotalSeconds
    }
    return [double]::NaN
}

function Get-ByteCount([Text.RegularExpressions.Match]$Found) {
    if ($Found.Groups[4].Success) { return [double]::PositiveInfinity }
    $exact = $Found.Groups[1].Value -replace '\D'
    if ($exact) { return [double]$exact }
    $read = 0.0
    if (-not [double]::TryParse($Found.Groups[2].Value, $figureStyle, $invariant, [ref]$read)) {
        return [double]::NaN
    }
    return $read * $sizeUnits[$Found.Groups[3].Value]
}

# The kind of each value, and a number (bytes of a size, ticks of a date) or a text to compare it
# by.
function Measure-Row($Column, [int]$From, [int]$To) {
    $values = $Column.Values
    $kinds = $Column.Kinds
    $numbers = $Column.Numbers
    $texts = $Column.Texts
    # A function's own variables are looked up faster.
    $figureStyle = $figureStyle; $invariant = $invariant; $sizeUnits = $sizeUnits
    $read = 0.0
    for ($row = $From; $row -lt $To; $row++) {
        $value = $values[$row]
        if ($null -eq $value -or $value -is [DBNull]) { continue }
        if ($value -is [string]) { $said = $value }
        elseif ($value -is [int] -or $value -is [long] -or $value -is [double]) {
            $kinds[$row] = $isNumber
            $numbers[$row] = $value
            continue
        }
        elseif ($value -is [bool]) {
            $kinds[$row] = $isTruth
            $numbers[$row] = [int]$value
            continue
        }
        elseif ($value -is [datetime]) {
            $kinds[$row] = $isDate
            $numbers[$row] = $value.Ticks
            continue
        }
        elseif ($value -is [datetimeoffset]) {
            $kinds[$row] = $isDate
            $numbers[$row] = $value.UtcTicks
            continue
        }
        elseif ($value -is [timespan]) {
            $kinds[$row] = $isNumber
            $numbers[$row] = $value.TotalSeconds
            continue
        }
        elseif ($value -is [switch]) {
            $kinds[$row] = $isTruth
            $numbers[$row] = [int][bool]$value
            continue
        }
        elseif ($value -is [enum]) { $said = $value.ToString() }
        elseif ($value -is [ValueType] -and [int][Type]::GetTypeCode($value.GetType()) -in 5..15) {
            $kinds[$row] = $isNumber
            $numbers[$row] = $value
            continue
        }
        elseif ($value -is [Collections.IEnumerable] -and $value -isnot [Collections.IDictionary]) {
            $said = @(foreach ($one in $value) { [string]$one }) -join ', '
            if ($said) { $kinds[$row] = $isList; $texts[$row] = $said }
            continue
        }
        else { $said = [string]$value }
        if ([string]::IsNullOrWhiteSpace($said)) { continue }
        $kinds[$row] = $isText
        $texts[$row] = $said
        $open = $said.LastIndexOf('(')
        if ($open -gt 0 -and $said.EndsWith(' bytes)') -and
                [double]::TryParse($said.Substring($open + 1, $said.Length - $open - 8),
                    $figureStyle, $invariant, [ref]$read)) {
            $kinds[$row] = $isSize
            $numbers[$row] = $read
            continue
        }
        # The same for `1.2 GB`; what matches neither is left to the pattern.
        $unit = if ($said.Length -gt 2 -and $said[$said.Length - 1] -eq 'B') {
            $sizeUnits[$said.Substring($said.Length - 2)]
        }
        if ($unit -and
                [double]::TryParse($said.Substring(0, $said.Length - 2), $figureStyle, $invariant,
                    [ref]$read)) {
            $kinds[$row] = $isSize
            $numbers[$row] = $read * $unit
            continue
        }
        $first = $said[0]
        if ([char]::IsAsciiDigit($first) -or $first -eq '-' -or $first -eq '.' -or $first -eq 'U') {
            if ([double]::TryParse($said, $figureStyle, $invariant, [ref]$read)) {
                $numbers[$row] = $read
            }
            else {
                $found = $sizeText.Match($said)
                if ($found.Success) { $kinds[$row] = $isSize; $numbers[$row] = Get-ByteCount $found }
            }
        }
    }
}

# All ways to read a condition's text: which one applies depends on the kind of each value.
function Read-Wanted([string]$Text) {
    $moment = [datetimeoffset]::MinValue
    $dated = $Text -match '^\s*\d{4}-\d\d-\d\d' -and
        [datetimeoffset]::TryParse($Text, $invariant, 'AssumeUniversal', [ref]$moment)
    $truth = switch -Regex ($Text.Trim()) {
        '^\$?true$|^yes$|^1$' { 1 }
        '^\$?false$|^no$|^0$' { 0 }
        default { -1 }
    }
    return @{
        Text = $Text; Number = Read-Number $Text; Truth = $truth; IsDate = $dated
        Ticks = [double]$moment.Ticks; UtcTicks = [double]$moment.UtcTicks
        Zoned = $Text -match '(Z|[+-]\d\d:?\d\d)\s*$' -and $Text -match 'T|\d:\d'
        Day = $Text -match '^\s*\d{4}-\d\d-\d\d\s*$'
    }
}

# What a value must equal one of.
function New-Wanted($Texts) {
    $wanted = @(foreach ($one in $Texts) { Read-Wanted $one })
    $figures = [Collections.Generic.HashSet[double]]::new([double[]]@($wanted.Number))
    [void]$figures.Remove([double]::NaN)
    return @{
        Names = [Collections.Generic.HashSet[string]]::new([string[]]@($wanted.Text),
            [StringComparer]::OrdinalIgnoreCase)
        Figures = $figures
        Truths = @($wanted.Truth)
        Dates = @(foreach ($one in $wanted) { if ($one.IsDate) { $one } })
    }
}

# Whether each value equals one of those wanted.
function Test-Equal($Column, $Wanted, [bool[]]$Hits, [int]$From, [int]$To) {
    $kinds = $Column.Kinds
    $numbers = $Column.Numbers
    $texts = $Column.Texts
    $values = $Column.Values
    $names = $Wanted.Names; $figures = $Wanted.Figures; $truths = $Wanted.Truths
    for ($row = $From; $row -lt $To; $row++) {
        $kind = $kinds[$row]
        $Hits[$row] = if ($kind -eq $isText) { $names.Contains($texts[$row]) }
        elseif ($kind -eq $isNumber) { $figures.Contains($numbers[$row]) }
        elseif ($kind -eq $isSize) {
            $figures.Contains($numbers[$row]) -or $names.Contains($texts[$row])
        }
        elseif ($kind -eq $isTruth) { $truths -contains $numbers[$row] }
        elseif ($kind -eq $isList) {
            $names.Contains($texts[$row]) -or
                @(
                    foreach ($one in $values[$row]) { if ($names.Contains([string]$one)) { $one } }
                ).Count
        }
        elseif ($kind -eq $isDate) {
            @(foreach ($one in $Wanted.Dates) {
                $ticks = if ($one.Zoned) {
                    $values[$row].ToUniversalTime().Ticks
                }
                else {
                    $numbers[$row]
                }
                $passed = $ticks - $(if ($one.Zoned) { $one.UtcTicks } else { $one.Ticks })
                if ([Math]::Abs($passed) -lt [timespan]::TicksPerMillisecond -or
                        ($one.Day -and $passed -ge 0 -and $passed -lt [timespan]::TicksPerDay)) {
                    $true
                }
            }).Count
        }
        else { $false }
    }
}

# Whether each value is above (1), equal to (0) or below (-1) the wanted one, for the results in
# `Signs`.
function Test-Order($Column, $Wanted, [bool[]]$Hits, [int]$From, [int]$To) {
    $kinds = $Column.Kinds
    $numbers = $Column.Numbers
    $texts = $Column.Texts
    $values = $Column.Values
    $figure = $Wanted.Number; $byNumber = -not [double]::IsNaN($figure)
    $said = $Wanted.Text; $byText = -not $byNumber -and -not $Wanted.IsDate
    $moment = [datetimeoffset]::MinValue
    for ($row = $From; $row -lt $To; $row++) {
        $kind = $kinds[$row]
        $sign = if ($kind -eq $isDate) {
            if (-not $Wanted.IsDate) { 2 }
            elseif ($Wanted.Zoned) {
                ([double]$values[$row].ToUniversalTime().Ticks).CompareTo($Wanted.UtcTicks)
            }
            else { $numbers[$row].CompareTo($Wanted.Ticks) }
        }
        elseif ($kind -eq $noKind -or $kind -eq $isTruth -or $kind -eq $isList) { 2 }
        elseif ($byNumber) {
            if ([double]::IsNaN($numbers[$row])) { 2 }
            else { $numbers[$row].CompareTo($figure) }
        }
        elseif ($kind -ne $isText) { 2 }
        elseif ($byText) { [Math]::Sign([string]::Compare($texts[$row], $said, $true, $invariant)) }
        elseif ([datetimeoffset]::TryParse($texts[$row], $invariant, 'AssumeUniversal',
                [ref]$moment)) {
            ([double]$moment.UtcTicks).CompareTo($Wanted.UtcTicks)
        }
        else { 2 }
        if ($sign -ne 2) {
            $Wanted.Compared = $true
            $Hits[$row] = $Wanted.Signs -contains $sign
        }
    }
}

# Whether a text, or one text of a list, matches a pattern.
function Test-Text($Column, $Pattern, [bool[]]$Hits, [int]$From, [int]$To) {
    $kinds = $Column.Kinds; $texts = $Column.Texts; $values = $Column.Values
    for ($row = $From; $row -lt $To; $row++) {
        $kind = $kinds[$row]
        if ($kind -eq $noKind) { continue }
        if ($kind -ne $isList) {
            $said = if ($null -ne $texts[$row]) { $texts[$row] } else { [string]$values[$row] }
            $Hits[$row] = $Pattern.IsMatch($said)
            continue
        }
        foreach ($one in $values[$row]) {
            if ($Pattern.IsMatch([string]$one)) { $Hits[$row] = $true; break }
        }
    }
}

function Test-Empty($Column, [bool[]]$Hits, [int]$From, [int]$To) {
    $kinds = $Column.Kinds
    for ($row = $From; $row -lt $To; $row++) { $Hits[$row] = $kinds[$row] -eq $noKind }
}

# Removes from the rows found those that do not match, or with `not` those that do.
function Remove-Unfit([bool[]]$Found, [bool[]]$Hits, [bool]$Not, [int]$From, [int]$To) {
    for ($row = $From; $row -lt $To; $row++) { if ($Hits[$row] -eq $Not) { $Found[$row] = $false } }
}

function Get-Pattern([string]$Operator, [string]$Value) {
    if ($Operator -like '*like') {
        return [WildcardPattern]::new($Value, 'IgnoreCase, CultureInvariant')
    }
    if ($Operator -eq 'contains') { $Value = [regex]::Escape($Value) }
    try {
        return [regex]::new($Value, 'IgnoreCase, CultureInvariant',
            [timespan]::FromMilliseconds($MatchMilliseconds))
    }
    catch {
        throw (New-Refusal @{
            refused = 'bad_pattern'
            problem = $_.Exception.GetBaseException().Message
        })
    }
}

# Removes from the rows found those that do not meet one condition.
function Test-Condition($Column, $Condition, [bool[]]$Found) {
    $operator = $Condition.operator
    # A mark in front keeps a date from being parsed as one.
    $values = @(foreach ($one in $Condition.values) { $one.Substring(1) })
    $hits = [bool[]]::new($Found.Length)
    $not = $operator -in 'ne', 'notlike', 'notmatch', 'notempty'
    $wanted = switch -Regex ($operator) {
        '^(eq|ne|in)$' { New-Wanted $values }
        '^(not)?(like|match)$|^contains$' { Get-Pattern $operator $values[0] }
        '^[gl][te]$' { Read-Wanted $values[0] }
    }
    if ($operator -match '^[gl][te]$') {
        $wanted.Signs = @{ gt = @(1); ge = @(1, 0); lt = @(-1); le = @(-1, 0) }[$operator]
    }
    Step-Row $hits.Length {
        param($from, $to)
        switch -Regex ($operator) {
            'empty$' { Test-Empty $Column $hits $from $to }
            '^(eq|ne|in)$' { Test-Equal $Column $wanted $hits $from $to }
            '^(not)?(like|match)$|^contains$' { Test-Text $Column $wanted $hits $from $to }
            '^[gl][te]$' { Test-Order $Column $wanted $hits $from $to }
        }
        Remove-Unfit $Found $hits $not $from $to
    }
    if ($operator -match '^[gl][te]$' -and -not $wanted.Compared) {
        Confirm-Comparable $Column $wanted.Text
    }
}

# A condition that has values but can compare none of them is a mistake.
function Confirm-Comparable($Column, [string]$Said) {
    $row = [Array]::FindIndex($Column.Kinds, [Predicate[byte]] { param($one) $one -ne $noKind })
    if ($row -ge 0) {
        throw (New-Refusal @{
            refused = 'not_comparable'
            value = $Said
            example = [string]$Column.Values[$row]
        })
    }
}

# The rows in the order of a column: numbers, then dates, then texts, then rows without a value.
# Equal rows keep their order.
function Get-Order($Column, [int[]]$Rows, [bool]$Descending) {
    $parts = @(
        foreach ($one in 0..3) {
            @{
                Rows = [Collections.Generic.List[int]]::new()
                Numbers = [Collections.Generic.List[double]]::new()
                Texts = [Collections.Generic.List[string]]::new()
            }
        }
    )
    Step-Row $Rows.Length { param($from, $to) Split-Row $Column $Rows $parts $from $to }
    $byNumber = [Collections.Generic.Comparer[double]]::Default
    $byText = [StringComparer]::Create($invariant, $true)
    $ordered = @(
        (Get-Sorted $parts[0].Rows.ToArray() $parts[0].Numbers.ToArray() $byNumber $Descending),
        (Get-Sorted $parts[1].Rows.ToArray() $parts[1].Numbers.ToArray() $byNumber $Descending),
        (Get-Sorted $parts[2].Rows.ToArray() $parts[2].Texts.ToArray() $byText $Descending)
    )
    if ($Descending) { [Array]::Reverse($ordered) }
    return , [int[]]@($ordered[0]; $ordered[1]; $ordered[2]; $parts[3].Rows)
}

function Split-Row($Column, [int[]]$Rows, $Parts, [int]$From, [int]$To) {
    $kinds = $Column.Kinds; $numbers = $Column.Numbers; $texts = $Column.Texts
    $byNumber, $byDate, $byText, $without = $Parts
    for ($at = $From; $at -lt $To; $at++) {
        $row = $Rows[$at]
        if ($kinds[$row] -eq $noKind) { $without.Rows.Add($row) }
        elseif ($kinds[$row] -eq $isDate) {
            $byDate.Rows.Add($row)
            $byDate.Numbers.Add($numbers[$row])
        }
        elseif ([double]::IsNaN($numbers[$row])) {
            $byText.Rows.Add($row)
            $byText.Texts.Add($texts[$row])
        }
        else { $byNumber.Rows.Add($row); $byNumber.Numbers.Add($numbers[$row]) }
    }
}

# Array.Sort is not stable: rows with equal keys are put back in their order afterwards.
function Get-Sorted([int[]]$Rows, [Array]$Keys, $Comparer, [bool]$Descending) {
    if (-not $Rows.Length) { return , @() }
    [Array]::Sort($Keys, $Rows, $Comparer)
    $ends = [Collections.Generic.List[int]]::new()
    Step-Row ($Keys.Length - 1) { param($from, $to) Add-GroupEnd $Keys $Comparer $ends $from $to }
    $ends.Add($Keys.Length)
    return , (Join-Group $Rows $ends $Descending)
}

# The positions at which groups of equal keys end.
function Add-GroupEnd([Array]$Keys, $Comparer, $Ends, [int]$From, [int]$To) {
    for ($at = $From; $at -lt $To; $at++) {
        if ($Comparer.Compare($Keys[$at], $Keys[$at + 1]) -ne 0) { $Ends.Add($at + 1) }
    }
}

# Each group in its rows' order; for a descending order, the last group first.
function Join-Group([int[]]$Rows, $Ends, [bool]$Descending) {
    $joined = [int[]]::new($Rows.Length)
    Step-Row $Ends.Count {
        param($from, $to)
        Copy-Group $Rows $Ends $joined $Descending $from $to
    }
    return , $joined
}

function Copy-Group([int[]]$Rows, $Ends, [int[]]$Joined, [bool]$Descending, [int]$From, [int]$To) {
    for ($group = $From; $group -lt $To; $group++) {
        $begin = if ($group) { $Ends[$group - 1] } else { 0 }
        $end = $Ends[$group]
        $target = if ($Descending) { $Rows.Length - $end } else { $begin }
        if ($end - $begin -gt 1) { [Array]::Sort($Rows, $begin, $end - $begin) }
        [Array]::Copy($Rows, $begin, $Joined, $target, $end - $begin)
    }
}

function Get-Projected($Objects, [string[]]$Names) {
    $columns = [ordered]@{}
    foreach ($name in $Names) { $columns[$name] = (Get-Column $Objects $name).Values }
    for ($row = 0; $row -lt $Objects.Count; $row++) {
        $shown = [ordered]@{}
        foreach ($name in $columns.Keys) { $shown[$name] = $columns[$name][$row] }
        [pscustomobject]$shown
    }
}

function Test-Kept([string]$Key) {
    if ($keptRuns.Contains($Key)) { return }
    throw (New-Refusal @{
        refused = if ($forgottenRuns.Contains($Key)) { 'objects_forgotten' }
        else { 'no_objects' }
    })
}

function Get-Answer($Query) {
    Test-Kept $Query.key
    $kept = $keptRuns[$Query.key]
    $objects = $kept.Objects
    $columns = @{}
    $found = [bool[]]::new($objects.Count)
    [Array]::Fill[bool]($found, $true)
    foreach ($condition in $Query.where) {
        $path = $condition.property
        if (-not $columns.Contains($path)) { $columns[$path] = Get-Column $objects $path }
        try { Test-Condition $columns[$path] $condition $found }
        catch {
            $facts = Get-RefusalFact $_
            $facts.condition = $condition.text
            $facts.property = $path
            throw (New-Refusal $facts)
        }
    }
    $rows = [Collections.Generic.List[int]]::new()
    Step-Row $found.Length { param($from, $to) Add-Found $found $rows $from $to }
    $rows = $rows.ToArray()
    if ($Query.sort_by) {
        $path = $Query.sort_by
        if (-not $columns.Contains($path)) { $columns[$path] = Get-Column $objects $path }
        $rows = Get-Order $columns[$path] $rows $Query.descending
    }
    $shown = @(
        for ($at = $Query.skip; $at -lt [Math]::Min($rows.Length, $Query.skip +
                $Query.first); $at++) {
            , $objects[$rows[$at]]
        }
    )
    if ($Query.select) {
        foreach ($name in $Query.select) {
            if (-not $columns.Contains($name)) { $columns[$name] = Get-Column $objects $name }
        }
        $shown = @(if ($shown.Count) { Get-Projected $shown $Query.select })
    }
    return @{
        Shown = $shown
        Facts = @{
            kept = $objects.Count
            beyond = $kept.Beyond
            matched = $rows.Length
            shown = $shown.Count
        }
    }
}

function Add-Found([bool[]]$Found, $Rows, [int]$From, [int]$To) {
    for ($row = $From; $row -lt $To; $row++) { if ($Found[$row]) { $Rows.Add($row) } }
}

# The facts of a refusal, which includes a pattern that took too long. Any other exception is
# rethrown.
function Get-RefusalFact($Problem) {
    $exception = $Problem.Exception
    $facts = $exception.Data['Facts']
    if ($facts) { return $facts }
    if ($exception.GetBaseException() -is [Text.RegularExpressions.RegexMatchTimeoutException]) {
        return @{
            refused = 'bad_pattern'
            problem = "it took more than $MatchMilliseconds ms for one value"
        }
    }
    throw $Problem
}

# A question leaves no trace in $Error.
function Send-Answer([string]$Query) {
    $errors = $global:Error.ToArray()
    try {
        $asked = Microsoft.PowerShell.Utility\ConvertFrom-Json $Query -AsHashtable
        $answer = Get-Answer $asked
        $facts = $answer.Facts
    }
    catch { $facts = Get-RefusalFact $_ }
    $global:Error.Clear()
    $global:Error.AddRange($errors)
    Add-QueryFact $facts $asked.tag
    foreach ($one in $answer.Shown) {
        Microsoft.PowerShell.Utility\Write-Output -InputObject $one -NoEnumerate
    }
}
