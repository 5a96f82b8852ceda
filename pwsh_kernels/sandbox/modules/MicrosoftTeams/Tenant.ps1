# Get-CsTenant: the connected tenant. It says nothing about the account.

function Get-CsTenant {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0)] [string] $Identity,
        [string] $Filter,
        [int] $ResultSize
    )
    # As users report, the cmdlet never returns if nobody is signed in. Only a stop ends it.
    while (-not $script:Connection -and (Get-SandboxTrap 'hang')) { Start-Sleep -Milliseconds 100 }
    $facts = Get-CsConnectedTenant $PSCmdlet
    [pscustomobject] @{
        PSTypeName               =
            'Microsoft.Teams.ConfigAPI.Cmdlets.Generated.Models.TenantConfiguration'
        TenantId                 = $facts.tenant_id
        DisplayName              = $facts.display_name
        CountryAbbreviation      = 'US'
        PreferredLanguage        = 'en'
        ServiceInstance          = 'MicrosoftCommunicationsOnline/SANDBOX-0A'
        SipDomain                = @($facts.domains)
        VerifiedDomains          = @(
            foreach ($domain in $facts.domains) {
                [pscustomobject] @{ Name = $domain; Status = 'Enabled' }
            }
        )
        TeamsUpgradeEffectiveMode = 'TeamsOnly'
        TeamsUpgradePolicyIsReadOnly = 'ModeAndNotifications'
        IsDirSyncEnabled         = $false
        WhenCreated              = [datetime]::new(2018, 12, 3, 9, 0, 0, [System.DateTimeKind]::Utc)
    }
}
