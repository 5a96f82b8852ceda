<#
.SYNOPSIS
Shows an SVG picture in a notebook.
.DESCRIPTION
The lines that come in are one SVG document. The result is a string that a notebook shows as a
picture, and that stays plain text everywhere else.
.PARAMETER InputObject
The SVG, in one or more lines.
.EXAMPLE
'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><circle cx="20" cy="20" r="15"/></svg>' | Out-Svg
.EXAMPLE
Get-Content ./plan.svg | Out-Svg
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
    ([AppDomain]::CurrentDomain.GetData('PwshKernels.Shown'))?.Add($own, 'image/svg+xml')
    $own
}
