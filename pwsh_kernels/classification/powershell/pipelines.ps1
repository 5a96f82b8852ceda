# A text as a description of its commands and their parameters, or the piece that cannot be described.
# Nothing here runs a text. An expression is a list of nodes, each made of earlier ones by number.
$writtenOperators = @{ Exclaim = '!'; Not = '-not'; Minus = '-'; Plus = '+'; Join = '-join'; Isplit = '-split'
    Csplit = '-csplit'; Comma = ',' }

class Uncarried : Exception {
    [object] $Ast
    [string] $Code
    Uncarried([object] $ast, [string] $code) : base($code) { $this.Ast = $ast; $this.Code = $code }
}

function Deny($Ast, [string] $Code) { throw [Uncarried]::new($Ast, $Code) }

# The state of one text: its steps so far, and the names that they hold.
function New-Carrying {
    @{ Steps = [Collections.Generic.List[object]]::new(); Names = @{}; Tables = @{}; Count = 0; Item = '' }
}

function Add-Node($Nodes, [object[]] $Node) {
    $Nodes.Add($Node)
    $Nodes.Count - 1
}

function Get-Step($Statement, $Carrying) {
    $into = ''
    $table = $null
    if ($Statement -is [Management.Automation.Language.AssignmentStatementAst]) {
        $left = $Statement.Left
        if ($left -isnot [Management.Automation.Language.VariableExpressionAst] -or
                $Statement.Operator -ne 'Equals' -or -not $left.VariablePath.IsUnqualified) {
            Deny $Statement 'assignment'
        }
        $into = $left.VariablePath.UserPath.ToLowerInvariant()
        $Statement = $Statement.Right
        $isTable = $Statement -is [Management.Automation.Language.CommandExpressionAst] -and
            $Statement.Expression -is [Management.Automation.Language.HashtableAst]
        if ($isTable) { $table = $Statement.Expression }
    }
    $calls = Get-StatementCall $Statement $Carrying
    if ($into) {
        $Carrying.Names[$into] = $true
        $Carrying.Tables[$into] = $table
    }
    $Carrying.Steps.Add(@{ into = $into; calls = @($calls) })
}

function Get-StatementCall($Statement, $Carrying) {
    if ($Statement -is [Management.Automation.Language.CommandExpressionAst]) {
        return , @(Get-ExpressionCall $Statement $Carrying)
    }
    if ($Statement -is [Management.Automation.Language.ForEachStatementAst]) {
        return Get-ForEachCall $Statement $Carrying
    }
    if ($Statement -isnot [Management.Automation.Language.PipelineAst] -or $Statement.Background) {
        Deny $Statement 'statement'
    }
    $calls = [Collections.Generic.List[object]]::new()
    foreach ($element in $Statement.PipelineElements) {
        $isCommand = $element -is [Management.Automation.Language.CommandAst]
        $inner = if ($isCommand -and $calls.Count) { Get-InnerPipeline $element }
        if ($inner) {
            $all = Add-Held $calls.ToArray() $Carrying
            $given = Add-ForEach $all '_' $inner $Carrying
            $calls.Clear()
            $calls.Add(@{ nodes = @(, @('held', $given)) })
        }
        elseif ($isCommand) { $calls.Add((Get-CommandCall $element $Carrying)) }
        else { $calls.Add((Get-ExpressionCall $element $Carrying)) }
    }
    return , $calls.ToArray()
}

# Adds a step whose result a later one reads; returns its name.
function Add-Held($Calls, $Carrying, $More = @{}) {
    $Carrying.Count++
    $name = "#$($Carrying.Count)"
    $Carrying.Steps.Add(@{ into = $name; calls = @($Calls) } + $More)
    $name
}

# The pipeline in the only block of ForEach-Object, if it has commands in it.
function Get-InnerPipeline($Ast) {
    $elements = $Ast.CommandElements
    if ((Get-Constant $elements[0]) -notin '%', 'foreach', 'ForEach-Object' -or $elements.Count -ne 2) { return }
    $block = $elements[1]
    if ($block -isnot [Management.Automation.Language.ScriptBlockExpressionAst]) { return }
    $block = $block.ScriptBlock
    if ($block.ParamBlock -or $block.BeginBlock -or $block.ProcessBlock -or -not $block.EndBlock) { return }
    Get-OnlyPipeline $block.EndBlock.Statements
}

