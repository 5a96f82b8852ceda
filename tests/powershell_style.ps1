# Gives "file:line: rule: text" for every place where a script breaks the house rules.
param([Parameter(ValueFromRemainingArguments)] [string[]] $File)

$approvedVerbs = (Get-Verb).Verb
# Singular words that end in s; those in ss are never a plural.
$singularWords = 'Alias', 'Canvas', 'Dns', 'Status'
$mostCharacters = 120
$openers = 'LCurly', 'AtCurly', 'LParen', 'AtParen', 'DollarParen', 'LBracket', 'QuestionLBracket'
$closers = 'RCurly', 'RParen', 'RBracket'
$spacing = 'NewLine', 'LineContinuation', 'Comment', 'EndOfInput'

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

function Find-BadName($Tree, [string[]] $Exported) {
    $kind = [System.Management.Automation.Language.FunctionDefinitionAst]
    $method = [System.Management.Automation.Language.FunctionMemberAst]
    foreach ($one in $Tree.FindAll({ $args[0] -is $kind }, $true)) {
        if ($one.Parent -is $method -or $one.Name -in $Exported) { continue }
        $verb, $noun = $one.Name -split '-', 2
        if ($verb -cnotin $approvedVerbs) { New-Finding $one.Extent 'verb' $one.Name }
        $word = [regex]::Match("$noun", '[A-Z][a-z0-9]*$').Value
        if ($word -clike '*s' -and $word -cnotlike '*ss' -and $word -cnotin $singularWords) {
            New-Finding $one.Extent 'noun' $one.Name
        }
    }
}

function Find-Alias($Tree) {
    $kind = [System.Management.Automation.Language.CommandAst]
    foreach ($one in $Tree.FindAll({ $args[0] -is $kind }, $true)) {
        $name = $one.GetCommandName()
        if ($name -and (Test-Path -LiteralPath "alias:$name")) {
            New-Finding $one.Extent 'alias' $name
        }
    }
}

function Find-EmptyCatch($Tree, $Tokens) {
    $kind = [System.Management.Automation.Language.CatchClauseAst]
    foreach ($one in $Tree.FindAll({ $args[0] -is $kind }, $true)) {
        if ($one.Body.Statements.Count) { continue }
        $from, $to = $one.Body.Extent.StartOffset, $one.Body.Extent.EndOffset
        $said = $Tokens.Where({
            $_.Kind -eq 'Comment' -and $_.Extent.StartOffset -gt $from -and
                $_.Extent.EndOffset -lt $to
        })
        if (-not $said) { New-Finding $one.Extent 'empty catch' 'neither a statement nor a reason' }
    }
}

# Whether a line may go on after this token.
function Test-Open($Token) {
    if ($Token.Kind -in 'Comma', 'Pipe', 'AndAnd', 'OrOr', 'LineContinuation') { return $true }
    [bool] ($Token.TokenFlags -band 'BinaryOperator, AssignmentOperator')
}

# A brace that opens a block stands on the line of what it belongs to; a script block that is a
# value may begin a line.
function Test-BraceAlone($Token, $Before) {
    if ($Token.Kind -ne 'LCurly' -or -not $Before) { return $false }
    if ($Before.Kind -in 'RParen', 'RBracket', 'Identifier', 'Generic') { return $true }
    [bool] ($Before.TokenFlags -band 'Keyword')
}

# Each line stands four spaces deeper than the line of the bracket that it is in, a closing bracket
# as deep as its line, and a line that goes on with an expression may stand four deeper.
function Find-BadLine($Tokens) {
    $open = [System.Collections.Generic.Stack[int]]::new()
    $line = $depth = 0
    $before = $null
    foreach ($token in $Tokens) {
        $kind = $token.Kind.ToString()
        $first = $token.Extent.StartLineNumber -gt $line
        if ($first -and $kind -notin 'NewLine', 'EndOfInput') {
            $depth = $token.Extent.StartColumnNumber - 1
            $wanted = if (-not $open.Count) {
                0
            }
            else {
                $open.Peek() + ($kind -in $closers ? 0 : 4)
            }
            $goesOn = $before -and (Test-Open $before)
            if ($depth -ne $wanted -and -not ($goesOn -and $depth -eq $wanted + 4)) {
                New-Finding $token.Extent 'indent' "$depth spaces, not $wanted"
            }
            if (Test-BraceAlone $token $before) {
                New-Finding $token.Extent 'brace' 'opens on a line of its own'
            }
        }
        if ($kind -in $openers) { $open.Push($depth) }
        if ($kind -in $closers -and $open.Count) { $depth = $open.Pop() }
        $line = $token.Extent.EndLineNumber
        if ($kind -in 'NewLine', 'LineContinuation') { $line = $token.Extent.StartLineNumber }
        if ($kind -notin $spacing -or $kind -eq 'LineContinuation') { $before = $token }
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
    Find-BadName $tree (Get-ExportedName $Path)
    Find-Alias $tree
    Find-EmptyCatch $tree $tokens
    Find-BadLine $tokens
    Find-BadText ([System.IO.File]::ReadAllLines($Path))
}

foreach ($one in $File) {
    Find-Finding $one | Sort-Object Line |
        ForEach-Object { "${one}:$($_.Line): $($_.Rule): $($_.Text)" }
}
