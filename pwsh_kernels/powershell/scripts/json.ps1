# Format 'json': objects first become plain values, within a budget, which ConvertTo-Json then
# writes. On its own it would follow every property of every .NET object, which takes minutes and
# all memory for a command or a drive. A separate module, created with the first JSON; runs while
# holding the gate.
param([hashtable]$Settings)

Set-StrictMode -Off
$ErrorActionPreference = 'Continue'
$PSDefaultParameterValues = @{}
$JsonDepth = $Settings.JsonDepth
$JsonValues = $Settings.JsonValues
$JsonObjectValues = $Settings.JsonObjectValues
$EngineFormats = $Settings.EngineFormats
$json = $null
# Each value costs one unit of the budget; a string or an array of numbers costs another one for
# every 64 elements.
$lengthShift = 6
$pieceLength = 250
# How often a waiting property is interrupted again, and how long stopping the timer may take.
$againMilliseconds = 100
$lastMilliseconds = 2000

# What ConvertTo-Json writes exactly and immediately, as it does enumerations and numbers.
$leafTypes = [type[]]@([string], [decimal], [datetime], [datetimeoffset], [timespan], [guid], [uri],
    [bigint], [dbnull], [switch], [dateonly], [timeonly])
# Represented by their own text, wherever they occur.
$textTypes = [type[]]@([scriptblock], [type], [version], [semver], [ipaddress], [regex],
    [Xml.XmlNode], [cultureinfo])
# The properties that a person would write down, of objects that have many more.
$shapes = [ordered]@{
    [IO.FileSystemInfo] = 'Name', 'FullName', 'Length', 'Mode', 'CreationTime', 'LastWriteTime',
        'LastAccessTime', 'LinkTarget'
    [Diagnostics.Process] = 'Id', 'ProcessName', 'CPU', 'WorkingSet64', 'StartTime', 'Path',
        'HasExited'
    [Microsoft.PowerShell.Commands.GroupInfo] = 'Name', 'Count', 'Group'
    [Management.Automation.ErrorRecord] = @{ Name = 'Message'; Expression = { $_.ToString() } },
        'FullyQualifiedErrorId',
        @{ Name = 'Category'; Expression = { [string]$_.CategoryInfo.Category } },
        @{ Name = 'TargetName'; Expression = { $_.CategoryInfo.TargetName } }, 'Exception',
        @{ Name = 'Position'; Expression = { $_.InvocationInfo.PositionMessage } },
        'ScriptStackTrace'
    [Exception] = @{ Name = 'Type'; Expression = { $_.GetType().FullName } }, 'Message',
        'InnerException'
    [Management.Automation.CommandInfo] = 'Name', 'CommandType', 'Version', 'Source', 'Definition'
    [Management.Automation.PSModuleInfo] = 'Name', 'Version', 'ModuleType', 'Path', 'Description',
        @{ Name = 'ExportedCommands'; Expression = { [string[]]@($_.ExportedCommands.Keys) } }
    [Management.Automation.PSDriveInfo] = 'Name',
        @{ Name = 'Provider'; Expression = { $_.Provider.Name } }, 'Root', 'CurrentLocation',
        'Description', 'Used', 'Free'
    [Management.Automation.Job] = 'Id', 'Name', 'PSJobTypeName', 'State', 'HasMoreData', 'Location',
        'Command', 'PSBeginTime', 'PSEndTime'
    [Data.DataTable] = 'TableName', 'Rows'
    [Data.DataRow] = { param($it) $it.Table.Columns.ColumnName }
    [Data.DataRowView] = { param($it) $it.Row.Table.Columns.ColumnName }
}
# Objects of .NET and PowerShell lead to the whole process, so one inside another is written as text
# only.
$engineNames = [regex]'^(System|Microsoft\.PowerShell|Microsoft\.Win32|Internal)(\.|$)'
# Where a provider found an item: useless without the session, and PSDrive leads far.
$providerNames = [Collections.Generic.HashSet[string]]@('PSPath', 'PSParentPath', 'PSChildName',
    'PSDrive', 'PSProvider')
$kinds = @{}
$shapeOf = @{}