function Get-OnlyPipeline($Statements) {
    $isOne = @($Statements).Count -eq 1 -and $Statements[0] -is [Management.Automation.Language.PipelineAst]
    if (-not $isOne) { return }
    if ($Statements[0].PipelineElements[0] -is [Management.Automation.Language.CommandAst]) { $Statements[0] }
}

# A pipeline that runs once for each object: its arguments are worked out from the object.
function Add-ForEach([string] $All, [string] $Variable, $Pipeline, $Carrying) {
    if ($Carrying.Item) { Deny $Pipeline 'for_each' }
    $Carrying.Item = $Variable
    $calls = Get-StatementCall $Pipeline $Carrying
    $Carrying.Item = ''
    Add-Held $calls $Carrying @{ each = $All }
}

function Get-ForEachCall($Ast, $Carrying) {
    $inner = Get-OnlyPipeline $Ast.Body.Statements
    if (-not $inner -or $Ast.Flags -or $Carrying.Item -or $Ast.Label) { Deny $Ast 'statement' }
    $all = Add-Held (Get-StatementCall $Ast.Condition $Carrying) $Carrying
    $given = Add-ForEach $all $Ast.Variable.VariablePath.UserPath.ToLowerInvariant() $inner $Carrying
    , @(, @{ nodes = @(, @('held', $given)) })
}

function Get-ExpressionCall($Ast, $Carrying) {
    if ($Ast.Redirections.Count) { Deny $Ast 'redirection' }
    $nodes = [Collections.Generic.List[object]]::new()
    $null = Add-Expression $Ast.Expression $nodes $Carrying $false
    @{ nodes = $nodes.ToArray() }
}

function Get-CommandCall($Ast, $Carrying) {
    if ($Ast.Redirections.Count) { Deny $Ast.Redirections[0] 'redirection' }
    $name = Get-Constant $Ast.CommandElements[0]
    if (-not $name -or $Ast.InvocationOperator -ne 'Unknown') { Deny $Ast 'command' }
    $call = New-Fact $Ast 'Call'
    $call.command = $name
    $call.arguments = @(foreach ($element in $Ast.CommandElements | Select-Object -Skip 1) {
        if ($element -is [Management.Automation.Language.CommandParameterAst]) {
            $hasValue = $null -ne $element.Argument
            @{ name = "-$($element.ParameterName)$($hasValue ? ':' : '')" }
            if ($hasValue) { Get-ArgumentValue $element.Argument $Carrying }
        }
        elseif ($element.Splatted) { Get-SplatArgument $element $Carrying }
        else { Get-ArgumentValue $element $Carrying }
    })
    $call
}

# The pairs of a table that stands in the text, as parameters.
function Get-SplatArgument($Ast, $Carrying) {
    $table = $Carrying.Tables[$Ast.VariablePath.UserPath.ToLowerInvariant()]
    if (-not $table) { Deny $Ast 'variable' }
    foreach ($pair in $table.KeyValuePairs) {
        $name = Get-Constant $pair.Item1
        if ($null -eq $name) { Deny $pair.Item1 'expression' }
        $nodes = [Collections.Generic.List[object]]::new()
        $null = Add-Statement $pair.Item2 $nodes $Carrying $false
        @{ name = "-${name}:" }
        @{ nodes = $nodes.ToArray() }
    }
}

function Get-ArgumentValue($Ast, $Carrying) {
    $nodes = [Collections.Generic.List[object]]::new()
    $null = Add-Expression $Ast $nodes $Carrying $false
    @{ nodes = $nodes.ToArray() }
}

function Add-EachExpression($Asts, $Nodes, $Carrying, [bool] $InBlock) {
    foreach ($one in $Asts) { Add-Expression $one $Nodes $Carrying $InBlock }
}

