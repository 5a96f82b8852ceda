# Errors as worded by Entra, the service that signs people and applications in.

function New-SandboxSignInError {
    # Error number and sentence, followed by what Entra's support asks for.
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0)] [string] $Text)
    $stamp = [datetime]::UtcNow.ToString("yyyy-MM-dd HH:mm:ss'Z'", [cultureinfo]::InvariantCulture)
    $whole = "$Text Trace ID: $([guid]::NewGuid()) Correlation ID: $([guid]::NewGuid()) " +
        "Timestamp: $stamp"
    [System.Management.Automation.ErrorRecord]::new([System.Exception]::new($whole),
        $Text.Split(':')[0], 'AuthenticationError', $null)
}

function New-TokenError {
    # What a service says about a token; contains no part of the token.
    param([string] $Text)
    [System.Management.Automation.ErrorRecord]::new(
        [System.UnauthorizedAccessException]::new($Text), 'InvalidAuthenticationToken',
        'AuthenticationError', $null)
}

function Write-SandboxRecord {
    # Writes an error as a compiled cmdlet does: it obeys the caller's own $ErrorActionPreference,
    # which a module's function does not see.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [System.Management.Automation.PSCmdlet] $Caller,
        [Parameter(Mandatory)] [System.Management.Automation.ErrorRecord] $Record
    )
    if ($Caller.MyInvocation.BoundParameters.ContainsKey('ErrorAction')) {
        return $Caller.WriteError($Record)
    }
    switch ("$($Caller.SessionState.PSVariable.GetValue('ErrorActionPreference'))") {
        'Stop' { $Caller.ThrowTerminatingError($Record) }
        'SilentlyContinue' { Write-Error -ErrorRecord $Record -ErrorAction SilentlyContinue }
        'Ignore' { }
        default { $Caller.WriteError($Record) }
    }
}

$script:BlockedText = 'AADSTS53003: Access has been blocked by Conditional Access policies. The ' +
    'access policy does not allow token issuance.'
$script:DeviceCodeBlockedText = 'AADSTS530036: Access has been blocked by Conditional Access ' +
    'policies. The authentication flow of this session ' +
    '(device code) is not allowed.'