# How values of a type are written; determined once per type.
function Get-Kind([type]$Type) {
    $known = $kinds[$Type]
    if ($known) { return $known }
    $plain = $Type.IsArray ? $Type.GetElementType() : $Type
    $known = if ($plain.IsPrimitive -or $plain.IsEnum -or $plain -in $leafTypes) { 'leaf' }
    elseif ($Type -eq [Management.Automation.PSCustomObject]) { 'plain' }
    elseif ($Type.FullName.StartsWith($EngineFormats)) { 'format' }
    elseif (Test-TextType $Type) { 'text' }
    elseif (Find-Shape $Type) { 'shape' }
    elseif ([Collections.IDictionary].IsAssignableFrom($Type)) { 'map' }
    elseif ([Collections.IEnumerable].IsAssignableFrom($Type)) { 'list' }
    elseif ($engineNames.IsMatch([string]$Type.Namespace)) { 'engine' }
    else { 'model' }
    $kinds[$Type] = $known
    return $known
}

function Test-TextType([type]$Type) {
    foreach ($one in $textTypes) { if ($one.IsAssignableFrom($Type)) { return $true } }
    return $false
}

function Find-Shape([type]$Type) {
    foreach ($one in $shapes.GetEnumerator()) {
        if ($one.Key.IsAssignableFrom($Type)) {
            $shapeOf[$Type] = $one.Value
            return $true
        }
    }
    return $false
}

function ConvertTo-Text($Value) {
    try { return ($Value -is [Xml.XmlNode] ? $Value.OuterXml : $Value.ToString()) }
    catch {
        $json.Failed = $true
        return $Value.GetType().FullName
    }
}

# PowerShell takes 0.1 ms to look at a value, .NET a hundredth of that (measured), so all values of
# a level are grouped by type at once. These delegates get a value's type, properties and contents.
function New-Step {
    $expression = [Linq.Expressions.Expression]
    $value = $expression::Parameter([object], 'value')
    $wrapped = $expression::Call([psobject].GetMethod('AsPSObject', [type[]]@([object])), $value)
    $base = $expression::Property($wrapped, 'BaseObject')
    $cast = [Linq.Enumerable].GetMethod('Cast').MakeGenericMethod([object])
    $list = $expression::Convert($base, [Collections.IEnumerable])
    $map = $expression::Convert($base, [Collections.IDictionary])
    $names = $expression::Property($map, 'Keys')
    $inside = $expression::Property($map, 'Values')
    $bodies = @{
        Type = $expression::Call($base, [object].GetMethod('GetType'))
        Properties = $expression::Convert($expression::Property($wrapped, 'Properties'),
            [Collections.Generic.IEnumerable[Management.Automation.PSPropertyInfo]])
        Items = $expression::Call($cast, $list)
        Names = $expression::Call($cast, $expression::Convert($names, [Collections.IEnumerable]))
        Values = $expression::Call($cast, $expression::Convert($inside, [Collections.IEnumerable]))
        IsText = $expression::TypeIs($value, [string])
        Letters = $expression::Property($expression::Convert($base, [string]), 'Length')
        Elements = $expression::Property($expression::Convert($base, [Array]), 'Length')
    }
    $steps = @{}
    foreach ($one in $bodies.Keys) {
        $steps[$one] = $expression::Lambda($bodies[$one],
            [Linq.Expressions.ParameterExpression[]]@($value)).Compile()
    }
    $getter = [Management.Automation.PSMemberInfo].GetProperty('Value').GetMethod
    $steps.Value = $getter.CreateDelegate([Func[Management.Automation.PSPropertyInfo, object]])
    return $steps
}
# Created with the first JSON, by when no script's breakpoint can be hit here.
$steps = $null
# The enumerators of these never wait.
$plainLists = [type[]]@([object[]], [Collections.ArrayList], [Collections.Generic.List[object]],
    [Collections.Generic.List[string]], [Collections.ObjectModel.Collection[psobject]])