# Adds the nodes of an expression; returns the number of the last.
function Add-Expression($Ast, $Nodes, $Carrying, [bool] $InBlock) {
    $given = @{ Nodes = $Nodes; Carrying = $Carrying; InBlock = $InBlock }
    $node = switch ($Ast.GetType().Name) {
        'StringConstantExpressionAst' { , @('constant', $Ast.Value) }
        'ConstantExpressionAst' { , @('constant', (Get-Number $Ast)) }
        'ExpandableStringExpressionAst' { , @(Get-Format $Ast @given) }
        'VariableExpressionAst' { , @(Get-VariableNode $Ast $Carrying $InBlock) }
        'ParenExpressionAst' { return Add-Statement $Ast.Pipeline @given }
        'SubExpressionAst' {
            if ($Ast.SubExpression.Statements.Count -ne 1) { Deny $Ast 'statement' }
            return Add-Statement $Ast.SubExpression.Statements[0] @given
        }
        'ArrayLiteralAst' { , (@('list') + @(Add-EachExpression $Ast.Elements @given)) }
        'ArrayExpressionAst' { , @(Get-Array $Ast @given) }
        'HashtableAst' { , @(Get-Table $Ast '' @given) }
        'ScriptBlockExpressionAst' { , @('block', (Add-Block $Ast.ScriptBlock $Nodes $Carrying)) }
        'ConvertExpressionAst' { , @(Get-Cast $Ast @given) }
        'MemberExpressionAst' { , @(Get-Property $Ast @given) }
        'InvokeMemberExpressionAst' { , @(Get-MethodCall $Ast @given) }
        'IndexExpressionAst' {
            $target = Add-Expression $Ast.Target @given
            , @('index', $target, (Add-Expression $Ast.Index @given))
        }
        'BinaryExpressionAst' {
            if ($Ast.Operator -in 'As', 'Is', 'IsNot') { Deny $Ast 'expression' }
            $left = Add-Expression $Ast.Left @given
            $written = $Ast.ErrorPosition.Text.ToLowerInvariant() -replace '^[\u2013\u2014\u2015]', '-'
            , @('binary', $written, $left, (Add-Expression $Ast.Right @given))
        }
        'UnaryExpressionAst' {
            $written = $writtenOperators[[string] $Ast.TokenKind]
            if (-not $written) { Deny $Ast 'expression' }
            , @('unary', $written, (Add-Expression $Ast.Child @given))
        }
        'TernaryExpressionAst' {
            $condition = Add-Expression $Ast.Condition @given
            $first = Add-Expression $Ast.IfTrue @given
            , @('choice', $condition, $first, (Add-Expression $Ast.IfFalse @given))
        }
        default { Deny $Ast 'expression' }
    }
    Add-Node $Nodes $node
}

# A word such as 007 is a number to some parameters and a text to others: what is written counts.
function Get-Number($Ast) {
    $value = $Ast.Value
    $text = $Ast.Extent.Text
    $asArgument = $Ast.Parent -is [Management.Automation.Language.CommandAst]
    if ($value -isnot [ValueType] -or $value -is [bool]) { return $value }
    if ($asArgument -and $text -match '^[-+]?[\d.]+$' -and
            $value.ToString([cultureinfo]::InvariantCulture) -cne $text) {
        return $text
    }
    $value
}

function Get-VariableNode($Ast, $Carrying, [bool] $InBlock) {
    $name = $Ast.VariablePath.UserPath.ToLowerInvariant()
    if ($Ast.Splatted -or -not $Ast.VariablePath.IsUnqualified) { Deny $Ast 'variable' }
    switch ($name) {
        'true' { return 'constant', $true }
        'false' { return 'constant', $false }
        'null' { return 'constant', $null }
        { $_ -in '_', 'psitem' } {
            if (-not $InBlock -and $Carrying.Item -ne '_') { Deny $Ast 'variable' }
            return , 'item'
        }
    }
    if ($Carrying.Item -eq $name) {
        # Within a block, $_ is another object.
        if ($InBlock) { Deny $Ast 'for_each' }
        return , 'item'
    }
    if (-not $Carrying.Names.ContainsKey($name)) { Deny $Ast 'variable' }
    'held', $name
}

# What stands in parentheses: an expression, or a pipeline whose result is held before.
function Add-Statement($Statement, $Nodes, $Carrying, [bool] $InBlock) {
    $elements = @($Statement.PipelineElements)
    if ($Statement -is [Management.Automation.Language.CommandExpressionAst]) { $elements = @($Statement) }
    elseif ($Statement -isnot [Management.Automation.Language.PipelineAst] -or $Statement.Background) {
        Deny $Statement 'statement'
    }
    if ($elements.Count -eq 1 -and $elements[0] -is [Management.Automation.Language.CommandExpressionAst]) {
        return Add-Expression $elements[0].Expression $Nodes $Carrying $InBlock
    }
    if ($elements.Count -eq 1 -and $elements[0].CommandElements.Count -eq 1 -and
            (Get-Constant $elements[0].CommandElements[0]) -eq 'Get-Date') {
        return Add-Node $Nodes @('static', 'datetime', 'Now')
    }
    if ($InBlock -or $Carrying.Item) { Deny $Statement 'for_each' }
    $calls = Get-StatementCall $Statement $Carrying
    Add-Node $Nodes @('held', (Add-Held $calls $Carrying))
}

