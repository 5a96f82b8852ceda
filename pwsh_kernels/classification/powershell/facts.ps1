# The trusted PowerShell of the classification: it parses texts and says what is in them. It never
# runs one. Each line of one pipe is a request, answered by one line on another.
param([int] $Requests, [int] $Answers)
$ErrorActionPreference = 'Stop'
# What a text names must not be loaded for the sake of parsing.
$env:PSModulePath = "$PSHOME/Modules"
$LongestPiece = 200
$written = 'constant', 'text', 'texts', 'block', 'literal'

function Open-Pipe([int] $Number, [IO.FileAccess] $Access) {
    [IO.FileStream]::new("/dev/fd/$Number", [IO.FileMode]::Open, $Access, [IO.FileShare]::ReadWrite)
}

function New-Fact($Ast, [string] $Is) {
    $extent = $Ast.Extent
    $piece = $extent.Text
    @{
        is = $Is
        line = $extent.StartLineNumber
        column = $extent.StartColumnNumber
        start = $extent.StartOffset
        end = $extent.EndOffset
        text = if ($piece.Length -gt $LongestPiece) { $piece.Substring(0, $LongestPiece) } else { $piece }
    }
}

function Get-Sum($Parts) {
    # What holds parts is literal if all of them are; otherwise it is worked out when it runs.
    if (@($Parts).is | Where-Object { $_ -notin $written }) { return @{ is = 'expression' } }
    # A text with parts that are worked out may become any text.
    @{ is = (@($Parts).is -match '^text') ? 'texts' : 'literal' }
}

function Get-StatementValue($Statement) {
    $type = $Statement.GetType().Name
    if ($type -eq 'CommandExpressionAst') { return Get-Value $Statement.Expression }
    if ($type -ne 'PipelineAst' -or $Statement.Background -or $Statement.PipelineElements.Count -ne 1) {
        return @{ is = 'expression' }
    }
    $only = $Statement.PipelineElements[0]
    if ($only.GetType().Name -ne 'CommandExpressionAst') { return @{ is = 'expression' } }
    Get-Value $only.Expression
}

function Get-TableValue($Ast) {
    $keys = @{ }
    $isLiteral = $true
    foreach ($pair in $Ast.KeyValuePairs) {
        $key = Get-Value $pair.Item1
        if ($key.is -ne 'constant') { return @{ is = 'expression' } }
        $value = Get-StatementValue $pair.Item2
        if ($value.is -notin $written) { $isLiteral = $false }
        $keys[[string] $key.value] = $value
    }
    @{ is = $isLiteral ? 'literal' : 'table'; keys = $keys }
}

function Get-VariableValue($Ast) {
    $name = $Ast.VariablePath.UserPath
    if ($name -in 'true', 'false', 'null') { return @{ is = 'constant'; value = "`$$($name.ToLowerInvariant())" } }
    @{ is = 'variable'; name = $name; splatted = $Ast.Splatted }
}

function Get-Value($Ast) {
    switch ($Ast.GetType().Name) {
        'StringConstantExpressionAst' { return @{ is = 'constant'; value = $Ast.Value } }
        'ConstantExpressionAst' { return @{ is = 'constant'; value = [string] $Ast.Value } }
        'ExpandableStringExpressionAst' { return @{ is = 'text'; value = $Ast.Value } }
        'ScriptBlockExpressionAst' { return @{ is = 'block' } }
        'VariableExpressionAst' { return Get-VariableValue $Ast }
        'ParenExpressionAst' { return Get-StatementValue $Ast.Pipeline }
        'ArrayLiteralAst' { return Get-Sum @(foreach ($one in $Ast.Elements) { Get-Value $one }) }
        'ArrayExpressionAst' {
            return Get-Sum @(foreach ($one in $Ast.SubExpression.Statements) { Get-StatementValue $one })
        }
        'HashtableAst' { return Get-TableValue $Ast }
        'ConvertExpressionAst' { return Get-Value $Ast.Child }
        'TypeExpressionAst' { return @{ is = 'type'; name = $Ast.TypeName.FullName } }
        'InvokeMemberExpressionAst' {
            $made = $Ast.Static -and $Ast.Member.Value -eq 'new'
            if ($made) { return @{ is = 'new'; name = $Ast.Expression.TypeName.FullName } }
        }
    }
    @{ is = 'expression' }
}

