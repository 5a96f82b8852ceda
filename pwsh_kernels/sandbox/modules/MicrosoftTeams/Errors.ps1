# Errors of Teams in the forms of its two halves: the Team cmdlets (over Graph) and the Cs cmdlets
# (over their own service).

function New-ApiError {
    # What Get-Team, New-Team ... say when the service refuses.
    param([string] $Cmdlet, [string] $Code, [string] $Message)
    $text = "Error occurred while executing `nCode: $Code`nMessage: $Message`nInnerError:`n  " +
        "RequestId: $([guid]::NewGuid())`n" +
        "  DateTimeStamp: $([datetime]::UtcNow.ToString('s'))`nHttpStatusCode: $Code"
    $space = 'Microsoft.TeamsCmdlets.PowerShell.Custom'
    $class = "$space.ErrorHandling.ApiException,$space.$($Cmdlet.Replace('-', ''))"
    $record = [System.Management.Automation.ErrorRecord]::new([System.Exception]::new($text),
        $class, 'NotSpecified', $null)
    $record.CategoryInfo.Reason = 'ApiException'
    $record
}

function New-ServiceError {
    # What the Cs cmdlets say when their service refuses.
    param([string] $Cmdlet, [string] $Status, [string] $Message)
    $class = "Microsoft.Teams.ConfigAPI.Cmdlets.Generated.Cmdlets.$($Cmdlet.Replace('-', ''))_Set"
    $record = [System.Management.Automation.ErrorRecord]::new([System.Exception]::new($Message),
        "$Status,$class", 'InvalidOperation', $null)
    $record.CategoryInfo.Reason = 'UndeclaredResponseException'
    $record
}

function New-NotConnectedError {
    param([string] $Message)
    [System.Management.Automation.ErrorRecord]::new(
        [System.UnauthorizedAccessException]::new($Message), 'NotConnected', 'AuthenticationError',
        $null)
}
