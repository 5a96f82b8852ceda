# Resources of the context's subscription.

function Get-AzResource {
    [CmdletBinding()]
    param(
        [Parameter(ValueFromPipelineByPropertyName)] [Alias('Id')] [string] $ResourceId,
        [string] $Name, [Parameter(ValueFromPipelineByPropertyName)] [string] $ResourceGroupName,
        [string] $ResourceType, [switch] $ExpandProperties
    )
    process {
        $live = Get-LiveSubscription $PSCmdlet
        foreach ($group in Get-Group $live | ForEach-Object { $_ } |
                Where-Object { -not $ResourceGroupName -or $_.Name -like $ResourceGroupName }) {
            foreach ($resource in $group.Resources) {
                $fits = (-not $Name -or $resource.Name -like $Name) -and
                    (-not $ResourceType -or $resource.Type -eq $ResourceType)
                # A group that is piped in supplies its own id as ResourceId; what is meant is its
                # name.
                if ($fits -and (-not $ResourceId -or $ResourceId -in $resource.Id, $group.Id)) {
                    ConvertTo-Resource $live $group $resource
                }
            }
        }
    }
}

function ConvertTo-Resource {
    param([hashtable] $Live, [hashtable] $Group, [hashtable] $Resource)
    [pscustomobject] @{
        PSTypeName = 'Microsoft.Azure.Commands.ResourceManager.Cmdlets.SdkModels.PSResource'
        Name = $Resource.Name
        ResourceGroupName = $Group.Name
        ResourceType = $Resource.Type
        Location = $Group.Location
        ResourceId = $Resource.Id
        Id = $Resource.Id
        Type = $Resource.Type
        SubscriptionId = $Live.Subscription.id
        Tags = $Group.Tags
        Kind = $null
        Sku = $null
        Identity = $null
    }
}
