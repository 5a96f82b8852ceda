# What is at the cursor: nothing, or strings (kind, title, then what is known). Runs no code of the
# user's.
param([string]$PwshKernelsCode, [int]$PwshKernelsCursor, [int]$PwshKernelsDetail)
$tokens = $errors = $null
$tree = [System.Management.Automation.Language.Parser]::ParseInput($PwshKernelsCode, [ref]$tokens,
    [ref]$errors)
function Test-Here($Part) {
    $Part.Extent.StartOffset -le $PwshKernelsCursor -and
        $Part.Extent.EndOffset -ge $PwshKernelsCursor
}
function Find-Here([type]$Kind) {
    $tree.FindAll({ $args[0] -is $Kind -and (Test-Here $args[0]) }, $true) | Select-Object -Last 1
}
function Get-Known($Word) {
    $name = [System.Management.Automation.WildcardPattern]::Escape($Word)
    Get-Command -Name $name -ErrorAction Ignore | Select-Object -First 1
}

$member = Find-Here ([System.Management.Automation.Language.MemberExpressionAst])
if ($member -and (Test-Here $member.Member)) {
    $found =
        TabExpansion2 -inputScript $PwshKernelsCode -cursorColumn $member.Member.Extent.EndOffset
    $name = $member.Member.Extent.Text
    $match = $found.CompletionMatches | Where-Object ListItemText -eq $name | Select-Object -First 1
    if ($match) { 'member'; "$($match.ResultType) $name"; $match.ToolTip }
    return
}
$parameter = Find-Here ([System.Management.Automation.Language.CommandParameterAst])
if ($parameter) {
    $command = Get-Known $parameter.Parent.GetCommandName()
    if ($command.ResolvedCommand) { $command = $command.ResolvedCommand }
    $all = $command.Parameters
    $said = $parameter.ParameterName
    $name = if ($all) {
        $named = $all.Values.Where({ $_.Aliases -contains $said }).Name
        @($all.Keys -eq $said) + @($named) + @($all.Keys -like "$said*") | Where-Object { $_ } |
            Select-Object -First 1
    }
    if ($name) {
        'parameter'; "-$name <$($all[$name].ParameterType)>"
        $values = $all[$name].Attributes.Where({ $_ -is [ValidateSet] }).ValidValues
        if ($all[$name].ParameterType.IsEnum) {
            $values = [Enum]::GetNames($all[$name].ParameterType)
        }
        $help = Get-Help -Name $command.Name -Parameter $name -ErrorAction Ignore
        "Parameter of $($command.Name)"
        if ($all[$name].Aliases) { "Aliases: $($all[$name].Aliases -join ', ')" } else { '' }
        if ($values) { "Values: $($values -join ', ')" } else { '' }
        "$($help.description.Text -join "`n")".Trim()
    }
    return
}
$variable =
    $tokens.Where({ $_.Kind -in 'Variable', 'SplattedVariable' -and (Test-Here $_) }, 'First')[0]
if ($variable) {
    $found = Get-Variable -Name $variable.VariablePath.UserPath -Scope Global -ErrorAction Ignore
    if ($found) {
        'variable'; $variable.Text
        if ($null -eq $found.Value) { 'null' } else { $found.Value.GetType().ToString() }
    }
    return
}
$type = @(Find-Here ([System.Management.Automation.Language.TypeExpressionAst])) +
    @(Find-Here ([System.Management.Automation.Language.TypeConstraintAst])) |
    Select-Object -First 1
$type = $type.TypeName
if ($type) {
    $real = $type.GetReflectionType()
    if ($real) {
        'type'; "[$real]"
        $kind = 'class'
        if ($real.IsInterface) { $kind = 'interface' }
        if ($real.IsValueType) { $kind = 'struct' }
        if ($real.IsEnum) { $kind = 'enum' }
        if ($real.BaseType) { "$kind, derived from $($real.BaseType)" } else { $kind }
        if ($real.IsEnum) {
            [Enum]::GetNames($real) -join ', '
        }
        else {
            ($real::new.OverloadDefinitions) -join "`n"
        }
    }
    return
}
$word = $tokens |
    Where-Object {
        $_.TokenFlags -band 'CommandName' -and $_.Extent.StartOffset -le $PwshKernelsCursor
    } |
    Select-Object -Last 1
if (-not $word) { return }
$command = Get-Known $word.Text
if (-not $command) { return }
'command'
if ($command -is [System.Management.Automation.AliasInfo]) {
    "$($command.Name) -> $($command.Definition)"
    if ($command.ResolvedCommand) { $command = $command.ResolvedCommand }
}
else { "$($command.CommandType) $($command.Name)" }
if ($command.CommandType -eq 'Application') { $command.Source; return }
(Get-Command -Name $command.Name -Syntax | Out-String).Trim()
if ($PwshKernelsDetail) {
    (Get-Help -Name $command.Name -Full -ErrorAction Ignore | Out-String).Trim()
}
else { "$((Get-Help -Name $command.Name -ErrorAction Ignore).Synopsis)".Trim() }