function Get-Constant($Ast) {
    if ($Ast -is [Management.Automation.Language.StringConstantExpressionAst]) { $Ast.Value }
}

function Get-Argument($Elements) {
    # A value after a parameter is taken for that parameter's; a parameter may be a switch, though.
    $name = $null
    foreach ($element in $Elements) {
        if ($element -isnot [Management.Automation.Language.CommandParameterAst]) {
            @{ name = $name; value = Get-Value $element }
            $name = $null
            continue
        }
        if ($name) { @{ name = $name; value = @{ is = 'none' } } }
        $name = $element.ParameterName
        if ($element.Argument) {
            @{ name = $name; value = Get-Value $element.Argument; attached = $true }
            $name = $null
        }
    }
    if ($name) { @{ name = $name; value = @{ is = 'none' } } }
}

function Get-CommandFact($Ast, $Root) {
    $fact = New-Fact $Ast 'Command'
    $fact.name = Get-Constant $Ast.CommandElements[0]
    $fact.operator = [string] $Ast.InvocationOperator
    $fact.block = $Ast.CommandElements[0] -is [Management.Automation.Language.ScriptBlockExpressionAst]
    $fact.arguments = @(Get-Argument @($Ast.CommandElements | Select-Object -Skip 1))
    $pipeline = $Ast.Parent
    $fact.outermost = $pipeline.Parent -is [Management.Automation.Language.NamedBlockAst] -and
        $pipeline.Parent.Parent -eq $Root
    $fact.pipeline = @($pipeline.Extent.StartOffset, $pipeline.Extent.EndOffset)
    $fact
}

function Get-MemberFact($Ast, [string] $Is) {
    $fact = New-Fact $Ast $Is
    $fact.static = $Ast.Static
    $fact.member = Get-Constant $Ast.Member
    $fact.target = Get-Value $Ast.Expression
    if ($Is -eq 'Call') {
        $fact.arguments = @(foreach ($one in $Ast.Arguments) { @{ name = $null; value = Get-Value $one } })
    }
    $fact
}

function Get-Target($Left) {
    switch ($Left.GetType().Name) {
        'VariableExpressionAst' { return @{ is = 'variable'; name = $Left.VariablePath.UserPath } }
        'ConvertExpressionAst' { return Get-Target $Left.Child }
        'ArrayLiteralAst' { return $Left.Elements | ForEach-Object { Get-Target $_ } }
        'IndexExpressionAst' { return @{ is = 'part'; of = Get-Value $Left.Target } }
        'MemberExpressionAst' {
            $owner = $Left.Static ? @{ is = 'type' } : (Get-Value $Left.Expression)
            return @{ is = 'part'; of = $owner }
        }
    }
    @{ is = 'other' }
}

function Get-AssignmentFact($Ast, $Left, $Value) {
    $targets = @(Get-Target $Left)
    foreach ($target in $targets) {
        $fact = New-Fact $Ast 'Assignment'
        $fact.target = $target
        $fact.value = if ($targets.Count -eq 1) { $Value } else { @{ is = 'expression' } }
        $fact
    }
}

