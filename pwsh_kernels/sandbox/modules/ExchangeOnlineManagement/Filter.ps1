# The everyday part of Exchange's -Filter language (OPATH): comparisons joined by -and, -or, -not
# and parentheses.

$script:FilterToken = [regex]::new(
    "\s*(?:(?<text>'(?:[^']|'')*'|`"(?:[^`"]|`"`")*`")|(?<paren>[()])" +
    "|(?<operator>-[A-Za-z]+)|(?<word>[^\s()'`"]+))")
$script:Comparisons = @{
    '-eq' = { param($left, $right) $left -eq $right }
    '-ne' = { param($left, $right) $left -ne $right }
    '-like' = { param($left, $right) $left -like $right }
    '-notlike' = { param($left, $right) $left -notlike $right }
    '-gt' = { param($left, $right) $left -gt $right }
    '-ge' = { param($left, $right) $left -ge $right }
    '-lt' = { param($left, $right) $left -lt $right }
    '-le' = { param($left, $right) $left -le $right }
}

function ConvertTo-Filter {
    # Returns a tree of @{ Kind; ... } for Test-Filter. Throws an ArgumentException worded like the
    # real binder's.
    param([string] $Text, [string[]] $Known)
    $state = @{ Text = $Text; Tokens = @(Get-FilterToken $Text); Next = 0; Known = $Known }
    $tree = Read-FilterOr $state
    if ($state.Next -lt $state.Tokens.Count) {
        Stop-Filter $state "`"$($state.Tokens[$state.Next])`" was not expected"
    }
    $tree
}

function Get-FilterToken {
    param([string] $Text)
    $position = 0
    while ($position -lt $Text.TrimEnd().Length) {
        $match = $script:FilterToken.Match($Text, $position)
        if (-not $match.Success -or $match.Index -ne $position) {
            Stop-Filter @{ Text = $Text } 'a quotation mark is not closed'
        }
        $match.Value.Trim()
        $position += $match.Length
    }
}

function Stop-Filter {
    param([hashtable] $State, [string] $Problem)
    throw [System.ArgumentException]::new(
        "Cannot bind parameter 'Filter' to the target. Exception setting `"Filter`": `"Invalid " +
        "filter syntax. $Problem.`n`"$($State.Text)`"`"")
}

function Read-FilterOr {
    param([hashtable] $State)
    $left = Read-FilterAnd $State
    while ($State.Tokens[$State.Next] -eq '-or') {
        $State.Next++
        $left = @{ Kind = 'or'; Left = $left; Right = Read-FilterAnd $State }
    }
    $left
}

function Read-FilterAnd {
    param([hashtable] $State)
    $left = Read-FilterTerm $State
    while ($State.Tokens[$State.Next] -eq '-and') {
        $State.Next++
        $left = @{ Kind = 'and'; Left = $left; Right = Read-FilterTerm $State }
    }
    $left
}

function Read-FilterTerm {
    param([hashtable] $State)
    $token = $State.Tokens[$State.Next++]
    if ($token -eq '-not') { return @{ Kind = 'not'; Left = Read-FilterTerm $State } }
    if ($token -eq '(') {
        $inner = Read-FilterOr $State
        if ($State.Tokens[$State.Next++] -ne ')') {
            Stop-Filter $State 'a parenthesis is not closed'
        }
        return $inner
    }
    if ($token -notmatch '^[A-Za-z]\w*$') { Stop-Filter $State "`"$token`" is not a property" }
    if ($State.Known -notcontains $token) {
        throw [System.ArgumentException]::new("Cannot bind parameter 'Filter' to the target. " +
            "Exception setting `"Filter`": `"`"$token`" is not a recognized " +
            "filterable property. For a complete list of filterable properties see the command " +
            "help.`n`"$($State.Text)`"`"")
    }
    $operator = $State.Tokens[$State.Next++]
    if (-not $operator -or -not $script:Comparisons.ContainsKey($operator)) {
        Stop-Filter $State "`"$operator`" is not an operator"
    }
    $value = $State.Tokens[$State.Next++]
    if ($null -eq $value -or $value -match '^[-()]') {
        Stop-Filter $State "a value must follow $operator"
    }
    @{
        Kind = 'compare'
        Property = $token
        Compare = $script:Comparisons[$operator]
        Value = Read-FilterValue $value
    }
}

function Read-FilterValue {
    param([string] $Token)
    if ($Token -match "^(['`"])(.*)\1$") {
        return $Matches[2].Replace($Matches[1] * 2, $Matches[1])
    }
    switch ($Token) { '$true' { return $true } '$false' { return $false } '$null' { return $null } }
    $Token
}

function Test-Filter {
    param([hashtable] $Tree, [System.Collections.IDictionary] $Properties)
    switch ($Tree.Kind) {
        'or' {
            return (Test-Filter $Tree.Left $Properties) -or (Test-Filter $Tree.Right $Properties)
        }
        'and' {
            return (Test-Filter $Tree.Left $Properties) -and (Test-Filter $Tree.Right $Properties)
        }
        'not' { return -not (Test-Filter $Tree.Left $Properties) }
    }
    $left = $Properties[$Tree.Property]
    $right = $Tree.Value
    if ($left -is [bool] -and $right -is [string]) { $right = $right -eq 'true' }
    # A list matches if one of its values does; an empty string counts as no value, as in the
    # directory.
    $values = if ($left -is [array]) {
        $left
    }
    elseif ('' -eq $left -and $left -is [string]) {
        , $null
    }
    else {
        , $left
    }
    foreach ($one in $values) { if (& $Tree.Compare $one $right) { return $true } }
    $false
}
