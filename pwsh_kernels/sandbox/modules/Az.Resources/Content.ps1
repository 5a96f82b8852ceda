# What a subscription holds: generated from its name, the same in every session. Changes live as
# long as the session.

$script:Kinds = [ordered] @{
    'Microsoft.Storage/storageAccounts' = 'st{0}{1:00}'
    'Microsoft.KeyVault/vaults' = 'kv-{0}-{1:00}'
    'Microsoft.Web/sites' = 'app-{0}-{1:00}'
    'Microsoft.Compute/virtualMachines' = 'vm-{0}-{1:00}'
    'Microsoft.Network/virtualNetworks' = 'vnet-{0}-{1:00}'
}

function Get-Group {
    # The groups of a subscription, each with its resources.
    param([hashtable] $Live)
    $id = $Live.Subscription.id
    if (-not $script:Groups.ContainsKey($id)) {
        $script:Groups[$id] = [System.Collections.Generic.List[object]]::new()
        $place = if ($Live.Tenant.environments[0].location -eq 'japan') {
            'japaneast'
        }
        else {
            'westeurope'
        }
        $label = $Live.Subscription.name.Split(' ')[-1].ToLowerInvariant()
        foreach ($department in $Live.Tenant.departments) {
            $short = $department.ToLowerInvariant().Replace(' ', '-')
            $group = New-Group $id "rg-$short-$label" $place @{ department = $department }
            Add-Resource $group ($short.Replace('-', '') +
                $label.Substring(0, 3)) $script:Groups[$id].Count
            $script:Groups[$id].Add($group)
        }
    }
    # Without the comma, an empty list would come out as nothing.
    , $script:Groups[$id]
}

function New-Group {
    param([string] $SubscriptionId, [string] $Name, [string] $Location, [hashtable] $Tags)
    @{
        Name = $Name
        Location = $Location
        Tags = $Tags
        Id = "/subscriptions/$SubscriptionId/resourceGroups/$Name"
        Resources = [System.Collections.Generic.List[object]]::new()
    }
}

function Add-Resource {
    param([hashtable] $Group, [string] $Label, [int] $Number)
    foreach ($kind in $script:Kinds.Keys | Select-Object -First (2 + $Number % 4)) {
        $name = $script:Kinds[$kind] -f $Label, ($Number + 1)
        $Group.Resources.Add(@{
            Name = $name
            Type = $kind
            Id = "$($Group.Id)/providers/$kind/$name"
        })
    }
}
