# The commands that exist, and what some of them do. Run in a session by command_search.py; calls no
# service.
param([string] $PwshKernelsAsked)
try {
    & {
        param([string] $Asked)
        $names = (ConvertFrom-Json $Asked).names
        if ($null -eq $names) {
            # By type and not by name: a name would import the module that defines it.
            foreach ($one in Get-Command -CommandType Cmdlet, Function -ErrorAction Ignore) {
                $loaded = $one.Module -or $one.Source -in '', 'Microsoft.PowerShell.Core'
                if ($one.Name.Contains('-')) { "$($one.Name)`t$($one.Source)`t$([int] $loaded)" }
            }
            return
        }
        foreach ($name in $names) {
            $one = Get-Command -Name $name -CommandType Cmdlet, Function -ErrorAction Ignore |
                Select-Object -First 1
            if (-not $one) { continue }
            $synopsis = ''
            if ($one.CommandType -eq 'Function' -and
                    $one.ScriptBlock.Ast -is [Management.Automation.Language.FunctionDefinitionAst]) {
                $help = $one.ScriptBlock.Ast.GetHelpContent()
                if ($help) { $synopsis = [string] $help.Synopsis }
            }
            if (-not $synopsis) {
                $synopsis = [string] (Get-Help -Name $one.Name -ErrorAction Ignore |
                    Select-Object -First 1).Synopsis
            }
            $default = $one.DefaultParameterSet
            $sets = @(
                $one.ParameterSets | Sort-Object -Stable -Property { $_.Name -ne $default } |
                    ForEach-Object { $_.ToString() }
            )
            ConvertTo-Json -Compress -InputObject @{
                name = $one.Name
                synopsis = $synopsis
                sets = $sets
            }
        }
    } $PwshKernelsAsked
}
finally { Remove-Variable -Name PwshKernelsAsked -ErrorAction Ignore }