# The values one level further in; $null where ConvertTo-Json must not be let in.
function Get-Part([type]$Type, $Values) {
    switch (Get-Kind $Type) {
        'leaf' {
            if ($Type -eq [string]) {
                $json.Room -= [Linq.Enumerable]::Sum($Values, $steps.Letters) -shr $lengthShift
            }
            elseif ($Type.IsArray) {
                $json.Room -= [Linq.Enumerable]::Sum($Values, $steps.Elements) -shr $lengthShift
            }
            return , @()
        }
        { $_ -in 'plain', 'model' } {
            $properties = [Linq.Enumerable]::SelectMany($Values, $steps.Properties)
            return , [Linq.Enumerable]::Select($properties, $steps.Value)
        }
        'map' {
            # ConvertTo-Json refuses a map with a key that is not a string, and everything around
            # that map.
            $names = [Linq.Enumerable]::SelectMany($Values, $steps.Names)
            if ([Linq.Enumerable]::All[object]($names, $steps.IsText)) {
                return , [Linq.Enumerable]::SelectMany($Values, $steps.Values)
            }
        }
        'list' {
            if ($Type -in $plainLists) {
                return , [Linq.Enumerable]::SelectMany($Values, $steps.Items)
            }
        }
    }
    return $null
}

# Whether objects contain nothing but plain data, within the limits of depth and number.
function Test-Plain($Values, [int]$Depth) {
    $room = $json.Room
    try {
        $most = $JsonObjectValues + 100 * $Values.Count
        while ($Values.Count) {
            $json.Room -= $Values.Count
            if ($Depth -gt $json.Depth + 1 -or $Values.Count -gt $most -or $json.Room -lt 0) { break }
            $next = [Collections.Generic.List[object]]::new()
            foreach ($group in [Linq.Enumerable]::ToLookup[object, type]($Values, $steps.Type)) {
                $kind = Get-Kind $group.Key
                $parts = if ($Depth -le $json.Depth -or $kind -eq 'leaf') {
                    Get-Part $group.Key $group
                }
                if ($null -eq $parts) {
                    $json.Room = $room
                    return $false
                }
                $some = [Linq.Enumerable]::Take[object]($parts, $most)
                $next.AddRange([Linq.Enumerable]::OfType[object]($some))
            }
            $Values = $next
            $Depth++
        }
    }
    catch { $json.Failed = $true }  # a property that cannot be read: ConvertTo-Plain reports it
    if ($Values.Count) { $json.Room = $room }
    return -not $Values.Count
}

# Owner is '' for the caller's own data; otherwise, 'model' or 'engine', what the value is part of.
function ConvertTo-Plain($Value, [int]$Depth, [string]$Owner) {
    $type = $Value.GetType()
    $kind = $kinds[$type] ?? (Get-Kind $type)
    if ($kind -eq 'leaf') { return , $Value }
    if ($kind -eq 'text') { return ConvertTo-Text $Value }
    if ($Depth -gt $json.Depth) {
        $json.Left.depth++
        return [string]$Value
    }
    if (($Owner -eq 'engine' -and $kind -in 'engine', 'shape') -or $json.Path.Contains($Value)) {
        $json.Left.as_text++
        return ConvertTo-Text $Value
    }
    if ($json.Clock.ElapsedMilliseconds -gt $json.Milliseconds) { $json.Room = 0 }
    if ($json.Room -le 0) {
        $json.Left.values++
        return $type.FullName
    }
    [void]$json.Path.Add($Value)
    $made = if (-not $Owner -and $kind -in 'engine', 'model') { Copy-Bounded $Value $Depth $kind }
    else { Copy-Part $Value $Depth $Owner $kind }
    [void]$json.Path.Remove($Value)
    return , $made
}

# One .NET object gets no more than its share of the budget.
function Copy-Bounded($Value, [int]$Depth, [string]$Kind) {
    $all = $json.Room
    $given = $json.Room = [Math]::Min($all, $JsonObjectValues)
    $made = Copy-Property $Value $Depth $Kind
    $json.Room = $all - $given + [Math]::Max($json.Room, 0)
    return , $made
}

function Copy-Part($Value, [int]$Depth, [string]$Owner, [string]$Kind) {
    $made = switch ($Kind) {
        'list' { , (Copy-List (Get-Numbered $Value) ($Depth + 1) $Owner) }
        'map' { , (Copy-Map $Value $Depth $Owner) }
        'shape' { , (Copy-Property (Select-Shape @($Value))[0] $Depth '') }
        'plain' { , (Copy-Property $Value $Depth $Owner) }
        default { , (Copy-Property $Value $Depth $Kind) }
    }
    return , $made
}

