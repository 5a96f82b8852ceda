# Get-AzSubscription and Get-AzTenant.

function ConvertTo-Subscription {
    param([object] $Tenant, [object] $Subscription)
    [pscustomobject] @{
        PSTypeName = 'Microsoft.Azure.Commands.Profile.Models.PSAzureSubscription'
        Id = $Subscription.id
        Name = $Subscription.name
        State = $Subscription.state
        SubscriptionId = $Subscription.id
        TenantId = $Tenant.tenant_id
        HomeTenantId = $Tenant.tenant_id
        ManagedByTenantIds = @()
        Tags = @{}
    }
}

function Get-AzSubscription {
    [CmdletBinding(DefaultParameterSetName = 'ListByIdInTenant')]
    param(
        [Parameter(ParameterSetName = 'ListByIdInTenant', ValueFromPipelineByPropertyName)]
        [Alias('Id')] [string] $SubscriptionId,
        [Parameter(ParameterSetName = 'ListByNameInTenant', ValueFromPipelineByPropertyName)]
        [Alias('Name')] [string] $SubscriptionName,
        [string] $TenantId
    )
    process {
        $live = Get-LiveContext $PSCmdlet
        if ($TenantId -and (Get-SandboxTenant $TenantId).name -ne $live.Tenant.name) {
            return Write-Error ("The provided account $($live.Context.account) does not have " +
                "access to tenant '$TenantId'.")
        }
        $asked = if ($SubscriptionId) { $SubscriptionId } else { $SubscriptionName }
        $found = @(
            $live.Tenant.subscriptions | Where-Object { -not $asked -or $asked -in $_.id, $_.name }
        )
        if (-not $found -and $asked) {
            return Write-Error ("Subscription $asked was not found in tenant " +
                "$($live.Tenant.tenant_id). Please verify that the subscription exists in this " +
                "tenant.")
        }
        $found | ForEach-Object { ConvertTo-Subscription $live.Tenant $_ }
    }
}

function Get-AzTenant {
    [CmdletBinding()]
    param([Parameter(Position = 0)] [Alias('Domain', 'TenantId')] [string] $Tenant)
    $live = Get-LiveContext $PSCmdlet
    if ($Tenant -and (Get-SandboxTenant $Tenant).name -ne $live.Tenant.name) {
        return Write-Error ("TenantId '$Tenant' was not found. Please verify that your account " +
            "has access to this tenant.")
    }
    [pscustomobject] @{
        PSTypeName = 'Microsoft.Azure.Commands.Profile.Models.PSAzureTenant'
        Id = $live.Tenant.tenant_id
        TenantId = $live.Tenant.tenant_id
        Name = $live.Tenant.display_name
        TenantCategory = 'Home'
        Domains = $live.Tenant.domains
        DefaultDomain = $live.Tenant.name
        TenantType = 'AAD'
        CountryCode = $null
    }
}
