# From the description of an expression to a script, by lists of what is harmless. A description is a
# list of nodes, each made of earlier ones by their number; the last one is the whole. Whatever is in
# no list here is refused, whoever asks.
$operators = '-eq', '-ne', '-gt', '-ge', '-lt', '-le', '-like', '-notlike', '-match', '-notmatch',
    '-contains', '-notcontains', '-in', '-notin', '-ieq', '-ine', '-igt', '-ige', '-ilt', '-ile', '-ilike',
    '-inotlike', '-imatch', '-inotmatch', '-icontains', '-inotcontains', '-iin', '-inotin', '-ceq', '-cne',
    '-cgt', '-cge', '-clt', '-cle', '-clike', '-cnotlike', '-cmatch', '-cnotmatch', '-ccontains',
    '-cnotcontains', '-cin', '-cnotin', '-and', '-or', '-xor', '-band', '-bor', '-bxor', '-join', '-split',
    '-isplit', '-csplit', '-replace', '-ireplace', '-creplace', '-f', '+', '-', '*', '/', '%', '..', '??'
$unary = '-not', '!', '-', '+', '-join', '-split', ','
$types = 'string', 'char', 'int', 'long', 'double', 'decimal', 'bool', 'datetime', 'datetimeoffset',
    'timespan', 'guid', 'version', 'uri', 'string[]', 'int[]', 'array'
$plainMethods = 'ToString', 'ToUpper', 'ToLower', 'ToUpperInvariant', 'ToLowerInvariant', 'Trim', 'TrimStart',
    'TrimEnd', 'Split', 'Replace', 'Substring', 'StartsWith', 'EndsWith', 'Contains', 'IndexOf', 'LastIndexOf',
    'PadLeft', 'PadRight', 'CompareTo', 'Equals', 'AddDays', 'AddHours', 'AddMinutes', 'AddMonths', 'AddSeconds',
    'AddYears', 'Subtract', 'ToUniversalTime', 'ToLocalTime', 'ToShortDateString', 'ToLongDateString',
    'ToUnixTimeSeconds'
$staticMembers = @{
    string = 'IsNullOrEmpty', 'IsNullOrWhiteSpace', 'Join', 'Format', 'Empty'
    math = 'Round', 'Floor', 'Ceiling', 'Truncate', 'Abs', 'Min', 'Max', 'Pow', 'Sqrt', 'PI'
    datetime = 'Now', 'UtcNow', 'Today', 'Parse', 'ParseExact', 'DaysInMonth', 'MinValue', 'MaxValue'
    datetimeoffset = 'Now', 'UtcNow', 'Parse'
    timespan = 'FromDays', 'FromHours', 'FromMinutes', 'FromSeconds', 'Parse', 'Zero'
    guid = 'NewGuid', 'Empty', 'Parse'
    int = 'MaxValue', 'Parse'
    long = 'MaxValue', 'Parse'
    convert = 'ToString', 'ToInt32', 'ToInt64', 'ToDouble', 'ToDateTime', 'ToBase64String', 'FromBase64String'
}
$reaching = 'PSObject', 'PSBase', 'PSAdapted', 'PSExtended', 'PSTypeNames'

function ConvertTo-Code([object[]]$Nodes) {
    $code = [Collections.Generic.List[string]]::new()
    foreach ($node in $Nodes) { $code.Add((ConvertTo-NodeCode $node $code)) }
    return $code[$code.Count - 1]
}

