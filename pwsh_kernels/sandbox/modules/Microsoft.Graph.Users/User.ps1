# Get-MgUser: one user or the users that a query finds.

function Get-MgUser {
    [CmdletBinding(DefaultParameterSetName = 'List')]
    param(
        [Parameter(Mandatory, ParameterSetName = 'Get')] [string] $UserId,
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
            (New-SandboxNotSimulatedError -What '-ExpandProperty' -Instead 'Leave it out.'))
    }
    $query = @{
        '$filter' = $Filter
        '$search' = $Search
        '$orderby' = $Sort -join ','
        '$select' = $Property -join ','
    }
    $common = @{ Caller = $PSCmdlet; Query = $query; Advanced = $ConsistencyLevel -eq 'eventual' }
    if ($UserId) {
        return Get-SandboxGraphResource @common -Variant 'Get-MgUser_Get' `
            -Path "/users/$([uri]::EscapeDataString($UserId))" `
            -Target ("{ UserId = $UserId, Property = $($Property -join ', '), ExpandProperty = , " +
                "Headers =  }")
    }
    Get-SandboxGraphResource @common -Variant 'Get-MgUser_List' -Path '/users' -All:$All -Top $Top `
        -CountVariable $CountVariable `
        -Target ("{ Top = , Skip = , Search = $Search, Filter = $Filter, Count = , Orderby = " +
            "$Sort, Property = $($Property -join ', ') }")
}