function Get-Fact($Ast, $Root) {
    switch ($Ast.GetType().Name) {
        'CommandAst' { return Get-CommandFact $Ast $Root }
        'InvokeMemberExpressionAst' { return Get-MemberFact $Ast 'Call' }
        'MemberExpressionAst' { return Get-MemberFact $Ast 'Member' }
        'AssignmentStatementAst' {
            $plain = $Ast.Operator -eq 'Equals'
            $value = if ($plain) { Get-StatementValue $Ast.Right } else { @{ is = 'expression' } }
            return Get-AssignmentFact $Ast $Ast.Left $value
        }
        'ForEachStatementAst' {
            New-Fact $Ast 'ForEachStatement'
            return Get-AssignmentFact $Ast $Ast.Variable @{ is = 'expression' }
        }
        'ParameterAst' {
            New-Fact $Ast 'Parameter'
            return Get-AssignmentFact $Ast $Ast.Name @{ is = 'expression' }
        }
        'UnaryExpressionAst' {
            New-Fact $Ast 'UnaryExpression'
            if ([string] $Ast.TokenKind -match 'PlusPlus|MinusMinus') {
                return Get-AssignmentFact $Ast $Ast.Child @{ is = 'expression' }
            }
            return
        }
        'BinaryExpressionAst' {
            $fact = New-Fact $Ast 'BinaryExpression'
            $fact.operator = [string] $Ast.Operator
            $fact.right = Get-Value $Ast.Right
            return $fact
        }
        'FileRedirectionAst' {
            $fact = New-Fact $Ast 'FileRedirection'
            $fact.to = Get-Value $Ast.Location
            return $fact
        }
        'SwitchStatementAst' {
            $reads = $Ast.Flags.HasFlag([Management.Automation.Language.SwitchFlags]::File)
            return New-Fact $Ast ($reads ? 'FileSwitch' : 'SwitchStatement')
        }
        'PipelineAst' { return New-Fact $Ast ($Ast.Background ? 'BackgroundPipeline' : 'Pipeline') }
        'PipelineChainAst' { return New-Fact $Ast ($Ast.Background ? 'BackgroundPipeline' : 'PipelineChain') }
        { $_ -in 'TypeConstraintAst', 'TypeExpressionAst', 'AttributeAst' } {
            $fact = New-Fact $Ast ($_ -eq 'AttributeAst' ? 'Attribute' : 'Type')
            $fact.name = $Ast.TypeName.FullName
            return $fact
        }
        'VariableExpressionAst' {
            $fact = New-Fact $Ast 'Variable'
            $fact.name = $Ast.VariablePath.UserPath
            return $fact
        }
        'StringConstantExpressionAst' {
            $fact = New-Fact $Ast 'String'
            $fact.value = $Ast.Value
            return $fact
        }
        default { return New-Fact $Ast ($_ -replace 'Ast$') }
    }
}

function Get-Pipeline([string] $Text) {
    $tokens = $problems = $null
    $root = [Management.Automation.Language.Parser]::ParseInput($Text, [ref] $tokens, [ref] $problems)
    if ($problems) { return @{ uncarried = @{ code = 'statement' } + (New-Fact $problems[0] 'Uncarried') } }
    Get-Carried $root
}

function Get-Answer([string] $Text) {
    $tokens = $problems = $null
    $root = [Management.Automation.Language.Parser]::ParseInput($Text, [ref] $tokens, [ref] $problems)
    $seen = [Collections.Generic.HashSet[string]]::new()
    $facts = foreach ($ast in $root.FindAll({ $true }, $true)) {
        foreach ($fact in Get-Fact $ast $root) {
            # One of a kind is enough of what has nothing of its own to judge.
            $own = switch ($fact.is) {
                { $_ -in 'Command', 'Call', 'Member', 'Assignment', 'FileRedirection', 'BinaryExpression' } { $null }
                { $_ -in 'Type', 'Attribute', 'Variable' } { "$_ $($fact.name)" }
                'String' { "$_ $($fact.value)" }
                default { $_ }
            }
            if ($null -eq $own -or $seen.Add($own)) { $fact }
        }
    }
    $needs = if ($root.ScriptRequirements) { New-Fact $root 'Requirements' }
    $broken = foreach ($one in $problems) {
        $fact = New-Fact $one 'Problem'
        $fact.message = $one.Message
        $fact
    }
    @{ facts = @(@($facts) + @($needs) + @($broken) -ne $null) }
}

. "$PSScriptRoot/pipelines.ps1"
$asked = [IO.StreamReader]::new((Open-Pipe $Requests Read))
$told = [IO.StreamWriter]::new((Open-Pipe $Answers Write))
$told.AutoFlush = $true
while ($null -ne ($line = $asked.ReadLine())) {
    $answer = try {
        $request = ConvertFrom-Json -InputObject $line
        if ($request.carried) { Get-Pipeline ([string] $request.text) } else { Get-Answer ([string] $request.text) }
    }
    catch {
        @{ error = "$_" }
    }
    $told.WriteLine((ConvertTo-Json -InputObject $answer -Depth 12 -Compress))
}
