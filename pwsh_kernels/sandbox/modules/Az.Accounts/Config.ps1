# Update-AzConfig and Get-AzConfig: settings of this process, otherwise of this user, otherwise
# defaults.

$script:Settings = [ordered] @{
    CheckForUpgrade              = @{
        Default = $true
        Help = 'When enabled, Azure PowerShell will check for updates automatically and display ' +
            'a hint message when an update is available.'
    }
    DefaultSubscriptionForLogin  = @{
        Default = ''
        Help = 'Subscription name or GUID. Sets the default context for Azure PowerShell when ' +
            'logging in without specifying a subscription.'
    }
    DisplayBreakingChangeWarning = @{
        Default = $true
        Help = 'Controls if warning messages for breaking changes are displayed or suppressed.'
    }
    DisplayRegionIdentified      = @{
        Default = $true
        Help = 'When enabled, Azure PowerShell displays recommendations on regions which may ' +
            'reduce your costs.'
    }
    DisplaySecretsWarning        = @{
        Default = $true
        Help = 'When enabled, a warning message will be displayed when the cmdlet output ' +
            'contains secrets.'
    }
    DisplaySurveyMessage         = @{
        Default = $true
        Help = 'When enabled, you are prompted infrequently to participate in user experience ' +
            'surveys for Azure PowerShell.'
    }
    EnableDataCollection         = @{
        Default = $true
        Help = 'When enabled, Azure PowerShell cmdlets send telemetry data to Microsoft.'
    }
    EnableErrorRecordsPersistence = @{
        Default = $false
        Help = 'When enabled, error records will be written to ~/.Azure/ErrorRecords.'
    }
    EnableLoginByWam             = @{
        Default = $true
        Help = '[Windows Only] When enabled, Azure PowerShell uses WAM as the default ' +
            'interactive login experience.'
    }
    LoginExperienceV2            = @{
        Default = 'On'
        Help = 'Only active when authenticating interactively, allows the user to choose the ' +
            'subscription and tenant used in subsequent commands.'
    }
}

function Get-ConfigFile { Join-Path (Get-AzureFolder) 'PSConfig.json' }

function Get-ConfigValue {
    # @{ Value; Scope }
    param([string] $Key)
    if ($script:ProcessConfig.ContainsKey($Key)) {
        return @{ Value = $script:ProcessConfig[$Key]; Scope = 'Process' }
    }
    $kept = Read-JsonFile (Get-ConfigFile)
    if ($kept.ContainsKey($Key)) { return @{ Value = $kept[$Key]; Scope = 'CurrentUser' } }
    @{ Value = $script:Settings[$Key].Default; Scope = 'Default' }
}

function ConvertTo-Config {
    param([string] $Key)
    $now = Get-ConfigValue $Key
    [pscustomobject] @{
        PSTypeName = 'Microsoft.Azure.Commands.Profile.Models.PSConfig'
        AppliesTo = 'Az'
        DefaultValue = $script:Settings[$Key].Default
        HelpMessage = $script:Settings[$Key].Help
        Key = $Key
        Scope = $now.Scope
        Value = $now.Value
    }
}

function Get-AzConfig {
    [CmdletBinding()]
    param(
        [switch] $CheckForUpgrade, [switch] $DefaultSubscriptionForLogin,
        [switch] $DisplayBreakingChangeWarning, [switch] $DisplayRegionIdentified,
        [switch] $DisplaySecretsWarning, [switch] $DisplaySurveyMessage,
        [switch] $EnableDataCollection, [switch] $EnableErrorRecordsPersistence,
        [switch] $EnableLoginByWam, [switch] $LoginExperienceV2, [string] $AppliesTo,
        [ValidateSet('CurrentUser', 'Process', 'Default', 'Environment')] [string] $Scope
    )
    $asked = @($script:Settings.Keys | Where-Object { $PSBoundParameters.ContainsKey($_) })
    foreach ($key in $(if ($asked) { $asked } else { $script:Settings.Keys })) {
        $config = ConvertTo-Config $key
        if (-not $Scope -or $config.Scope -eq $Scope) { $config }
    }
}

function Update-AzConfig {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [bool] $CheckForUpgrade, [string] $DefaultSubscriptionForLogin,
        [bool] $DisplayBreakingChangeWarning, [bool] $DisplayRegionIdentified,
        [bool] $DisplaySecretsWarning, [bool] $DisplaySurveyMessage, [bool] $EnableDataCollection,
        [bool] $EnableErrorRecordsPersistence,
        [bool] $EnableLoginByWam, [ValidateSet('On', 'Off')] [string] $LoginExperienceV2,
        [string] $AppliesTo =
            'Az',
        [ValidateSet('CurrentUser', 'Process')] [string] $Scope = 'CurrentUser'
    )
    foreach ($key in $script:Settings.Keys | Where-Object { $PSBoundParameters.ContainsKey($_) }) {
        if (-not (Confirm-SandboxChange $PSCmdlet "Config $key", "Update")) { continue }
        if ($Scope -eq 'Process') { $script:ProcessConfig[$key] = $PSBoundParameters[$key] } else {
            $kept = Read-JsonFile (Get-ConfigFile)
            $kept[$key] = $PSBoundParameters[$key]
            Save-JsonFile (Get-ConfigFile) $kept
        }
        ConvertTo-Config $key
    }
}
