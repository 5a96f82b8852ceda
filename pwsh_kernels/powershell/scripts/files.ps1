# Text that runs as the file it came from: the engine itself gives it a scope, $PSScriptRoot and an
# exit code of its own, and obeys its #Requires. The public API makes such a script only from a
# path, from which the engine might read a different text, or none; hence the engine's private
# names.

$ErrorActionPreference = 'Stop'

function New-ScriptFile([string]$Path, [string]$Text) {
    $kind = [Management.Automation.ExternalScriptInfo]
    $new = $kind.GetConstructor($secret, [type[]]([string], [string]))
    $file = $new.Invoke(@([IO.Path]::GetFileName($Path), $Path))
    $kind.GetField('_scriptContents', $secret).SetValue($file, $Text)
    return $file
}

# The next file's `exit` ends the run, as it ends `pwsh -File`. Otherwise it would only set
# $LASTEXITCODE.
function Set-ExitEnding {
    $engineContext.GetType().GetProperty('ScriptCommandProcessorShouldRethrowExit', $secret).SetValue(
        $engineContext, $true)
}

# The lines of a text that the engine would check in a file. Syntax errors are left to the run.
function Find-Requirement([string]$Text) {
    $tokens = $errors = $null
    $tree = [Management.Automation.Language.Parser]::ParseInput($Text, [ref]$tokens, [ref]$errors)
    if ($errors -or -not $tree.ScriptRequirements) { return }
    foreach ($token in $tokens) {
        if ($token.Kind -eq 'Comment' -and $token.Text -match '^#requires\s') { $token.Text }
    }
}
