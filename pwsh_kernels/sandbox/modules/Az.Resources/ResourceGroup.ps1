# Resource groups.

function ConvertTo-Group {
    param([hashtable] $Group)
    [pscustomobject] @{
        PSTypeName = 'Microsoft.Azure.Commands.ResourceManager.Cmdlets.SdkModels.PSResourceGroup'
        ResourceGroupName = $Group.Name
        Location = $Group.Location
        ProvisioningState = 'Succeeded'
        Tags = $Group.Tags
        TagsTable = $null
        ResourceId = $Group.Id; ManagedBy = $null
    }
}

function Get-AzResourceGroup {
    [CmdletBinding(DefaultParameterSetName = 'Name')]
    param(
        [Parameter(Position = 0, ParameterSetName = 'Name')] [Alias('ResourceGroupName')]
        [string] $Name,
        [Parameter(Position = 1)] [string] $Location,
        [Parameter(ParameterSetName = 'Id', ValueFromPipelineByPropertyName)]
        [Alias('ResourceGroupId', 'ResourceId')] [string] $Id,
        [hashtable] $Tag
    )
    process {
        $live = Get-LiveSubscription $PSCmdlet
        $found = @(Get-Group $live | ForEach-Object { $_ } | Where-Object {
            (-not $Name -or $_.Name -like $Name) -and
                (-not $Location -or $_.Location -eq $Location.Replace(' ', '')) -and
                (-not $Id -or $_.Id -eq $Id) -and (Test-Tag $_.Tags $Tag)
        })
        if (-not $found -and $Name -and -not $Name.Contains('*')) {
            return Write-Error -Message "Provided resource group does not exist." `
                -ErrorId 'ResourceGroupNotFound'
        }
        $many = Get-SandboxTrap 'many_rows'
        if ($many -and $found) {
            for ($number = 0; $number -lt $many; $number++) {
                ConvertTo-Group $found[$number % $found.Count]
            }
        }
        else {
            $found | ForEach-Object { ConvertTo-Group $_ }
        }
    }
}

function Test-Tag {
    param([hashtable] $Tags, [hashtable] $Wanted)
    if (-not $Wanted) { return $true }
    foreach ($name in $Wanted.Keys) {
        if (-not $Tags.ContainsKey($name) -or
                ($Wanted[$name] -and $Tags[$name] -ne $Wanted[$name])) {
            return $false
        }
    }
    $true
}

function New-AzResourceGroup {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory, Position = 0)] [Alias('ResourceGroupName')] [string] $Name,
        [Parameter(Mandatory, Position = 1)] [string] $Location,
        [hashtable] $Tag = @{}, [switch] $Force
    )
    $live = Get-LiveSubscription $PSCmdlet
    $groups = Get-Group $live
    if ($Name -notmatch '^[-\w.()]{1,90}$' -or $Name.EndsWith('.')) {
        $PSCmdlet.ThrowTerminatingError(
            (New-ResourceError 'InvalidResourceGroupName' ("The provided resource group name " +
                "'$Name' has these invalid characters. The name can only be a letter, digit, " +
                "'-', '.', '(', ')' or '_'.")))
    }
    if (-not (Confirm-SandboxChange $PSCmdlet $Name, 'Replacing resource group ...')) { return }
    Assert-Right $PSCmdlet $live 'Microsoft.Resources/subscriptions/resourcegroups/write' `
        "/subscriptions/$($live.Subscription.id)/resourcegroups/$Name"
    $present = $groups | Where-Object Name -EQ $Name
    if ($present -and -not $Force -and
            -not (Confirm-SandboxChange $PSCmdlet `
                    'Provided resource group already exists. Are you sure you want to update it?',
                    'Confirm' -Anew)) {
        return
    }
    if ($present) { $present.Tags = $Tag; return ConvertTo-Group $present }
    $groups.Add(
        (New-Group $live.Subscription.id $Name $Location.ToLowerInvariant().Replace(' ', '') $Tag))
    ConvertTo-Group $groups[-1]
}
