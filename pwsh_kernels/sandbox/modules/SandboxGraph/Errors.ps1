# Errors of Graph: an HTTP status, a code and a sentence; and the record that the Get-Mg* cmdlets
# turn them into.

$script:Reasons = @{
    400 = 'BadRequest'
    401 = 'Unauthorized'
    403 = 'Forbidden'
    404 = 'NotFound'
    405 = 'MethodNotAllowed'
    409 = 'Conflict'
}

function Stop-GraphRequest {
    # Ends a request; Invoke-SandboxGraph turns it into an answer.
    param([int] $Status, [string] $Code, [string] $Message)
    $problem = [System.InvalidOperationException]::new($Message)
    $problem.Data['Status'] = $Status
    $problem.Data['Code'] = $Code
    throw $problem
}

function Stop-Missing {
    param([string] $Id)
    Stop-GraphRequest 404 'Request_ResourceNotFound' ("Resource '$Id' does not exist or one of " +
        "its queried reference-property objects are not present.")
}

function New-Refusal {
    # The answer to a request that failed. Status 0 means that it was never sent.
    param([int] $Status, [string] $Code, [string] $Message)
    @{
        Status = $Status
        Reason = [string] $script:Reasons[$Status]
        Code = $Code
        Message = $Message
        Refused = $true
    }
}

function Write-SandboxGraphError {
    # Like the generated cmdlets: an error that does not end the pipeline, with the HTTP answer in
    # its details.
    [CmdletBinding()]
    param(
        [System.Management.Automation.PSCmdlet] $Caller,
        [hashtable] $Answer,
        [string] $Variant,
        [string] $Target
    )
    $class = "Microsoft.Graph.PowerShell.Cmdlets.$($Variant.Replace('-', ''))"
    if ($Answer.Status -eq 0) {
        $record = New-SandboxErrorRecord -Exception ($Answer.Exception ??
            [System.Exception]::new($Answer.Message)) -Id $class
    }
    else {
        $problem = [System.Exception]::new("[$($Answer.Code)] : $($Answer.Message)")
        $record = [System.Management.Automation.ErrorRecord]::new($problem,
            "$($Answer.Code),$class", 'InvalidOperation', $Target)
        $record.ErrorDetails = Get-ErrorDetail $Answer
    }
    $record.CategoryInfo.Activity = $Variant
    Write-SandboxRecord $Caller $record
}

function Get-ErrorDetail {
    param([hashtable] $Answer)
    $id = [guid]::NewGuid()
    $date = [datetime]::UtcNow.ToString('s', [cultureinfo]::InvariantCulture)
    @(
        $Answer.Message, '', "Status: $($Answer.Status) ($($Answer.Reason))",
        "ErrorCode: $($Answer.Code)", "Date: $date", '', 'Headers:',
        'Cache-Control                 : no-cache', "request-id                    : $id",
        "client-request-id             : $id"
    ) -join "`n"
}

function New-SandboxNotSimulatedError {
    [CmdletBinding()]
    param([Parameter(Mandatory)] [string] $What, [Parameter(Mandatory)] [string] $Instead)
    [System.Management.Automation.ErrorRecord]::new(
        [System.NotSupportedException]::new("$What is not simulated in the sandbox. $Instead"),
        'SandboxNotSimulated', 'NotImplemented', $What)
}
