<#
.SYNOPSIS
Shows objects as JSON: in JupyterLab as a tree that can be opened and closed.
.DESCRIPTION
One object becomes its JSON, several become an array; a string that is JSON is taken as it is. The
result is a string of JSON, which stays plain text where no notebook shows it.
.PARAMETER InputObject
The objects.
.PARAMETER Depth
How many levels of objects within objects are written; deeper ones become text.
.EXAMPLE
Get-Date | Select-Object Year, Month, Day | Out-Json
#>
[CmdletBinding()]
[OutputType([string])]
param(
    [Parameter(Mandatory, ValueFromPipeline)][AllowNull()][AllowEmptyString()][object]$InputObject,
    [ValidateRange(1, 100)][int]$Depth = 10
)
begin { $objects = [Collections.Generic.List[object]]::new() }
process { $objects.Add($InputObject) }
end {
    $value = if ($objects.Count -eq 1) { $objects[0] } else { , $objects.ToArray() }
    # A job runs in another runspace, where this is not available.
    $bounded = [AppDomain]::CurrentDomain.GetData('PwshKernels.Json')
    $isOurs = $bounded -and $bounded.Runspace -eq [runspace]::DefaultRunspace.InstanceId
    $isJson = $value -is [string] -and
        (Microsoft.PowerShell.Utility\Test-Json -Json $value -ErrorAction Ignore)
    $text = if ($isJson) {
        $value
    }
    elseif ($isOurs) {
        $made = & $bounded.Make $objects $Depth
        if ($made.Left.values) {
            Write-Warning ("The JSON is not whole: $($made.Left.values) values are left out. " +
                'Choose what you need with Select-Object.')
        }
        $made.Text
    }
    else {
        Microsoft.PowerShell.Utility\ConvertTo-Json -InputObject $value -Depth $Depth
    }
    if (-not $text) { return }
    # A copy: marking a literal of the script itself would show it this way forever.
    $own = [string]::new($text.ToCharArray())
    ([AppDomain]::CurrentDomain.GetData('PwshKernels.Shown'))?.Add($own, 'application/json')
    $own
}
