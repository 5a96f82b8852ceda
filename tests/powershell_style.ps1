# Gives "file:line: rule: text" for every place where a script breaks the house rules.
param([Parameter(ValueFromRemainingArguments)] [string[]] $File)

$approvedVerbs = (Get-Verb).Verb
# Singular words that end in s; those in ss are never a plural.
$singularWords = 'Alias', 'Canvas', 'Dns', 'Status'
$mostCharacters = 120
$openers = 'LCurly', 'AtCurly', 'LParen', 'AtParen', 'DollarParen', 'LBracket', 'QuestionLBracket'
$closers = 'RCurly', 'RParen', 'RBracket'
$kinds = 'FunctionDefinitionAst', 'CommandAst', 'CatchClauseAst'
$aliases = [System.Collections.Generic.HashSet[string]]::new(
    [string[]] (Get-Alias).Name, [System.StringComparer]::OrdinalIgnoreCase)
$followers = 'Else', 'ElseIf', 'Catch', 'Finally'

function New-Finding($Extent, [string] $Rule, [string] $Text) {
    [pscustomobject]@{ Line = $Extent.StartLineNumber; Rule = $Rule; Text = $Text }
}

# The names that a module gives away belong to whoever calls it: its manifest says which.
function Get-ExportedName([string] $Path) {
    $folder = Split-Path $Path
    $manifest = Join-Path $folder "$(Split-Path $folder -Leaf).psd1"
    if (-not (Test-Path -LiteralPath $manifest)) { return }
    $facts = Import-PowerShellDataFile -LiteralPath $manifest
    $facts.FunctionsToExport
    $facts.AliasesToExport
}

function Find-BadName($Function, [string[]] $Exported) {
    $method = [System.Management.Automation.Language.FunctionMemberAst]
    if ($Function.Parent -is $method -or $Function.Name -in $Exported) { return }
    $verb, $noun = $Function.Name -split '-', 2
    if ($verb -cnotin $approvedVerbs) { New-Finding $Function.Extent 'verb' $Function.Name }
    $word = [regex]::Match("$noun", '[A-Z][a-z0-9]*$').Value
    if ($word -clike '*s' -and $word -cnotlike '*ss' -and $word -cnotin $singularWords) {
        New-Finding $Function.Extent 'noun' $Function.Name
    }
}

function Find-Alias($Command) {
    $name = $Command.GetCommandName()
    if ($name -and $aliases.Contains($name)) { New-Finding $Command.Extent 'alias' $name }
}

function Find-EmptyCatch($Clause, $Tokens) {
    if ($Clause.Body.Statements.Count) { return }
    $from, $to = $Clause.Body.Extent.StartOffset, $Clause.Body.Extent.EndOffset
    $said = $Tokens.Where({
        $_.Kind -eq 'Comment' -and $_.Extent.StartOffset -gt $from -and $_.Extent.EndOffset -lt $to
    })
    if (-not $said) { New-Finding $Clause.Extent 'empty catch' 'neither a statement nor a reason' }
}

function Find-BadNode($Tree, $Tokens, [string[]] $Exported) {
    $nodes = $Tree.FindAll({ $args[0].GetType().Name -in $kinds }, $true)
    foreach ($one in $nodes) {
        switch ($one.GetType().Name) {
            'FunctionDefinitionAst' { Find-BadName $one $Exported }
            'CommandAst' { Find-Alias $one }
            'CatchClauseAst' { Find-EmptyCatch $one $Tokens }
        }
    }
}

# Whether a line may go on after this token.
function Test-Open($Token) {
    if ($Token.Kind -in 'Comma', 'Pipe', 'AndAnd', 'OrOr', 'LineContinuation') { return $true }
    [bool] ($Token.TokenFlags -band 'BinaryOperator, AssignmentOperator')
}

