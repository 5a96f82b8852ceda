# The values that objects have before a change: a line of JSON for each object that is found. Run in
# a session by dry_run.py.
param([string] $PwshKernelsAsked)
try {
    & {
        param([string] $Asked)
        foreach ($one in (ConvertFrom-Json $Asked).reads) {
            $arguments = @{ $one.by = $one.identity; ErrorAction = 'Stop' }
            $found = try { & $one.get @arguments | Select-Object -First 1 } catch { $null }
            if ($null -eq $found) { continue }
            $values = @{ }
            foreach ($name in $one.properties) {
                $property = $found.PSObject.Properties[$name]
                if ($property) { $values[$property.Name] = @($property.Value) -join ', ' }
            }
            ConvertTo-Json -Compress -InputObject @{ at = $one.at; values = $values }
        }
    } $PwshKernelsAsked
}
finally { Remove-Variable -Name PwshKernelsAsked -ErrorAction Ignore }
