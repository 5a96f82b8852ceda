# Removes what a module left in HOME, so that a new sign-in does not start with traces of an earlier
# one.
param([string[]] $HomeFiles)
try {
    & {
        $ErrorActionPreference = 'Stop'
        foreach ($file in $HomeFiles) {
            $path = Join-Path $HOME $file
            if (Test-Path -LiteralPath $path) { Remove-Item -LiteralPath $path -Recurse -Force }
        }
    }
}
catch { throw }
finally { Remove-Variable -Name HomeFiles -ErrorAction Ignore }