# Each line stands four spaces deeper than the line of the bracket that it is in, a closing bracket
# as deep as its line, and a line that goes on with an expression may stand four deeper.
function Find-BadIndent($Tokens) {
    $open = [System.Collections.Generic.Stack[int]]::new()
    $line = $depth = 0
    $before = $null
    foreach ($token in $Tokens) {
        $kind = $token.Kind.ToString()
        if ($token.Extent.StartLineNumber -gt $line -and $kind -notin 'NewLine', 'EndOfInput') {
            $depth = $token.Extent.StartColumnNumber - 1
            $wanted = $open.Count ? $open.Peek() + ($kind -in $closers ? 0 : 4) : 0
            $further = $before -and (Test-Open $before) ? $wanted + 4 : $wanted
            if ($depth -notin $wanted, $further) {
                New-Finding $token.Extent 'indent' "$depth spaces, not $wanted"
            }
        }
        if ($kind -in $openers) { $open.Push($depth) }
        if ($kind -in $closers -and $open.Count) { $depth = $open.Pop() }
        $ends = $kind -in 'NewLine', 'LineContinuation'
        $line = $ends ? $token.Extent.StartLineNumber : $token.Extent.EndLineNumber
        if ($kind -notin 'NewLine', 'Comment') { $before = $token }
    }
}

# Whether a block begins with this brace; a script block that is a value may begin a line.
function Test-BlockStart($Token, $Before) {
    if ($Token.Kind -ne 'LCurly' -or -not $Before) { return $false }
    if ($Before.Kind -in 'RParen', 'RBracket', 'Identifier', 'Generic') { return $true }
    [bool] ($Before.TokenFlags -band 'Keyword')
}

# A block opens on the line of what it belongs to; what follows one of several lines (else, catch)
# begins a line of its own.
function Find-BadBrace($Tokens) {
    $open = [System.Collections.Generic.Stack[int]]::new()
    $begun = 0
    $before = $null
    foreach ($token in $Tokens) {
        $kind = $token.Kind.ToString()
        if ($kind -in 'NewLine', 'Comment') { continue }
        $line = $token.Extent.StartLineNumber
        $same = $before -and $before.Extent.EndLineNumber -eq $line
        if (-not $same -and (Test-BlockStart $token $before)) {
            New-Finding $token.Extent 'brace' 'opens on a line of its own'
        }
        if ($same -and $before.Kind -eq 'RCurly' -and $kind -in $followers -and $begun -lt $line) {
            New-Finding $token.Extent 'brace' "$($token.Text) follows a block of several lines"
        }
        if ($kind -in $openers) { $open.Push($line) }
        if ($kind -in $closers -and $open.Count) { $begun = $open.Pop() }
        $before = $token
    }
}

function Find-BadText([string[]] $Lines) {
    for ($at = 0; $at -lt $Lines.Count; $at++) {
        $place = @{ StartLineNumber = $at + 1 }
        $text = $Lines[$at]
        if ($text.Contains("`t")) { New-Finding $place 'tab' 'a tab' }
        if ($text -match '\s$') { New-Finding $place 'trailing space' 'spaces at the end' }
        if ($text.Length -gt $mostCharacters) {
            New-Finding $place 'length' "$($text.Length) characters"
        }
    }
}

function Find-Finding([string] $Path) {
    $tokens = $mistakes = $null
    $tree = [System.Management.Automation.Language.Parser]::ParseFile(
        $Path, [ref] $tokens, [ref] $mistakes)
    foreach ($one in $mistakes) { New-Finding $one.Extent 'syntax' $one.Message }
    Find-BadNode $tree $tokens (Get-ExportedName $Path)
    Find-BadIndent $tokens
    Find-BadBrace $tokens
    Find-BadText ([System.IO.File]::ReadAllLines($Path))
}

foreach ($one in $File) {
    Find-Finding $one | Sort-Object Line |
        ForEach-Object { "${one}:$($_.Line): $($_.Rule): $($_.Text)" }
}