function Select-Shape($Values) {
    $shape = $shapeOf[$Values[0].GetType()]
    if ($shape -is [scriptblock]) { $shape = & $shape $Values[0] }
    $chosen = $Values | Microsoft.PowerShell.Utility\Select-Object -Property $shape
    return , @($chosen)
}

# By index where there is one: the enumerator of a job's output waits for the job's end. Without an
# index, there may be no end.
function Get-Numbered($Value) {
    if ($Value -is [Collections.IList] -and ($Value -isnot [Array] -or $Value.Rank -eq 1)) {
        return , $Value
    }
    $most = [Math]::Min($json.Room, $JsonObjectValues)
    $items = [Collections.Generic.List[object]]::new()
    try {
        foreach ($one in $Value) {
            if ($items.Count -ge $most -or $json.Clock.ElapsedMilliseconds -gt $json.Enough) {
                $json.Left.values++
                break
            }
            $items.Add($one)
        }
    }
    catch { Set-Failed $_ }
    return , $items
}

# A value that could not be read: it threw an error, or took too long.
function Set-Failed($Record) {
    $json.Failed = $true
    if ($Record.Exception.GetBaseException() -is [Threading.ThreadInterruptedException]) {
        $json.Left.values++
    }
}

# Code that waits inside a property or an enumerator (a sleep, the result of a task) gets an
# exception once half of the time is over, and again from then on: nothing else would end it, and
# the rest still has to be read. The timer needs no runspace.
function New-Watch {
    $make = [Linq.Expressions.Expression]
    $interrupt = $make::Call($make::Constant([Threading.Thread]::CurrentThread),
        [Threading.Thread].GetMethod('Interrupt'))
    $work = $make::Lambda([Threading.TimerCallback], $interrupt,
        [Linq.Expressions.ParameterExpression[]]$make::Parameter([object]))
    return [Threading.Timer]::new($work.Compile($true), $null, $json.Patience, $againMilliseconds)
}

# An exception that arrives after its target has finished must not hit the next wait.
function Stop-Watch([Threading.Timer]$Watch) {
    $ended = [Threading.ManualResetEvent]::new($false)
    try {
        if ($Watch.Dispose($ended)) { [void]$ended.WaitOne($lastMilliseconds) }
        [Threading.Thread]::Sleep(1)
    }
    catch [Threading.ThreadInterruptedException] { $json.Failed = $true }
}

# Whether all values share one shape that names their properties.
function Test-SameShape($Values) {
    $shape = $shapeOf[$Values[0].GetType()]
    if ($null -eq $shape -or $shape -is [scriptblock]) { return $false }
    foreach ($one in $Values) {
        $kind = Get-Kind $one.GetType()
        if ($kind -ne 'shape') { return $false }
        if (-not [object]::ReferenceEquals($shapeOf[$one.GetType()], $shape)) { return $false }
    }
    return $true
}

function Copy-List($Items, [int]$Depth, [string]$Owner) {
    $list = [Collections.Generic.List[object]]::new()
    for ($from = 0; $from -lt $Items.Count; $from += $pieceLength) {
        if ($json.Room -le 0 -or $json.Clock.ElapsedMilliseconds -gt $json.Milliseconds) {
            $json.Left.values += $Items.Count - $from
            break
        }
        $piece = [Collections.Generic.List[object]]::new()
        $to = [Math]::Min($from + $pieceLength, $Items.Count)
        for ($at = $from; $at -lt $to; $at++) { $piece.Add($Items[$at]) }
        Add-Piece $piece $Depth $Owner $list
    }
    return , $list
}

function Add-Piece($Piece, [int]$Depth, [string]$Owner, $List) {
    $there = [Linq.Enumerable]::ToList[object]([Linq.Enumerable]::OfType[object]($Piece))
    if ($there.Count -and $Owner -ne 'engine') {
        if ($there.Count -eq $Piece.Count -and (Test-SameShape $there)) {
            $Piece = $there = [Collections.Generic.List[object]](Select-Shape $there)
        }
        if (Test-Plain $there $Depth) {
            $List.AddRange($Piece)
            return
        }
    }
    foreach ($one in $Piece) {
        $json.Room--
        if ($null -eq $one) { $List.Add($null) }
        else {
            try { $List.Add((ConvertTo-Plain $one $Depth $Owner)) }
            catch { Set-Failed $_ }
        }
    }
}

