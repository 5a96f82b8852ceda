# The everyday part of Graph's $filter language (OData); the -eq, -and ... of the Teams cmdlets mean
# the same.

$script:FilterToken = [regex]::new(
    "\s*(?:(?<text>'(?:[^']|'')*'|`"(?:[^`"]|`"`")*`")|(?<mark>[(),])|(?<word>[^\s()'`",]+))")
$script:Comparisons = @('eq', 'ne', 'gt', 'ge', 'lt', 'le', 'like', 'notlike')
$script:Calls = @('startswith', 'endswith', 'contains')

function ConvertTo-Filter {
    # A tree of @{ Kind; ... } for Test-Filter. -Known are the properties; -Advanced allows costly
    # operators.
    param([string] $Text, [string] $Type, [string[]] $Known, [bool] $Advanced)
    $state = @{
        Tokens = @(Get-FilterToken $Text)
        Next = 0
        Type = $Type
        Known = $Known
        Advanced = $Advanced
    }
    $tree = Read-FilterOr $state
    if ($state.Next -lt $state.Tokens.Count) {
        Stop-Filter "Syntax error at '$($state.Tokens[$state.Next])'."
    }
    $tree
}

function Get-FilterToken {
    param([string] $Text)
    $position = 0
    while ($position -lt $Text.TrimEnd().Length) {
        $match = $script:FilterToken.Match($Text, $position)
        if (-not $match.Success -or $match.Index -ne $position) {
            Stop-Filter 'There is an unterminated string literal.'
        }
        $match.Value.Trim()
        $position += $match.Length
    }
}

function Stop-Filter {
    param([string] $Problem)
    Stop-GraphRequest 400 'BadRequest' "Invalid filter clause: $Problem"
}

function Read-FilterWord {
    # The next token, without the dash that the Teams cmdlets put before operators; or nothing.
    param([hashtable] $State)
    ([string] $State.Tokens[$State.Next]).TrimStart('-').ToLowerInvariant()
}

function Read-FilterOr {
    param([hashtable] $State)
    $left = Read-FilterAnd $State
    while ((Read-FilterWord $State) -eq 'or') {
        $State.Next++
        $left = @{ Kind = 'or'; Left = $left; Right = Read-FilterAnd $State }
    }
    $left
}

function Read-FilterAnd {
    param([hashtable] $State)
    $left = Read-FilterTerm $State
    while ((Read-FilterWord $State) -eq 'and') {
        $State.Next++
        $left = @{ Kind = 'and'; Left = $left; Right = Read-FilterTerm $State }
    }
    $left
}

function Read-FilterTerm {
    param([hashtable] $State)
    $word = Read-FilterWord $State
    if ($word -eq 'not') {
        Assert-Advanced $State 'not'
        $State.Next++
        return @{ Kind = 'not'; Left = Read-FilterTerm $State }
    }
    if ($word -eq '(') {
        $State.Next++
        $inner = Read-FilterOr $State
        Skip-Mark $State ')'
        return $inner
    }
    if ($script:Calls -contains $word) { return Read-FilterCall $State }
    if ($word.EndsWith('/any')) { return Read-FilterAny $State }
    Read-FilterComparison $State
}

function Assert-Advanced {
    param([hashtable] $State, [string] $Operator)
    if ($State.Advanced) { return }
    Stop-GraphRequest 400 'Request_UnsupportedQuery' ("Operator '$Operator' is not supported " +
        "because the required parameters might be missing. Try adding " +
        '$count=true query parameter and ConsistencyLevel:eventual header. Refer to ' +
        'https://aka.ms/graph-docs/advanced-queries for more information')
}

function Skip-Mark {
    param([hashtable] $State, [string] $Mark)
    $found = $State.Tokens[$State.Next++]
    if ($found -ne $Mark) { Stop-Filter "Syntax error: '$Mark' expected, '$found' found." }
}

function Read-Property {
    param([hashtable] $State)
    $name = $State.Tokens[$State.Next++]
    if ($State.Known -notcontains $name) {
        Stop-Filter ("Could not find a property named '$name' on type " +
            "'microsoft.graph.$($State.Type)'.")
    }
    $name
}

function Read-FilterCall {
    param([hashtable] $State)
    $call = $State.Tokens[$State.Next++].ToLowerInvariant()
    if ($call -ne 'startswith') { Assert-Advanced $State $call }
    Skip-Mark $State '('
    $property = Read-Property $State
    Skip-Mark $State ','
    $tree = @{
        Kind = 'compare'
        Property = $property
        Operator = $call
        Value = Read-FilterValue $State
    }
    Skip-Mark $State ')'
    $tree
}

function Read-FilterAny {
    # groupTypes/any(c:c eq 'Unified')
    param([hashtable] $State)
    $State.Tokens[$State.Next] = $State.Tokens[$State.Next] -replace '/any$', ''
    $property = Read-Property $State
    Skip-Mark $State '('
    if ($State.Tokens[$State.Next++].EndsWith(':')) { $State.Next++ }
    $tree = @{
        Kind = 'compare'
        Property = $property
        Operator = Read-Operator $State
        Value = Read-FilterValue $State
    }
    Skip-Mark $State ')'
    $tree
}

function Read-FilterComparison {
    param([hashtable] $State)
    $property = Read-Property $State
    if ((Read-FilterWord $State) -eq 'in') {
        $State.Next++
        return @{
            Kind = 'compare'
            Property = $property
            Operator = 'in'
            Value = @(Read-FilterList $State)
        }
    }
    @{
        Kind = 'compare'
        Property = $property
        Operator = Read-Operator $State
        Value = Read-FilterValue $State
    }
}

function Read-Operator {
    param([hashtable] $State)
    $operator = Read-FilterWord $State
    if ($script:Comparisons -notcontains $operator) {
        Stop-Filter "'$operator' is not an operator."
    }
    if ($operator -eq 'ne') { Assert-Advanced $State 'ne' }
    $State.Next++
    $operator
}

function Read-FilterList {
    param([hashtable] $State)
    Skip-Mark $State '('
    Read-FilterValue $State
    while ($State.Tokens[$State.Next] -eq ',') { $State.Next++; Read-FilterValue $State }
    Skip-Mark $State ')'
}

function Read-FilterValue {
    param([hashtable] $State)
    $token = $State.Tokens[$State.Next++]
    if ($null -eq $token -or $token -match '^[(),]$') {
        Stop-Filter 'Syntax error: a value is missing.'
    }
    if ($token -match "^(['`"])(.*)\1$") {
        return $Matches[2].Replace($Matches[1] * 2, $Matches[1])
    }
    switch ($token.TrimStart('$')) {
        'true' { return $true }
        'false' { return $false }
        'null' { return $null }
    }
    $token
}

