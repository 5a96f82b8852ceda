# Confirmation: asks whether something may be done.

function Confirm-SandboxChange {
    # Asks as a compiled cmdlet does: a host that refuses to ask fails the caller's own command, at
    # the line that calls it. Words: the arguments of ShouldProcess, or of ShouldContinue.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0)] [System.Management.Automation.PSCmdlet] $Caller,
        [Parameter(Mandatory, Position = 1)] [AllowEmptyString()] [string[]] $Words,
        [switch] $Anew
    )
    try {
        if ($Anew) { return $Caller.ShouldContinue($Words[0], $Words[1]) }
        switch ($Words.Count) {
            1 { return $Caller.ShouldProcess($Words[0]) }
            2 { return $Caller.ShouldProcess($Words[0], $Words[1]) }
            default { return $Caller.ShouldProcess($Words[0], $Words[1], $Words[2]) }
        }
    }
    catch [System.Management.Automation.MethodInvocationException] {
        $inner = $_.Exception.InnerException
        $Caller.ThrowTerminatingError([System.Management.Automation.ErrorRecord]::new(
            $inner, ($inner.ErrorRecord.FullyQualifiedErrorId ?? 'PromptRefused'),
            'ResourceUnavailable', $null))
    }
}
