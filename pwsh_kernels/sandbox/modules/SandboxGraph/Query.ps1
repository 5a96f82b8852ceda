# What the query of a request means: which resources ($filter, $search), in which order, how many,
# and with which properties.

function Select-SandboxResource {
    # The resources that a query asks for, all of them: paging is up to the request.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [AllowEmptyCollection()] [object[]] $Resource,
        [Parameter(Mandatory)] [string] $Type,
        [hashtable] $Query = @{},
        [bool] $Advanced
    )
    $found = $Resource
    if ($Query['$filter']) {
        $tree = ConvertTo-Filter $Query['$filter'] $Type $script:Fields[$Type] $Advanced
        $found = @(foreach ($one in $found) { if (Test-Filter $tree $one) { $one } })
    }
    if ($Query['$search']) { $found = @(Search-Resource $found $Query['$search'] $Type $Advanced) }
    if ($Query['$orderby']) { $found = @(Get-Sorted $found $Query['$orderby'] $Type) }
    $found
}

function Search-Resource {
    # "displayName:ade" OR "mail:ade": a word of the property starts with the text.
    param([object[]] $Resource, [string] $Text, [string] $Type, [bool] $Advanced)
    if (-not $Advanced) {
        Stop-GraphRequest 400 'Request_UnsupportedQuery' ('Request with $search query parameter ' +
            'only works through MSGraph with a special request header: ' +
            "'ConsistencyLevel: eventual'")
    }
    $alternatives = @(
        foreach ($part in $Text -split '\s+OR\s+') {
            , @($part -split '\s+AND\s+' | ForEach-Object { Read-SearchClause $_ $Type })
        }
    )
    foreach ($one in $Resource) { if (Test-Search $alternatives $one) { $one } }
}

function Test-Search {
    param([object[]] $Alternatives, [hashtable] $Resource)
    foreach ($clauses in $Alternatives) {
        $misses = foreach ($clause in $clauses) {
            if ("$($Resource[$clause.Property])" -notmatch $clause.Pattern) { $clause }
        }
        if (-not $misses) { return $true }
    }
    $false
}

function Read-SearchClause {
    param([string] $Text, [string] $Type)
    if ($Text.Trim() -notmatch '^"(?<property>\w+):(?<text>.*)"$' -or
            $script:Fields[$Type] -notcontains $Matches.property) {
        Stop-GraphRequest 400 'Request_BadRequest' "Unrecognized query argument specified: '$Text'."
    }
    @{ Property = $Matches.property; Pattern = '\b' + [regex]::Escape($Matches.text) }
}

function Get-Sorted {
    param([object[]] $Resource, [string] $Order, [string] $Type)
    $property, $direction = $Order.Trim() -split '\s+', 2
    if ($script:Fields[$Type] -notcontains $property) {
        Stop-GraphRequest 400 'BadRequest' ("Could not find a property named '$property' on type " +
            "'microsoft.graph.$Type'.")
    }
    $Resource | Sort-Object -Stable -Descending:($direction -eq 'desc') -Property { $_[$property] }
}

function Get-Selection {
    # The names of the properties to answer with, in Graph's spelling.
    param([hashtable] $Query, [string] $Type)
    if (-not $Query['$select']) { return $script:DefaultFields[$Type] }
    foreach ($name in $Query['$select'].Split(',').Trim()) {
        $known = $script:Fields[$Type].Where({ $_ -eq $name }, 'First')
        if ($known) { $known[0] } else {
            Stop-GraphRequest 400 'BadRequest' ("Parsing OData Select and Expand failed: Could " +
                "not find a property named '$name' on type 'microsoft.graph.$Type'.")
        }
    }
}

function Get-PageSize {
    param([hashtable] $Query)
    if (-not $Query['$top']) { return 100 }
    $top = 0
    if ([int]::TryParse($Query['$top'], [ref] $top) -and $top -ge 1 -and $top -le 999) {
        return $top
    }
    Stop-GraphRequest 400 'Request_BadRequest' ("Invalid page size specified: " +
        "'$($Query['$top'])'. Must be between 1 and 999 inclusive.")
}
