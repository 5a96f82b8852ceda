# Groups, who is in them, and new ones.

function Get-MgGroup {
    [CmdletBinding(DefaultParameterSetName = 'List')]
    param(
        [Parameter(Mandatory, ParameterSetName = 'Get')] [string] $GroupId,
        [Parameter(ParameterSetName = 'List')] [string] $Filter,
        [Parameter(ParameterSetName = 'List')] [string] $Search,
        [Parameter(ParameterSetName = 'List')] [Alias('OrderBy')] [string[]] $Sort,
        [Parameter(ParameterSetName = 'List')] [Alias('Limit')] [ValidateRange(1, [int]::MaxValue)]
        [int] $Top,
        [Parameter(ParameterSetName = 'List')] [int] $PageSize,
        [Parameter(ParameterSetName = 'List')] [switch] $All,
        [Parameter(ParameterSetName = 'List')] [Alias('CV')] [string] $CountVariable,
        [string] $ConsistencyLevel,
        [Alias('Select')] [string[]] $Property,
        [Alias('Expand')] [string[]] $ExpandProperty,
        [System.Collections.IDictionary] $Headers
    )
    if ($ExpandProperty) {
        $PSCmdlet.ThrowTerminatingError(
            (New-SandboxNotSimulatedError -What '-ExpandProperty' `
                -Instead 'Use Get-MgGroupMember.'))
    }
    $query = @{
        '$filter' = $Filter
        '$search' = $Search
        '$orderby' = $Sort -join ','
        '$select' = $Property -join ','
    }
    $common = @{ Caller = $PSCmdlet; Query = $query; Advanced = $ConsistencyLevel -eq 'eventual' }
    if ($GroupId) {
        return Get-SandboxGraphResource @common -Variant 'Get-MgGroup_Get' `
            -Path "/groups/$([uri]::EscapeDataString($GroupId))" `
            -Target ("{ GroupId = $GroupId, Property = $($Property -join ', '), ExpandProperty = " +
                ", Headers =  }")
    }
    Get-SandboxGraphResource @common -Variant 'Get-MgGroup_List' -Path '/groups' -All:$All `
        -Top $Top -CountVariable $CountVariable `
        -Target ("{ Top = , Skip = , Search = $Search, Filter = $Filter, Count = , Orderby = " +
            "$Sort, Property = $($Property -join ', ') }")
}

function Get-MgGroupMember {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $GroupId,
        [Alias('Limit')] [int] $Top,
        [int] $PageSize,
        [switch] $All,
        [string] $ConsistencyLevel
    )
    Get-SandboxGraphResource -Caller $PSCmdlet -Variant 'Get-MgGroupMember_List' `
        -Path "/groups/$([uri]::EscapeDataString($GroupId))/members" `
        -Target "{ GroupId = $GroupId }" -All:$All -Top $Top -Reference
}

function Get-MgGroupOwner {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $GroupId,
        [Alias('Limit')] [int] $Top,
        [int] $PageSize,
        [switch] $All,
        [string] $ConsistencyLevel
    )
    Get-SandboxGraphResource -Caller $PSCmdlet -Variant 'Get-MgGroupOwner_List' `
        -Path "/groups/$([uri]::EscapeDataString($GroupId))/owners" `
        -Target "{ GroupId = $GroupId }" -All:$All -Top $Top -Reference
}

function New-MgGroup {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'CreateExpanded')]
    param(
        [Parameter(Mandatory, ParameterSetName = 'Create', ValueFromPipeline)]
        [object] $BodyParameter,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $Description,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $DisplayName,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string[]] $GroupTypes,
        [Parameter(ParameterSetName = 'CreateExpanded')] [switch] $MailEnabled,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $MailNickname,
        [Parameter(ParameterSetName = 'CreateExpanded')] [switch] $SecurityEnabled,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $Visibility
    )
    process {
        $body = if ($BodyParameter) { $BodyParameter } else { Get-Body $PSBoundParameters }
        $variant = "New-MgGroup_$($PSCmdlet.ParameterSetName)"
        if (-not (Confirm-SandboxChange $PSCmdlet "Call remote 'POST /groups' operation",
                $variant)) {
            return
        }
        $answer = Invoke-SandboxGraph -Caller $PSCmdlet -Method POST -Path '/groups' -Body $body
        if ($answer.Refused) {
            return Write-SandboxGraphError $PSCmdlet $answer $variant `
                '{ body = Microsoft.Graph.PowerShell.Models.MicrosoftGraphGroup }'
        }
        ConvertTo-SandboxGraphObject $answer.One $answer.Type $answer.Selection
    }
}

function Get-Body {
    # The parameters that name properties of a group, as the body of a request.
    param([System.Collections.Generic.Dictionary[string, object]] $Given)
    $body = @{}
    foreach ($name in 'Description', 'DisplayName', 'GroupTypes', 'MailEnabled', 'MailNickname',
            'SecurityEnabled', 'Visibility') {
        if (-not $Given.ContainsKey($name)) { continue }
        $value = $Given[$name]
        $key = $name.Substring(0, 1).ToLowerInvariant() + $name.Substring(1)
        $body[$key] = if ($value -is [switch]) { [bool] $value } else { $value }
    }
    $body
}
