"""What stands at the cursor: command, parameter, variable, member or type.

Pure: script and reading of its answer.
"""

from collections.abc import Sequence
from typing import Any

from pwsh_kernels.kernel.language.completion import utf16_units

SCRIPT = r"""
param([string]$PwshKernelsCode, [int]$PwshKernelsCursor, [int]$PwshKernelsDetail)
$tokens = $errors = $null
$tree = [System.Management.Automation.Language.Parser]::ParseInput($PwshKernelsCode, [ref]$tokens, [ref]$errors)
function Test-Here($Part) {
    $Part.Extent.StartOffset -le $PwshKernelsCursor -and $Part.Extent.EndOffset -ge $PwshKernelsCursor
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
    $found = TabExpansion2 -inputScript $PwshKernelsCode -cursorColumn $member.Member.Extent.EndOffset
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
        @($all.Keys -eq $said) + @($named) + @($all.Keys -like "$said*") | Where-Object { $_ } | Select-Object -First 1
    }
    if ($name) {
        'parameter'; "-$name <$($all[$name].ParameterType)>"
        $values = $all[$name].Attributes.Where({ $_ -is [ValidateSet] }).ValidValues
        if ($all[$name].ParameterType.IsEnum) { $values = [Enum]::GetNames($all[$name].ParameterType) }
        $help = Get-Help -Name $command.Name -Parameter $name -ErrorAction Ignore
        "Parameter of $($command.Name)"
        if ($all[$name].Aliases) { "Aliases: $($all[$name].Aliases -join ', ')" } else { '' }
        if ($values) { "Values: $($values -join ', ')" } else { '' }
        "$($help.description.Text -join "`n")".Trim()
    }
    return
}
$variable = $tokens.Where({ $_.Kind -in 'Variable', 'SplattedVariable' -and (Test-Here $_) }, 'First')[0]
if ($variable) {
    $found = Get-Variable -Name $variable.VariablePath.UserPath -Scope Global -ErrorAction Ignore
    if ($found) {
        'variable'; $variable.Text
        if ($null -eq $found.Value) { 'null' } else { $found.Value.GetType().ToString() }
    }
    return
}
$type = @(Find-Here ([System.Management.Automation.Language.TypeExpressionAst])) +
    @(Find-Here ([System.Management.Automation.Language.TypeConstraintAst])) | Select-Object -First 1
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
        if ($real.IsEnum) { [Enum]::GetNames($real) -join ', ' } else { ($real::new.OverloadDefinitions) -join "`n" }
    }
    return
}
$word = $tokens | Where-Object { $_.TokenFlags -band 'CommandName' -and $_.Extent.StartOffset -le $PwshKernelsCursor } |
    Select-Object -Last 1
if (-not $word) { return }
$command = Get-Known $word.Text
if (-not $command) { return }
'command'
if ($command -is [System.Management.Automation.AliasInfo]) {
    "$($command.Name) -> $($command.Definition)"
    if ($command.ResolvedCommand) { $command = $command.ResolvedCommand }
} else { "$($command.CommandType) $($command.Name)" }
if ($command.CommandType -eq 'Application') { $command.Source; return }
(Get-Command -Name $command.Name -Syntax | Out-String).Trim()
if ($PwshKernelsDetail) { (Get-Help -Name $command.Name -Full -ErrorAction Ignore | Out-String).Trim() }
else { "$((Get-Help -Name $command.Name -ErrorAction Ignore).Synopsis)".Trim() }
"""  # noqa: E501
"""Its output: nothing, or a list of texts: kind, title, then what is known.

No code of the user's is run.
"""


def parameters(code: str, cursor: int, detail: int) -> dict[str, Any]:
    """Return the script's parameters; `cursor` counts code points."""
    values = {"Code": code, "Cursor": utf16_units(code, cursor), "Detail": detail}
    return {f"PwshKernels{name}": value for name, value in values.items()}


def not_found() -> dict[str, Any]:
    """Return the content of an inspect_reply that knows nothing."""
    return {"status": "ok", "found": False, "data": {}, "metadata": {}}


def answer(output: Sequence[Any]) -> dict[str, Any]:
    """Return the content of an inspect_reply from the script's output."""
    if not output:
        return not_found()
    kind, title, *details = (str(text) for text in output)
    return {
        "status": "ok",
        "found": True,
        "data": {"text/plain": _text(kind, title, details)},
        "metadata": {},
    }


def _text(kind: str, title: str, details: Sequence[str]) -> str:
    if kind == "variable":
        return f"{title} [{details[0]}]"
    if kind == "command":
        return _command_text(title, details)
    return "\n".join(part for part in (title, *details) if part)


def _command_text(title: str, details: Sequence[str]) -> str:
    """Return title, help and syntax.

    Get-Help repeats the syntax as synopsis when a command has no help: shown once.
    """
    syntax, *rest = details
    parts = [
        title,
        *(help_text for help_text in rest if help_text and help_text.split() != syntax.split()),
        syntax,
    ]
    return "\n\n".join(part for part in parts if part)
