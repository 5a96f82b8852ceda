# Errors with the texts, categories and ids of the real module (forms seen in public issue threads).

function Write-ErrorMessage {
    # The real module writes through a function of this name, so its errors' ids end with it.
    [CmdletBinding()]
    param([System.Management.Automation.ErrorRecord] $ErrorObject)
    $PSCmdlet.WriteError($ErrorObject)
}

function New-ServerError {
    # An error of the service: CODE|exception type|message.
    param([string] $Cmdlet, [string] $Code, [string] $Exception, [string] $Message)
    $stamp = [datetime]::UtcNow.ToString('R', [cultureinfo]::InvariantCulture)
    $id = "[Server=SANDBOX01MB0001,RequestId=$([guid]::NewGuid()),TimeStamp=$stamp]"
    $record = [System.Management.Automation.ErrorRecord]::new(
        [System.Exception]::new("$Code|$Exception|$Message"), $id, 'NotSpecified', $null)
    $record.CategoryInfo.Activity = $Cmdlet
    $record.CategoryInfo.Reason = $Exception.Split('.')[-1]
    $record
}

function Get-NotFoundText {
    param([string] $Identity)
    "The operation couldn't be performed because object '$Identity' couldn't be found on " +
        "'SANDBOX01A01DC001.SANDBOXPR01A001.PROD.OUTLOOK.COM'."
}

function New-NotFoundError {
    param([string] $Cmdlet, [string] $Identity)
    New-ServerError $Cmdlet 'Ex6F9304' `
        'Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException' `
        (Get-NotFoundText $Identity)
}

function New-AmbiguousError {
    param([string] $Cmdlet, [string] $Identity)
    New-ServerError $Cmdlet 'ExB9A1C8' `
        'Microsoft.Exchange.Configuration.Tasks.ManagementObjectAmbiguousException' `
        "The operation couldn't be performed because '$Identity' matches multiple entries."
}

function New-RestError {
    # The Get-EXO* cmdlets show the service's whole answer.
    param([string] $Cmdlet, [string] $Identity)
    $text = 'Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|' +
        (Get-NotFoundText $Identity)
    $answer = @{
        error = @{
            code = 'NotFound'
            message = $text
            details = @(@{ code = 'Context'; target = ''; message = $text })
        }
    }
    $message = "Error while querying REST service. HttpStatusCode=404 " +
        "ErrorMessage=$(ConvertTo-Json $answer -Depth 5 -Compress)"
    $record = [System.Management.Automation.ErrorRecord]::new([System.Exception]::new($message),
        'An error occurred while processing this request.', 'ProtocolError', $null)
    $record.CategoryInfo.Activity = $Cmdlet
    $record.CategoryInfo.Reason = 'RestClientException'
    $record
}

function New-ArgumentError {
    param([string] $Message, [string] $Id = 'ParameterArgumentTransformationError')
    [System.Management.Automation.ErrorRecord]::new([System.ArgumentException]::new($Message), $Id,
        'InvalidArgument', $null)
}

function New-NotSimulatedError {
    param([string] $What)
    [System.Management.Automation.ErrorRecord]::new(
        [System.NotSupportedException]::new(
            "$What is not simulated in the sandbox. Sign in with -Device, a certificate, " +
            "-ManagedIdentity or -AccessToken."),
        'SandboxNotSimulated', 'NotImplemented', $What)
}
