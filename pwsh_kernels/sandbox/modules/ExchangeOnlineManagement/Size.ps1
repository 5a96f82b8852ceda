# Sizes and result limits in the forms that Exchange accepts and shows.

$script:SizeUnits = @{ B = 1; KB = 1KB; MB = 1MB; GB = 1GB; TB = 1TB }

function Format-Size {
    # 53687091200 -> 50 GB (53,687,091,200 bytes)
    param([uint64] $Bytes)
    $unit = if ($Bytes -ge 1TB) {
        'TB'
    }
    elseif ($Bytes -ge 1GB) {
        'GB'
    }
    elseif ($Bytes -ge 1MB) {
        'MB'
    }
    elseif ($Bytes -ge 1KB) {
        'KB'
    }
    else {
        'B'
    }
    [string]::Format([cultureinfo]::InvariantCulture, '{0:0.###} {1} ({2:N0} bytes)', $Bytes /
        $script:SizeUnits[$unit], $unit, $Bytes)
}

function Read-Size {
    # Bytes of '50GB', '50 GB (53,687,091,200 bytes)' or a number; $null for Unlimited. Throws the
    # real binder's message.
    param([string] $Parameter, [object] $Value)
    $text = "$Value".Trim()
    if ($text -eq 'Unlimited') { return $null }
    if ($text -match '\(([\d,]+) bytes\)$') { return [uint64] $Matches[1].Replace(',', '') }
    if ($text -match '^(\d+(?:\.\d+)?)\s*([KMGT]?B)?$') {
        $unit = if ($Matches[2]) { $Matches[2] } else { 'B' }
        return [uint64] ([decimal]::Parse($Matches[1],
            [cultureinfo]::InvariantCulture) * $script:SizeUnits[$unit])
    }
    throw [System.FormatException]::new("Cannot process argument transformation on parameter " +
        "'$Parameter'. Cannot convert value `"$text`" to type " +
        "`"Microsoft.Exchange.Data.Unlimited``1[Microsoft.Exchange.Data.ByteQuantifiedSize]`".")
}

function Format-Quota {
    param([object] $Bytes)
    if ($null -eq $Bytes) { 'Unlimited' } else { Format-Size $Bytes }
}

function Read-ResultSize {
    # The largest number of results; 1000 if none was given.
    param([object] $Value)
    if ($null -eq $Value) { return 1000 }
    if ("$Value" -eq 'Unlimited') { return [int]::MaxValue }
    $number = 0
    if ([int]::TryParse("$Value", [ref] $number) -and $number -ge 0) { return $number }
    throw [System.ArgumentException]::new("Cannot process argument transformation on parameter " +
        "'ResultSize'. Cannot convert value `"$Value`" to type " +
        "`"Microsoft.Exchange.Data.Unlimited``1[System.UInt32]`".")
}

function Write-TruncationWarning {
    # Two texts: one for the default limit, one for a limit that the caller gave.
    param([bool] $Asked)
    if ($Asked) {
        Write-Warning ('There are more results available than are currently displayed. To view ' +
            'them, increase the value for the ResultSize parameter.')
    }
    else {
        Write-Warning ('By default, only the first 1000 items are returned. Use the ResultSize ' +
            'parameter to specify the number of items returned. ' +
            'To return all items, specify "-ResultSize Unlimited". Be aware that, depending on ' +
            'the actual number of items, returning all items can take a ' +
            'long time and consume a large amount of memory. Also, we don''t recommend storing ' +
            'the results in a variable. Instead, pipe the results to ' +
            'another task or script to perform batch changes.')
    }
}
