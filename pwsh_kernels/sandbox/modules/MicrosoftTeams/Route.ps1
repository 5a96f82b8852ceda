# The ways to sign in to Teams. Each returns an identity, or the ErrorRecord that
# Connect-MicrosoftTeams reports.

$script:TeamsClient = '12128f48-ec9e-42f0-b203-ea49fb6af367'
$script:GraphAudience = 'https://graph.microsoft.com'
$script:TeamsAudience = '48ac35b8-9aa8-4d74-927d-1f4a14a0b239'

function Invoke-Route {
    param([System.Management.Automation.PSCmdlet] $Caller, [System.Collections.IDictionary] $Given)
    switch ($Caller.ParameterSetName) {
        'UserCredential' { return Invoke-DeviceRoute $Caller $Given }
        'AccessTokens' { return Read-TokenPair $Given['AccessTokens'] }
        'ManagedServiceLogin' {
            return Invoke-SandboxAppSignIn -Tenant '' -ClientId '' -ManagedIdentity
        }
    }
    $certificate = if ($Given['Certificate']) {
        $Given['Certificate']
    }
    else {
        Read-Store $Given['CertificateThumbprint']
    }
    if ($certificate -is [System.Management.Automation.ErrorRecord]) { return $certificate }
    Invoke-SandboxAppSignIn -Tenant $Given['TenantId'] -ClientId $Given['ApplicationId'] `
        -Certificate $certificate
}

function Invoke-DeviceRoute {
    param([System.Management.Automation.PSCmdlet] $Caller, [System.Collections.IDictionary] $Given)
    $asked = [string] $Given['TenantId']
    $unknown = Resolve-SandboxTenant -Name $asked
    if ($unknown -is [System.Management.Automation.ErrorRecord]) { return $unknown }
    Invoke-SandboxDeviceCode -Client 'Microsoft Teams PowerShell Cmdlets' -Tenant $asked `
        -ClientId $script:TeamsClient -Show {
            param($Message)
            Show-Code $Caller $Message
        }
}

function Show-Code {
    # It is documented nowhere where the real module shows its code. MSAL's default is the console;
    # the trap teams_channel tries the others.
    param([System.Management.Automation.PSCmdlet] $Caller, [string] $Message)
    switch ("$(Get-SandboxTrap 'teams_channel')") {
        'output' { $Caller.WriteObject($Message) }
        'warning' { $Caller.WriteWarning($Message) }
        'information' { Write-Host $Message }
        default { [Console]::WriteLine($Message) }
    }
}

function Read-Store {
    param([string] $Thumbprint)
    $found = Find-SandboxCertificate -By FindByThumbprint -Value $Thumbprint
    if ($found) { return $found }
    New-NotConnectedError ("No certificate was found in the certificate store with thumbprint " +
        "$Thumbprint")
}

function Read-TokenPair {
    # One token for Graph and one for Teams, in any order, both of the same account.
    param([string[]] $Tokens)
    $found = @{}
    foreach ($token in $Tokens) {
        $identity = Read-SandboxToken -Token $token
        if ($identity -is [System.Management.Automation.ErrorRecord]) { return $identity }
        foreach ($audience in $script:GraphAudience, $script:TeamsAudience) {
            if ((Read-SandboxToken -Token $token -Audience $audience) -isnot
                    [System.Management.Automation.ErrorRecord]) {
                $found[$audience] = $identity
            }
        }
    }
    if ($found.Count -ne 2) {
        return New-NotConnectedError ('Two access tokens are needed: one of Microsoft Graph and ' +
            'one of Skype and Teams Tenant Admin API.')
    }
    if ($found[$script:GraphAudience].Account -ne $found[$script:TeamsAudience].Account) {
        return New-NotConnectedError 'The two access tokens are of different accounts.'
    }
    $found[$script:TeamsAudience]
}
