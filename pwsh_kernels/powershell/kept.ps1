# Questions about the objects that runs have given. Becomes part of the module that bootstrap.ps1 makes, at the first question.

$noKind, $isNumber, $isDate, $isText, $isTruth, $isList, $isSize = [byte[]](0..6)
$invariant = [cultureinfo]::InvariantCulture
$sizeUnits = @{ '' = 1; B = 1; KB = 1KB; MB = 1MB; GB = 1GB; TB = 1TB; PB = 1PB }
$sizeText = [regex]'(?i)\(([\d.,\s]+) bytes\)\s*$|^\s*([\d.,]+)\s*([KMGTP]?B)\s*$|^\s*(Unlimited)\s*$'

# What is known of the question, as a record that the server takes out of the output.
function Add-QueryFacts([hashtable]$Facts) {
    [Threading.Monitor]::Enter($late.Gate)
    if ($run.Text.Length) { Move-Text }
    $run.AlwaysList = $true  # one object that is found is a list of one, as JSON
    $run.Entries.Add(@('information', [string](Microsoft.PowerShell.Utility\ConvertTo-Json $Facts -Compress -Depth 3), [string[]]@($QueryTag)))
    [Threading.Monitor]::Exit($late.Gate)
}

# A refusal ends the question; it is told as a fact, because an error would be left in $Error.
function New-Refusal([hashtable]$Facts) {
    $refusal = [InvalidOperationException]::new('refused')
    $refusal.Data['Facts'] = $Facts
    return $refusal
}

function Get-Names($Value) {
    if ($Value -is [Collections.IDictionary]) { foreach ($one in $Value.Keys) { [string]$one } }
    elseif ($null -ne $Value) { foreach ($one in $Value.PSObject.Properties) { $one.Name } }
}

# A name with dots that is a property's own is one step; else each part leads further in.
function Get-Steps($Objects, [string]$Path) {
    if (-not $Path.Contains('.')) { return , @($Path) }
    foreach ($one in $Objects) { if (@(Get-Names $one) -contains $Path) { return , @($Path) } }
    return , $Path.Split('.')
}

