# Gives "file:line: rule: text" for every place where a script breaks the house rules.
param([Parameter(ValueFromRemainingArguments)] [string[]] $File)

$approvedVerbs = (Get-Verb).Verb
# Singular words that end in s; those in ss are never a plural.
$singularWords = 'Alias', 'Canvas', 'Dns', 'Status'
$mostCharacters = 120
$aliases = [System.Collections.Generic.HashSet[string]]::new(
    [string[]] (Get-Alias).Name, [System.StringComparer]::OrdinalIgnoreCase)
$followers = 'Else', 'ElseIf', 'Catch', 'Finally'
$opens, $closes, $newLine, $comment, $goesOn = 1..5
$roles = @{
    LCurly = $opens; AtCurly = $opens; LParen = $opens; AtParen = $opens; DollarParen = $opens
    LBracket = $opens; QuestionLBracket = $opens; RCurly = $closes; RParen = $closes
    RBracket = $closes; NewLine = $newLine; EndOfInput = $newLine; Comment = $comment
    LineContinuation = $goesOn
}
foreach ($name in @($roles.Keys)) {
    $roles[[System.Management.Automation.Language.TokenKind] $name] = $roles[$name]
}

# The parts of a tree that have rules; testing the type of every part would take seconds (measured).
class Gatherer : System.Management.Automation.Language.AstVisitor {
    [System.Collections.Generic.List[object]] $Functions = @()
    [System.Collections.Generic.List[object]] $Commands = @()
    [System.Collections.Generic.List[object]] $Catches = @()

    [System.Management.Automation.Language.AstVisitAction] VisitFunctionDefinition(
        [System.Management.Automation.Language.FunctionDefinitionAst] $One
    ) {
        $this.Functions.Add($One)
        return 'Continue'
    }

    [System.Management.Automation.Language.AstVisitAction] VisitCommand(
        [System.Management.Automation.Language.CommandAst] $One
    ) {
        $this.Commands.Add($One)
        return 'Continue'
    }

    [System.Management.Automation.Language.AstVisitAction] VisitCatchClause(
        [System.Management.Automation.Language.CatchClauseAst] $One
    ) {
        $this.Catches.Add($One)
        return 'Continue'
    }
}

function New-Finding($Extent, [string] $Rule, [string] $Text) {
    [pscustomobject]@{ Line = $Extent.StartLineNumber; Rule = $Rule; Text = $Text }
}

# The names that a module exports are part of its interface: its manifest lists them.
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
    $gatherer = [Gatherer]::new()
    $Tree.Visit($gatherer)
    foreach ($one in $gatherer.Functions) { Find-BadName $one $Exported }
    foreach ($one in $gatherer.Commands) { Find-Alias $one }
    foreach ($one in $gatherer.Catches) { Find-EmptyCatch $one $Tokens }
}

# Whether a line may continue after this token.
function Test-Open($Token) {
    if ($Token.Kind -in 'Comma', 'Pipe', 'AndAnd', 'OrOr', 'LineContinuation') { return $true }
    [bool] ($Token.TokenFlags -band 'BinaryOperator, AssignmentOperator')
}

# A line is indented four spaces more than the line with the bracket around it, a closing bracket as
# much as that line, and a continued expression may be indented four more.
function Find-BadIndent($Token, $Before, [int] $Depth, [int] $Wanted) {
    if ($Depth -eq $Wanted + 4 -and $Before -and (Test-Open $Before)) { return }
    New-Finding $Token.Extent 'indent' "$Depth spaces, not $Wanted"
}

# A block opens on the line of the statement that it belongs to; a script block that is a value may
# begin a line.
function Find-LoneBrace($Token, $Before) {
    $isBlock = $Before.Kind -in 'RParen', 'RBracket', 'Identifier', 'Generic' -or
        $Before.TokenFlags -band 'Keyword'
    if ($isBlock) { New-Finding $Token.Extent 'brace' 'opens on a line of its own' }
}

# What follows a block of several lines (else, catch) begins its own line. One loop, with roles as
# numbers, because there are tens of thousands of tokens.
function Find-BadLine($Tokens) {
    $open = [System.Collections.Generic.Stack[object]]::new()
    $open.Push(@(-4, 0))
    $line = $depth = $begun = 0
    $before = $null
    foreach ($token in $Tokens) {
        $role = $roles[$token.Kind]
        if ($role -eq $newLine) { continue }
        $extent = $token.Extent
        $here = $extent.StartLineNumber
        if ($here -gt $line) {
            $depth = $extent.StartColumnNumber - 1
            $wanted = $open.Peek()[0] + ($role -eq $closes ? 0 : 4)
            if ($depth -ne $wanted) { Find-BadIndent $token $before $depth $wanted }
            if ($role -eq $opens -and $token.Kind -eq 'LCurly') { Find-LoneBrace $token $before }
        }
        elseif ($begun -and $begun -lt $here -and $token.Kind -in $followers) {
            New-Finding $extent 'brace' "$($token.Text) follows a block of several lines"
        }
        $line = $role -eq $goesOn ? $here : $extent.EndLineNumber
        if ($role -eq $comment) { continue }
        $before = $token
        $begun = 0
        if ($role -eq $opens) { $open.Push(@($depth, $here)) }
        elseif ($role -eq $closes -and $open.Count -gt 1) { $depth, $begun = $open.Pop() }
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
    Find-BadLine $tokens
    Find-BadText ([System.IO.File]::ReadAllLines($Path))
}

foreach ($one in $File) {
    Find-Finding $one | Sort-Object Line |
        ForEach-Object { "${one}:$($_.Line): $($_.Rule): $($_.Text)" }
}
