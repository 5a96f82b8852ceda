# Contexts: the account, tenant and subscription that commands work with. All of this is local and
# does not prove that a token still works.

function ConvertTo-Context {
    # The object that people see, built from plain facts each time.
    param([hashtable] $Facts)
    $tenant = Get-SandboxTenant $Facts.tenant
    $subscription = $tenant.subscriptions | Where-Object id -EQ $Facts.subscription
    [pscustomobject] @{
        PSTypeName   = 'Microsoft.Azure.Commands.Profile.Models.Core.PSAzureContext'
        Name         = $Facts.name
        Account      = New-Named @{
            Id = $Facts.account
            Type = $Facts.type
            Tenants = @($Facts.tenant)
            Credential = $null
            CertificateThumbprint = $Facts.thumbprint
        } 'Id'
        Environment  = New-Named @{
            Name = 'AzureCloud'
            ResourceManagerUrl = 'https://management.azure.com/'
        } 'Name'
        Subscription = if ($subscription) {
            New-Named @{
                Id = $subscription.id
                Name = $subscription.name
                State = $subscription.state
                TenantId = $Facts.tenant
                HomeTenantId = $Facts.tenant
            } 'Id'
        }
        Tenant       = New-Named @{
            Id = $Facts.tenant
            Name = $tenant.display_name
            Domains = $tenant.domains
        } 'Id'
        TokenCache   = $null
        VersionProfile = $null
        ExtendedProperties = @{}
    }
}

function New-Named {
    # An object whose text is one of its values, as with the real classes.
    param([hashtable] $Values, [string] $Text)
    $object = [pscustomobject] $Values
    Add-Member -InputObject $object -MemberType ScriptMethod -Name ToString -Force `
        -Value ([scriptblock]::Create("`$this.$Text"))
    $object
}

function New-ContextFact {
    param(
        [object] $Identity,
        [string] $Account,
        [object] $Tenant,
        [object] $Subscription,
        [string] $Name
    )
    $middle = if ($Subscription) { "$($Subscription.name) ($($Subscription.id))" } else { '' }
    @{
        name = if ($Name) {
            $Name
        }
        else {
            (@($middle, $Tenant.tenant_id, $Account) | Where-Object { $_ }) -join ' - '
        }
        account = $Account
        type = $Identity.AccountType
        grant = $Identity.Account
        tenant = $Tenant.tenant_id
        subscription = $Subscription.id
        thumbprint = $null
    }
}

function Add-Context {
    # The new context becomes the current one.
    param([hashtable] $Facts)
    $script:Profile.Contexts[$Facts.name] = $Facts
    $script:Profile.Default = $Facts.name
    Save-Profile
}

function Get-AzContext {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0)] [string] $Name,
        [switch] $ListAvailable,
        [switch] $RefreshContextFromTokenCache
    )
    if ($ListAvailable) {
        return $script:Profile.Contexts.Values | Sort-Object { $_.name } |
            ForEach-Object { ConvertTo-Context $_ }
    }
    $facts = $script:Profile.Contexts[$(if ($Name) { $Name } else { $script:Profile.Default })]
    if ($facts) { ConvertTo-Context $facts }
}

function Set-AzContext {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'SubscriptionAndTenant')]
    param(
        [Parameter(Position = 0, ParameterSetName = 'SubscriptionAndTenant',
            ValueFromPipelineByPropertyName)]
        [Alias('SubscriptionId', 'SubscriptionName', 'Id')] [string] $Subscription,
        [Parameter(ParameterSetName = 'SubscriptionAndTenant', ValueFromPipelineByPropertyName)]
        [Alias('TenantId', 'Domain')] [string] $Tenant,
        [Parameter(ParameterSetName = 'Context', Mandatory, ValueFromPipeline)] [object] $Context,
        [string] $Name, [switch] $Force, [ValidateSet('CurrentUser', 'Process')] [string] $Scope
    )
    process {
        $live = Get-LiveContext $PSCmdlet
        if ($Context) { $Subscription, $Tenant = $Context.Subscription.Id, $Context.Tenant.Id }
        $directory = if ($Tenant) { Get-SandboxTenant $Tenant } else { $live.Tenant }
        $found = $directory.subscriptions | Where-Object { $Subscription -in $_.id, $_.name } |
            Select-Object -First 1
        if ($directory.name -ne $live.Identity.Tenant.name -or ($Subscription -and -not $found)) {
            $PSCmdlet.ThrowTerminatingError((New-AzError $script:NoSubscription))
        }
        if (-not (Confirm-SandboxChange $PSCmdlet "Account '$($live.Context.account)'",
                "Set the context to the subscription '$($found.id)'")) {
            return
        }
        $facts = New-ContextFact $live.Identity $live.Context.account $directory $found $Name
        Add-Context $facts
        ConvertTo-Context $facts
    }
}

function Clear-AzContext {
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'High')]
    param(
        [switch] $PassThru,
        [switch] $Force,
        [ValidateSet('CurrentUser', 'Process')] [string] $Scope = 'CurrentUser'
    )
    if (-not $Force -and
            -not (Confirm-SandboxChange $PSCmdlet `
                    'Remove all accounts and subscriptions in all sessions for the current user',
                    'Clear-AzContext',
                    'Clear')) {
        return
    }
    foreach ($account in @($script:Profile.Contexts.Values.grant | Sort-Object -Unique)) {
        Remove-Grant $account
    }
    $script:Profile = @{ Default = ''; Contexts = @{} }
    if ($Scope -ne 'Process') { Clear-KeptProfile }
    if ($PassThru) { $true }
}

function Clear-KeptProfile {
    # Clears the files under HOME, even if this process keeps everything in memory.
    foreach ($file in (Get-ProfileFile), (Get-CacheFile)) {
        if ([System.IO.File]::Exists($file)) { Save-JsonFile $file @{} }
    }
}

function Disconnect-AzAccount {
    # Removes the account's tokens, also for every other process with this HOME.
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Position = 0)] [Alias('Id')]
        [string] $Username, [string] $ApplicationId, [string] $TenantId, [object] $AzureContext,
        [string] $ContextName, [ValidateSet('CurrentUser', 'Process')] [string] $Scope =
            'CurrentUser'
    )
    $default = $script:Profile.Contexts[$(if ($ContextName) {
        $ContextName
    }
        elseif ($AzureContext) {
            $AzureContext.Name
        }
        else {
            $script:Profile.Default
        })]
    $account = @($Username, $ApplicationId, $default.account | Where-Object { $_ })[0]
    $gone = @($script:Profile.Contexts.Values | Where-Object { $_.account -eq $account })
    if (-not $gone -or -not (Confirm-SandboxChange $PSCmdlet $account, 'Log out')) { return }
    foreach ($facts in $gone) {
        $script:Profile.Contexts.Remove($facts.name)
        Remove-Grant $facts.grant
    }
    if (-not $script:Profile.Contexts.ContainsKey($script:Profile.Default)) {
        $script:Profile.Default = "$($script:Profile.Contexts.Keys | Select-Object -First 1)"
    }
    if ($Scope -ne 'Process') { Save-Profile }
    (ConvertTo-Context $gone[0]).Account
}
