<#
.SYNOPSIS
Shows Markdown in a notebook.
.DESCRIPTION
The lines that come in are one Markdown text. The result is a string that a notebook shows
formatted, and that stays plain text everywhere else.
.PARAMETER InputObject
The Markdown, in one or more lines.
.EXAMPLE
"# Result`n* **3** mailboxes" | Out-Markdown
#>
[CmdletBinding()]
[OutputType([string])]
param([Parameter(Mandatory, ValueFromPipeline)][AllowEmptyString()][string[]]$InputObject)
begin { $lines = [Collections.Generic.List[string]]::new() }
process { $lines.AddRange($InputObject) }
end {
    $text = $lines -join "`n"
    if (-not $text) { return }
    # A copy: marking a literal of the script itself would show it this way forever.
    $own = [string]::new($text.ToCharArray())
    ([AppDomain]::CurrentDomain.GetData('PwshKernels.Shown'))?.Add($own, 'text/markdown')
    $own
}