function Get-Array($Ast, $Nodes, $Carrying, [bool] $InBlock) {
    $statements = $Ast.SubExpression.Statements
    if ($statements.Count -gt 1) { Deny $Ast 'statement' }
    if (-not $statements.Count) { return , 'list' }
    'array', (Add-Statement $statements[0] $Nodes $Carrying $InBlock)
}

function Get-Table($Ast, [string] $Kind, $Nodes, $Carrying, [bool] $InBlock) {
    'table'
    $Kind
    foreach ($pair in $Ast.KeyValuePairs) {
        $key = Get-Constant $pair.Item1
        if ($null -eq $key) { Deny $pair.Item1 'expression' }
        , @($key, (Add-Statement $pair.Item2 $Nodes $Carrying $InBlock))
    }
}

function Get-Cast($Ast, $Nodes, $Carrying, [bool] $InBlock) {
    $type = Get-TypeName $Ast.Type.TypeName
    if ($Ast.Child -is [Management.Automation.Language.HashtableAst] -and $type -in 'pscustomobject', 'ordered') {
        return Get-Table $Ast.Child $type $Nodes $Carrying $InBlock
    }
    'cast'
    $type
    Add-Expression $Ast.Child $Nodes $Carrying $InBlock
}

function Get-TypeName($Name) { $Name.FullName.ToLowerInvariant() -replace '^system\.' }

function Get-Format($Ast, $Nodes, $Carrying, [bool] $InBlock) {
    $secret = [Reflection.BindingFlags]'NonPublic, Instance'
    $format = [Management.Automation.Language.ExpandableStringExpressionAst].GetProperty('FormatExpression', $secret)
    if (-not $format) { Deny $Ast 'expression' }
    'format'
    $format.GetValue($Ast)
    Add-EachExpression $Ast.NestedExpressions $Nodes $Carrying $InBlock
}

function Get-MemberName($Ast) {
    $name = Get-Constant $Ast.Member
    if ($null -eq $name -or $Ast.NullConditional) { Deny $Ast 'expression' }
    $name
}

function Get-Property($Ast, $Nodes, $Carrying, [bool] $InBlock) {
    $name = Get-MemberName $Ast
    if ($Ast.Static) {
        if ($Ast.Expression -isnot [Management.Automation.Language.TypeExpressionAst]) { Deny $Ast 'expression' }
        return 'static', (Get-TypeName $Ast.Expression.TypeName), $name
    }
    'property', (Add-Expression $Ast.Expression $Nodes $Carrying $InBlock), $name
}

function Get-MethodCall($Ast, $Nodes, $Carrying, [bool] $InBlock) {
    $name = Get-MemberName $Ast
    if ($Ast.Static) {
        if ($Ast.Expression -isnot [Management.Automation.Language.TypeExpressionAst]) { Deny $Ast 'expression' }
        'static_call', (Get-TypeName $Ast.Expression.TypeName), $name
    }
    else { 'call', (Add-Expression $Ast.Expression $Nodes $Carrying $InBlock), $name }
    Add-EachExpression $Ast.Arguments $Nodes $Carrying $InBlock
}

function Add-Block($Block, $Nodes, $Carrying) {
    $statements = $Block.EndBlock.Statements
    $isPlain = -not ($Block.ParamBlock -or $Block.BeginBlock -or $Block.ProcessBlock -or $Block.DynamicParamBlock -or
        $Block.CleanBlock)
    if (-not $isPlain -or @($statements).Count -ne 1) { Deny $Block 'for_each' }
    Add-Statement $statements[0] $Nodes $Carrying $true
}

function Get-Carried($Root) {
    $carrying = New-Carrying
    try {
        $others = $Root.ParamBlock, $Root.BeginBlock, $Root.ProcessBlock, $Root.DynamicParamBlock, $Root.CleanBlock,
            $Root.EndBlock.Traps, $Root.UsingStatements, $Root.ScriptRequirements
        foreach ($one in $others) { if ($one) { Deny $Root 'statement' } }
        foreach ($statement in $Root.EndBlock.Statements) { Get-Step $statement $carrying }
    }
    catch [Uncarried] {
        $piece = New-Fact $_.Exception.Ast 'Uncarried'
        $piece.code = $_.Exception.Code
        return @{ uncarried = $piece }
    }
    @{ steps = $carrying.Steps.ToArray() }
}