# The values of one property of all objects; unknown when no object has it. Everything inline: a call takes longer than all this.
function Read-Column($Objects, [string]$Path) {
    $steps = Get-Steps $Objects $Path
    $values = [object[]]::new($Objects.Count)
    $has = $lacks = $false
    $row = -1
    foreach ($one in $Objects) {
        $row++
        $value = $one
        $there = $true
        try {
            foreach ($step in $steps) {
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
        elseif ($null -ne $value -or $steps.Length -eq 1) { $has = $true }
        $values[$row] = $value
    }
    # A path through values that all are empty leads somewhere, for all that is known.
    if ($lacks -and -not $has) { throw (New-UnknownProperty $Objects $Path $steps) }
    return , $values
}

# Names the properties that there are at the step that leads nowhere.
function New-UnknownProperty($Objects, [string]$Path, [string[]]$Steps) {
    $level = @($Objects | Microsoft.PowerShell.Utility\Select-Object -First $MaxLooks)
    $inside = @()
    foreach ($step in $Steps) {
        $deeper = @(foreach ($one in $level) { if (@(Get-Names $one) -contains $step) { if ($one -is [Collections.IDictionary]) { $one[$step] } else { $one.$step } } })
        if (-not $deeper.Count) { break }
        $level = $deeper
        $inside += $step
    }
    $names = [ordered]@{}
    foreach ($one in $level) { foreach ($name in @(Get-Names $one)) { $names[$name] = $true } }
    return New-Refusal @{
        refused = 'unknown_property'; property = $Path; inside = $inside -join '.'; total = $names.Count
        known = @($names.Keys | Microsoft.PowerShell.Utility\Select-Object -First $MaxNames)
    }
}

function Read-Number([string]$Text) {
    $read = 0.0
    if ([double]::TryParse($Text, 'Float, AllowThousands', $invariant, [ref]$read)) { return $read }
    $found = $sizeText.Match($Text)
    if ($found.Success) { return Get-Bytes $found }
    $span = [timespan]::Zero
    if ($Text.Contains(':') -and [timespan]::TryParse($Text, $invariant, [ref]$span)) { return $span.TotalSeconds }
    return [double]::NaN
}

function Get-Bytes([Text.RegularExpressions.Match]$Found) {
    if ($Found.Groups[4].Success) { return [double]::PositiveInfinity }
    $exact = $Found.Groups[1].Value -replace '\D'
    if ($exact) { return [double]$exact }
    $read = 0.0
    if (-not [double]::TryParse($Found.Groups[2].Value, 'Float, AllowThousands', $invariant, [ref]$read)) { return [double]::NaN }
    return $read * $sizeUnits[$Found.Groups[3].Value]
}

# Of each value its kind, and a number (bytes of a size, ticks of a date) or a text to compare it by.
function Measure-Column($Values) {
    $kinds = [byte[]]::new($Values.Count)
    $numbers = [double[]]::new($Values.Count)
    $texts = [string[]]::new($Values.Count)
    [Array]::Fill[double]($numbers, [double]::NaN)
    $read = 0.0
    $row = -1
    foreach ($value in $Values) {
        $row++
        if ($null -eq $value -or $value -is [DBNull]) { continue }
        if ($value -is [string]) { $said = $value }
        elseif ($value -is [int] -or $value -is [long] -or $value -is [double]) { $kinds[$row] = $isNumber; $numbers[$row] = $value; continue }
        elseif ($value -is [bool]) { $kinds[$row] = $isTruth; $numbers[$row] = [int]$value; continue }
        elseif ($value -is [datetime]) { $kinds[$row] = $isDate; $numbers[$row] = $value.Ticks; continue }
        elseif ($value -is [datetimeoffset]) { $kinds[$row] = $isDate; $numbers[$row] = $value.UtcTicks; continue }
        elseif ($value -is [timespan]) { $kinds[$row] = $isNumber; $numbers[$row] = $value.TotalSeconds; continue }
        elseif ($value -is [switch]) { $kinds[$row] = $isTruth; $numbers[$row] = [int][bool]$value; continue }
        elseif ($value -is [enum]) { $said = $value.ToString() }
        elseif ($value -is [ValueType] -and [int][Type]::GetTypeCode($value.GetType()) -in 5..15) { $kinds[$row] = $isNumber; $numbers[$row] = $value; continue }
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
            [double]::TryParse($said.Substring($open + 1, $said.Length - $open - 8), 'AllowThousands', $invariant, [ref]$read)) {
            $kinds[$row] = $isSize
            $numbers[$row] = $read
            continue
        }
        $first = $said[0]
        if ([char]::IsAsciiDigit($first) -or $first -eq '-' -or $first -eq '.' -or $first -eq 'U') {
            if ([double]::TryParse($said, 'Float, AllowThousands', $invariant, [ref]$read)) { $numbers[$row] = $read }
            else {
                $found = $sizeText.Match($said)
                if ($found.Success) { $kinds[$row] = $isSize; $numbers[$row] = Get-Bytes $found }
            }
        }
    }
    return @{ Values = $Values; Kinds = $kinds; Numbers = $numbers; Texts = $texts }
}

# How a condition's text may be meant: only the kind of each value decides.
function Read-Wanted([string]$Text) {
    $moment = [datetimeoffset]::MinValue
    $dated = $Text -match '^\s*\d{4}-\d\d-\d\d' -and [datetimeoffset]::TryParse($Text, $invariant, 'AssumeUniversal', [ref]$moment)
    $truth = switch -Regex ($Text.Trim()) { '^\$?true$|^yes$|^1$' { 1 } '^\$?false$|^no$|^0$' { 0 } default { -1 } }
    return @{
        Text = $Text; Number = Read-Number $Text; Truth = $truth; IsDate = $dated
        Ticks = [double]$moment.Ticks; UtcTicks = [double]$moment.UtcTicks
        Zoned = $Text -match '(Z|[+-]\d\d:?\d\d)\s*$' -and $Text -match 'T|\d:\d'; Day = $Text -match '^\s*\d{4}-\d\d-\d\d\s*$'
    }
}

# Whether each value is one of those wanted.
function Test-Equal($Column, $Wanted) {
    $kinds = $Column.Kinds; $numbers = $Column.Numbers; $texts = $Column.Texts; $values = $Column.Values
    $ignoreCase = [StringComparer]::OrdinalIgnoreCase
    $names = [Collections.Generic.HashSet[string]]::new([string[]]@($Wanted.Text), $ignoreCase)
    $figures = [Collections.Generic.HashSet[double]]::new([double[]]@($Wanted.Number))
    [void]$figures.Remove([double]::NaN)
    $truths = @($Wanted.Truth)
    $dates = @($Wanted | Microsoft.PowerShell.Core\Where-Object IsDate)
    $hits = [bool[]]::new($kinds.Count)
    for ($row = 0; $row -lt $kinds.Count; $row++) {
        $kind = $kinds[$row]
        $hits[$row] = if ($kind -eq $isText) { $names.Contains($texts[$row]) }
        elseif ($kind -eq $isNumber) { $figures.Contains($numbers[$row]) }
        elseif ($kind -eq $isSize) { $figures.Contains($numbers[$row]) -or $names.Contains($texts[$row]) }
        elseif ($kind -eq $isTruth) { $truths -contains $numbers[$row] }
        elseif ($kind -eq $isList) { $names.Contains($texts[$row]) -or @(foreach ($one in $values[$row]) { if ($names.Contains([string]$one)) { $one } }).Count }
        elseif ($kind -eq $isDate) {
            @(foreach ($one in $dates) {
                    $ticks = if ($one.Zoned) { $values[$row].ToUniversalTime().Ticks } else { $numbers[$row] }
                    $passed = $ticks - $(if ($one.Zoned) { $one.UtcTicks } else { $one.Ticks })
                    if ([Math]::Abs($passed) -lt [timespan]::TicksPerMillisecond -or ($one.Day -and $passed -ge 0 -and $passed -lt [timespan]::TicksPerDay)) { $true }
                }).Count
        }
        else { $false }
    }
    return , $hits
}

# Whether each value is above (1), at (0) or below (-1) the one wanted; 2 where they cannot be compared.
function Compare-Column($Column, $Wanted) {
    $kinds = $Column.Kinds; $numbers = $Column.Numbers; $texts = $Column.Texts; $values = $Column.Values
    $figure = $Wanted.Number; $byNumber = -not [double]::IsNaN($figure)
    $said = $Wanted.Text; $byText = -not $byNumber -and -not $Wanted.IsDate
    $moment = [datetimeoffset]::MinValue
    $signs = [sbyte[]]::new($kinds.Count)
    for ($row = 0; $row -lt $kinds.Count; $row++) {
        $kind = $kinds[$row]
        $signs[$row] = if ($kind -eq $isDate) {
            if (-not $Wanted.IsDate) { 2 }
            elseif ($Wanted.Zoned) { ([double]$values[$row].ToUniversalTime().Ticks).CompareTo($Wanted.UtcTicks) }
            else { $numbers[$row].CompareTo($Wanted.Ticks) }
        }
        elseif ($kind -eq $noKind -or $kind -eq $isTruth -or $kind -eq $isList) { 2 }
        elseif ($byNumber) { if ([double]::IsNaN($numbers[$row])) { 2 } else { $numbers[$row].CompareTo($figure) } }
        elseif ($kind -ne $isText) { 2 }
        elseif ($byText) { [Math]::Sign([string]::Compare($texts[$row], $said, $true, $invariant)) }
        elseif ([datetimeoffset]::TryParse($texts[$row], $invariant, 'AssumeUniversal', [ref]$moment)) { ([double]$moment.UtcTicks).CompareTo($Wanted.UtcTicks) }
        else { 2 }
    }
    if ($kinds.Count -and -not ($signs -ne 2).Count -and ($kinds -ne $noKind).Count) {
        $row = [Array]::FindIndex($kinds, [Predicate[byte]] { param($one) $one -ne $noKind })
        throw (New-Refusal @{ refused = 'not_comparable'; value = $said; example = [string]$values[$row] })
    }
    return , $signs
}

# Whether a text, or one of a list's texts, fits a pattern.
function Test-Text($Column, $Pattern) {
    $kinds = $Column.Kinds; $texts = $Column.Texts; $values = $Column.Values
    $hits = [bool[]]::new($kinds.Count)
    for ($row = 0; $row -lt $kinds.Count; $row++) {
        $kind = $kinds[$row]
        if ($kind -eq $noKind) { continue }
        if ($kind -ne $isList) {
            $said = if ($null -ne $texts[$row]) { $texts[$row] } else { [string]$values[$row] }
            $hits[$row] = $Pattern.IsMatch($said)
            continue
        }
        foreach ($one in $values[$row]) { if ($Pattern.IsMatch([string]$one)) { $hits[$row] = $true; break } }
    }
    return , $hits
}

function Get-Pattern([string]$Operator, [string]$Value) {
    if ($Operator -like '*like') { return [WildcardPattern]::new($Value, 'IgnoreCase, CultureInvariant') }
    if ($Operator -eq 'contains') { $Value = [regex]::Escape($Value) }
    try { return [regex]::new($Value, 'IgnoreCase, CultureInvariant', [timespan]::FromMilliseconds($MatchMilliseconds)) }
    catch { throw (New-Refusal @{ refused = 'bad_pattern'; problem = $_.Exception.GetBaseException().Message }) }
}

# Whether each object fulfils one condition.
function Test-Condition($Column, $Condition) {
    $operator = $Condition.operator
    $values = @(foreach ($one in $Condition.values) { $one.Substring(1) })  # a mark that keeps a date from being read as one
    $not = $operator -in 'ne', 'notlike', 'notmatch', 'notempty'
    $hits = switch -Regex ($operator) {
        'empty$' { , @(foreach ($kind in $Column.Kinds) { $kind -eq $noKind }) }
        '^(eq|ne|in)$' { , (Test-Equal $Column @(foreach ($one in $values) { Read-Wanted $one })) }
        '^(not)?(like|match)$|^contains$' { , (Test-Text $Column (Get-Pattern $operator $values[0])) }
        '^[gl][te]$' {
            $wanted = @{ gt = @(1); ge = @(1, 0); lt = @(-1); le = @(-1, 0) }[$operator]
            , @(foreach ($one in (Compare-Column $Column (Read-Wanted $values[0]))) { $wanted -contains $one })
        }
    }
    if ($not) { return , [bool[]]@(foreach ($one in $hits) { -not $one }) }
    return , [bool[]]$hits
}

# The rows in the order of a column: numbers, then dates, then texts, what has no value last. Rows that are equal keep their order.
function Get-Order($Column, [int[]]$Rows, [bool]$Descending) {
    $kinds = $Column.Kinds; $numbers = $Column.Numbers; $texts = $Column.Texts
    $byNumber = [Collections.Generic.List[int]]::new(); $byDate = [Collections.Generic.List[int]]::new()
    $byText = [Collections.Generic.List[int]]::new(); $without = [Collections.Generic.List[int]]::new()
    foreach ($row in $Rows) {
        if ($kinds[$row] -eq $noKind) { $without.Add($row) }
        elseif ($kinds[$row] -eq $date) { $byDate.Add($row) }
        elseif ([double]::IsNaN($numbers[$row])) { $byText.Add($row) }
        else { $byNumber.Add($row) }
    }
    $comparer = [StringComparer]::Create($invariant, $true)
    $ordered = @(
        (Get-Sorted $byNumber.ToArray() ([double[]]@(foreach ($row in $byNumber) { $numbers[$row] })) ([Collections.Generic.Comparer[double]]::Default) $Descending),
        (Get-Sorted $byDate.ToArray() ([double[]]@(foreach ($row in $byDate) { $numbers[$row] })) ([Collections.Generic.Comparer[double]]::Default) $Descending),
        (Get-Sorted $byText.ToArray() ([string[]]@(foreach ($row in $byText) { $texts[$row] })) $comparer $Descending)
    )
    if ($Descending) { [Array]::Reverse($ordered) }
    return , [int[]]@(foreach ($part in $ordered) { $part }; $without)
}

# Array.Sort is not stable: rows with equal keys are put back into their order afterwards.
function Get-Sorted([int[]]$Rows, [Array]$Keys, $Comparer, [bool]$Descending) {
    if (-not $Rows.Length) { return , @() }
    [Array]::Sort($Keys, $Rows, $Comparer)
    $groups = [Collections.Generic.List[int[]]]::new()
    $begin = 0
    for ($at = 1; $at -le $Keys.Length; $at++) {
        if ($at -lt $Keys.Length -and $Comparer.Compare($Keys[$at], $Keys[$begin]) -eq 0) { continue }
        if ($at - $begin -gt 1) { [Array]::Sort($Rows, $begin, $at - $begin) }
        if ($Descending) { $groups.Add($Rows[$begin..($at - 1)]) }
        $begin = $at
    }
    if (-not $Descending) { return , $Rows }
    $groups.Reverse()
    return , @(foreach ($group in $groups) { $group })
}

function Get-Projected($Objects, [string[]]$Names) {
    $columns = [ordered]@{}
    foreach ($name in $Names) { $columns[$name] = Read-Column $Objects $name }
    for ($row = 0; $row -lt $Objects.Count; $row++) {
        $shown = [ordered]@{}
        foreach ($name in $columns.Keys) { $shown[$name] = $columns[$name][$row] }
        [pscustomobject]$shown
    }
}

function Test-Kept([string]$Key) {
    if ($keptRuns.Contains($Key)) { return }
    throw (New-Refusal @{ refused = if ($forgottenRuns.Contains($Key)) { 'objects_forgotten' } else { 'no_objects' } })
}

function Get-Answer($Query) {
    Test-Kept $Query.key
    $kept = $keptRuns[$Query.key]
    $objects = $kept.Objects
    $columns = @{}
    $matched = $null
    foreach ($condition in $Query.where) {
        $path = $condition.property
        if (-not $columns.Contains($path)) { $columns[$path] = Measure-Column (Read-Column $objects $path) }
        try { $hits = Test-Condition $columns[$path] $condition }
        catch {
            $facts = Get-RefusalFacts $_
            $facts.condition = $condition.text
            $facts.property = $path
            throw (New-Refusal $facts)
        }
        if ($null -eq $matched) { $matched = $hits; continue }
        for ($row = 0; $row -lt $hits.Length; $row++) { if (-not $hits[$row]) { $matched[$row] = $false } }
    }
    $rows = [int[]]@(for ($row = 0; $row -lt $objects.Count; $row++) { if ($null -eq $matched -or $matched[$row]) { $row } })
    if ($Query.sort_by) {
        $path = $Query.sort_by
        if (-not $columns.Contains($path)) { $columns[$path] = Measure-Column (Read-Column $objects $path) }
        $rows = Get-Order $columns[$path] $rows $Query.descending
    }
    $shown = @(for ($at = $Query.skip; $at -lt [Math]::Min($rows.Length, $Query.skip + $Query.first); $at++) { , $objects[$rows[$at]] })
    if ($Query.select) {
        foreach ($name in $Query.select) { if (-not $columns.Contains($name)) { $columns[$name] = Read-Column $objects $name } }
        $shown = @(if ($shown.Count) { Get-Projected $shown $Query.select })
    }
    return @{ Shown = $shown; Facts = @{ kept = $objects.Count; beyond = $kept.Beyond; matched = $rows.Length; shown = $shown.Count } }
}

# The facts of a refusal; a pattern that took too long is one too. What is none of ours is thrown on.
function Get-RefusalFacts($Problem) {
    $exception = $Problem.Exception
    $facts = $exception.Data['Facts']
    if ($facts) { return $facts }
    if ($exception.GetBaseException() -is [Text.RegularExpressions.RegexMatchTimeoutException]) {
        return @{ refused = 'bad_pattern'; problem = "it took more than $MatchMilliseconds ms for one value" }
    }
    throw $Problem
}

# What a question does leaves no trace in $Error.
function Send-Answer([string]$Query) {
    $errors = $global:Error.ToArray()
    try {
        $answer = Get-Answer (Microsoft.PowerShell.Utility\ConvertFrom-Json $Query -AsHashtable)
        $facts = $answer.Facts
    }
    catch { $facts = Get-RefusalFacts $_ }
    $global:Error.Clear()
    $global:Error.AddRange($errors)
    Add-QueryFacts $facts
    foreach ($one in $answer.Shown) { Microsoft.PowerShell.Utility\Write-Output -InputObject $one -NoEnumerate }
}