function ConvertTo-NodeCode($Node, $Code) {
    $kind = $Node[0]
    $parts = @(for ($at = 1; $at -lt $Node.Count; $at++) { , $Node[$at] })
    switch ($kind) {
        'constant' { return ConvertTo-Literal $parts[0] }
        'item' { return '$_' }
        'held' { return "`$held[$(ConvertTo-Literal ([string]$parts[0]))]" }
        'property' {
            Assert-Name ($parts[1] -notin $reaching) $parts[1]
            return "$($Code[$parts[0]]).$(ConvertTo-Literal ([string]$parts[1]))"
        }
        'index' { return "$($Code[$parts[0]])[$($Code[$parts[1]])]" }
        'binary' {
            Assert-Name ($parts[0] -in $operators) $parts[0]
            return "($($Code[$parts[1]]) $($parts[0]) $($Code[$parts[2]]))"
        }
        'unary' {
            Assert-Name ($parts[0] -in $unary) $parts[0]
            return "($($parts[0]) $($Code[$parts[1]]))"
        }
        'cast' {
            Assert-Name ($parts[0] -in $types) $parts[0]
            return "([$($parts[0])] $($Code[$parts[1]]))"
        }
        'call' {
            Assert-Name ($parts[1] -in $plainMethods) $parts[1]
            $given = @($parts | Select-Object -Skip 2 | ForEach-Object { "($($Code[$_]))" }) -join ', '
            return "(Invoke-PlainMethod ($($Code[$parts[0]])) '$($parts[1])' @($given))"
        }
        'static' {
            Assert-Name ($parts[1] -in $staticMembers[[string]$parts[0]]) $parts[1]
            return "[$($parts[0])]::$($parts[1])"
        }
        'static_call' {
            Assert-Name ($parts[1] -in $staticMembers[[string]$parts[0]]) $parts[1]
            $given = @($parts | Select-Object -Skip 2 | ForEach-Object { $Code[$_] }) -join ', '
            return "[$($parts[0])]::$($parts[1])($given)"
        }
        'format' {
            $given = @($parts | Select-Object -Skip 1 | ForEach-Object { "[string]($($Code[$_]))" }) -join ', '
            return "($(ConvertTo-Literal ([string]$parts[0])) -f @($given))"
        }
        'list' { return "@($(@($parts | ForEach-Object { "($($Code[$_]))" }) -join ', '))" }
        'array' { return "@($($Code[$parts[0]]))" }
        'choice' { return "($($Code[$parts[0]]) ? $($Code[$parts[1]]) : $($Code[$parts[2]]))" }
        'block' { return "{ $($Code[$parts[0]]) }" }
        'table' {
            Assert-Name ($parts[0] -in '', 'ordered', 'pscustomobject') $parts[0]
            $pairs = foreach ($pair in $parts | Select-Object -Skip 1) {
                "$(ConvertTo-Literal ([string]$pair[0])) = $($Code[$pair[1]])"
            }
            $made = "@{ $($pairs -join '; ') }"
            return $parts[0] ? "([$($parts[0])] $made)" : $made
        }
    }
    throw "An expression cannot hold a $kind."
}

function Assert-Name([bool]$Allowed, [string]$Name) {
    if (-not $Allowed) { throw "An expression cannot use $Name." }
}

function ConvertTo-Literal($Value) {
    if ($null -eq $Value) { return '$null' }
    if ($Value -is [bool]) { return $Value ? '$true' : '$false' }
    if ($Value -is [string]) {
        return "'" + [Management.Automation.Language.CodeGeneration]::EscapeSingleQuotedStringContent($Value) + "'"
    }
    if ($Value -is [ValueType]) { return '(' + $Value.ToString([cultureinfo]::InvariantCulture) + ')' }
    throw 'A constant is text, a number, true, false or null.'
}

# Methods of plain values alone: those of a service's object may do anything.
function Invoke-PlainMethod($Value, [string]$Name, [object[]]$Given) {
    $isPlain = $Value -is [string] -or $Value -is [ValueType] -or $Value -is [version] -or $Value -is [uri]
    if (-not $isPlain -and ($Name -ne 'ToString' -or $Given.Count)) {
        throw "$Name is called on plain values only, not on a $(if ($null -ne $Value) { $Value.GetType().Name })."
    }
    if ($Name -eq 'ToString' -and -not $isPlain) { return [string]$Value }
    $Value.$Name.Invoke($Given)
}
