# Two ways to warn, as in the real module: through the cmdlet's stream, which 3>$null and
# -WarningAction silence, and through the host, which nothing silences.

function Write-FormattedWarning {
    # On a console each line is wrapped to the window and shown inverted; any other host gets the
    # plain text.
    param([System.Management.Automation.PSCmdlet] $Caller, [string] $Text)
    $width = if ($Caller.Host.Name -eq 'ConsoleHost') {
        $Caller.Host.UI.RawUI.MaxWindowSize.Width - 8
    }
    else {
        0
    }
    $Caller.WriteWarning(($width -gt 0 ? (ConvertTo-InvertedText $Text $width) : $Text))
}

function ConvertTo-InvertedText {
    param([string] $Text, [int] $Width)
    $lines = foreach ($line in $Text.Split("`n")) {
        if (-not $line) { [char] 0xA0 }
        while ($line) {
            $end = if ($line.Length -le $Width) {
                $line.Length
            }
            else {
                [math]::Max($line.LastIndexOf(' ', $Width) + 1, 0)
            }
            if (-not $end) { $end = $Width }
            $line.Substring(0, $end).Trim()
            $line = $line.Substring($end)
        }
    }
    "`e[7m`n$(-join ($lines | ForEach-Object { " $("$_".PadRight($Width))`n" }))`e[0m`n"
}

function Write-HostWarning {
    param([System.Management.Automation.PSCmdlet] $Caller, [string] $Text)
    $Caller.Host.UI.WriteWarningLine($Text)
}
