"""What stands at the cursor: a command's syntax and synopsis, a variable's type. Pure: script and reading of its answer."""

from collections.abc import Sequence
from typing import Any

from pwsh_kernels.kernel.completion import utf16_units

SCRIPT = r"""
param([string]$Code, [int]$Cursor, [int]$Detail)
$tokens = $errors = $null
$null = [System.Management.Automation.Language.Parser]::ParseInput($Code, [ref]$tokens, [ref]$errors)
$at = $tokens | Where-Object { $_.Extent.StartOffset -le $Cursor -and $_.Extent.EndOffset -ge $Cursor -and $_.Text }
$variable = $at | Where-Object Kind -in 'Variable', 'SplattedVariable' | Select-Object -First 1
if ($variable) {
    $found = Get-Variable -Name $variable.VariablePath.UserPath -Scope Global -ErrorAction Ignore
    if ($found) {
        'variable'; $variable.Text
        if ($null -eq $found.Value) { 'null' } else { $found.Value.GetType().ToString() }
    }
    return
}
$commands = $tokens | Where-Object { $_.TokenFlags -band 'CommandName' -and $_.Extent.StartOffset -le $Cursor }
$word = $commands | Select-Object -Last 1
if (-not $word) { return }
$name = [System.Management.Automation.WildcardPattern]::Escape($word.Text)
$command = Get-Command -Name $name -ErrorAction Ignore | Select-Object -First 1
if (-not $command) { return }
'command'
if ($command -is [System.Management.Automation.AliasInfo]) {
    "$($command.Name) -> $($command.Definition)"
    if ($command.ResolvedCommand) { $command = $command.ResolvedCommand }
} else { "$($command.CommandType) $($command.Name)" }
if ($command.CommandType -eq 'Application') { $command.Source; return }
(Get-Command -Name $command.Name -Syntax | Out-String).Trim()
if ($Detail) { (Get-Help -Name $command.Name -Full -ErrorAction Ignore | Out-String).Trim() }
else { "$((Get-Help -Name $command.Name -ErrorAction Ignore).Synopsis)".Trim() }
"""
"""Its output: nothing, or a list of texts: kind, title, then type, or syntax and help."""


def parameters(code: str, cursor: int, detail: int) -> dict[str, Any]:
    """Return the script's parameters; `cursor` counts code points."""
    return {"Code": code, "Cursor": utf16_units(code, cursor), "Detail": detail}


def not_found() -> dict[str, Any]:
    """Return the content of an inspect_reply that knows nothing."""
    return {"status": "ok", "found": False, "data": {}, "metadata": {}}


def answer(output: Sequence[Any]) -> dict[str, Any]:
    """Return the content of an inspect_reply from the script's output."""
    if not output:
        return not_found()
    kind, title, *details = (str(text) for text in output)
    text = f"{title} [{details[0]}]" if kind == "variable" else _command_text(title, details)
    return {"status": "ok", "found": True, "data": {"text/plain": text}, "metadata": {}}


def _command_text(title: str, details: Sequence[str]) -> str:
    """Return title, help and syntax. Get-Help repeats the syntax as synopsis when a command has no help: shown once."""
    syntax, *rest = details
    parts = [title, *(help_text for help_text in rest if help_text and help_text.split() != syntax.split()), syntax]
    return "\n\n".join(part for part in parts if part)
