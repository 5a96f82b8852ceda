# Whether a module has left anything in HOME: its paths, ready for JSON; nothing if there are none.
param([string[]] $HomeFiles)
try {
    & {
        foreach ($file in $HomeFiles) {
            if (Test-Path -LiteralPath (Join-Path $HOME $file)) { $file }
        }
    }
}
catch { throw }
finally { Remove-Variable -Name HomeFiles -ErrorAction Ignore }