function Test-Filter {
    param([hashtable] $Tree, [hashtable] $Resource)
    switch ($Tree.Kind) {
        'or' { return (Test-Filter $Tree.Left $Resource) -or (Test-Filter $Tree.Right $Resource) }
        'and' { return (Test-Filter $Tree.Left $Resource) -and (Test-Filter $Tree.Right $Resource) }
        'not' { return -not (Test-Filter $Tree.Left $Resource) }
    }
    $left = $Resource[$Tree.Property]
    if ($left -isnot [array]) { return Test-Comparison $left $Tree.Operator $Tree.Value }
    foreach ($one in $left) {
        if (Test-Comparison $one $Tree.Operator $Tree.Value) { return $true }
    }
    $false
}

function Test-Comparison {
    param([object] $Left, [string] $Operator, [object] $Right)
    if ($Left -is [datetime] -and $Right -is [string]) {
        $Right = [datetimeoffset]::Parse($Right, [cultureinfo]::InvariantCulture).UtcDateTime
    }
    if ($Left -is [bool] -and $Right -is [string]) { $Right = $Right -eq 'true' }
    switch ($Operator) {
        'eq' { return $Left -eq $Right }
        'ne' { return $Left -ne $Right }
        'gt' { return $Left -gt $Right }
        'ge' { return $Left -ge $Right }
        'lt' { return $Left -lt $Right }
        'le' { return $Left -le $Right }
        'in' { return $Right -contains $Left }
        'like' { return $Left -like $Right }
        'notlike' { return $Left -notlike $Right }
        'startswith' { return "$Left".StartsWith("$Right", 'OrdinalIgnoreCase') }
        'endswith' { return "$Left".EndsWith("$Right", 'OrdinalIgnoreCase') }
        'contains' { return "$Left".Contains("$Right", 'OrdinalIgnoreCase') }
    }
}