# Not [ordered]@{}: names that differ only in case are different names.
function Copy-Map($Value, [int]$Depth, [string]$Owner) {
    $map = [Collections.Specialized.OrderedDictionary]::new()
    try {
        foreach ($pair in $Value.GetEnumerator()) {
            if (--$json.Room -lt 0 -or $json.Clock.ElapsedMilliseconds -gt $json.Milliseconds) {
                $json.Left.values += [Math]::Max($Value.Count - $map.Count, 1)
                break
            }
            $one = $pair.Value
            $name = [string]$pair.Key
            # 1 and '1' are two keys of a map but one name in JSON: the last value is written.
            if ($map.Contains($name)) { $json.Left.values++ }
            $map[$name] = if ($null -ne $one) { ConvertTo-Plain $one ($Depth + 1) $Owner }
        }
    }
    catch { Set-Failed $_ }
    return , $map
}

function Copy-Property($Value, [int]$Depth, [string]$Owner) {
    $map = [Collections.Specialized.OrderedDictionary]::new()
    foreach ($property in $Value.PSObject.Properties) {
        $name = $property.Name
        if ($Owner -and ($property.MemberType -eq 'AliasProperty' -or
                $providerNames.Contains($name))) {
            continue
        }
        if (--$json.Room -lt 0 -or $json.Clock.ElapsedMilliseconds -gt $json.Milliseconds) {
            $json.Left.values++
            continue
        }
        try { $one = $steps.Value.Invoke($property) }
        catch {
            # as ConvertTo-Json
            $one = $null
            Set-Failed $_
        }
        $map[$name] = if ($null -ne $one) { ConvertTo-Plain $one ($Depth + 1) $Owner }
    }
    return , $map
}

# What a stopped or failed run leaves is fetched while others wait, so it gets only what can be
# written in time.
function ConvertTo-BoundedJson($Objects, [bool]$AlwaysList, [int]$Milliseconds, [int]$Depth) {
    $errors = $global:Error.ToArray()
    if (-not $steps) { $script:steps = New-Step }
    $script:json = @{
        Room = $JsonValues
        Depth = $Depth ? $Depth : $JsonDepth
        Milliseconds = $Milliseconds
        Patience = [int]($Milliseconds * 0.5)  # with code that waits
        Enough = [int]($Milliseconds * 0.75)  # for counting by enumeration
        Clock = [Diagnostics.Stopwatch]::StartNew()
        Path = [Collections.Generic.HashSet[object]]::new(
            [Collections.Generic.ReferenceEqualityComparer]::Instance)
        Failed = $false
        Left = @{ values = 0; depth = 0; as_text = 0 }
    }
    $isList = $AlwaysList -or $Objects.Count -ne 1
    $watch = New-Watch
    $made = Copy-List $Objects ([int]$isList) ''
    $value = $made  # not from an `if`, which unrolls a list of one
    if (-not $isList) { $value = $made.Count ? $made[0] : $null }
    # ConvertTo-Json reads the properties of plain objects again and gets as much time.
    [void]$watch.Change($json.Patience, $againMilliseconds)
    $text = try { Microsoft.PowerShell.Utility\ConvertTo-Json -InputObject $value -Depth 100 }
    catch { $json.Failed = $true }
    Stop-Watch $watch
    if (-not $text) {
        $text = 'null'
        $json.Left.values += $Objects.Count
    }
    if ($json.Failed) {  # no trace of what was tried
        $global:Error.Clear()
        $global:Error.AddRange($errors)
    }
    return @{ Text = $text; Left = $json.Left }
}

# Takes out what Format-Table and its like produced: those are not the caller's objects.
function Remove-Format($Objects) {
    $before = $Objects.Count
    for ($at = $before - 1; $at -ge 0; $at--) {
        $one = $Objects[$at]
        if ($null -ne $one -and (Get-Kind $one.GetType()) -eq 'format') { $Objects.RemoveAt($at) }
    }
    return $before - $Objects.Count
}
Export-ModuleMember
