<#
.SYNOPSIS
Shows HTML in a notebook.
.DESCRIPTION
The lines that come in are one HTML text; ConvertTo-Html gives such lines. The result is a string
that a notebook shows as HTML, and that stays plain text everywhere else: in a terminal, in a file,
over REST.
.PARAMETER InputObject
The HTML, in one or more lines.
.EXAMPLE
Get-Process | Select-Object -First 5 Name, Id | ConvertTo-Html -Fragment | Out-Html
.EXAMPLE
'<b>Done</b>' | Out-Html
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
    ([AppDomain]::CurrentDomain.GetData('PwshKernels.Shown'))?.Add($own, 'text/html')
    $own
}
