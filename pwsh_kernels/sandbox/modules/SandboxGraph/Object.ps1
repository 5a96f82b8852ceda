# Answers of Graph as the objects of the Get-Mg* cmdlets: every property exists, those that were not asked for are empty.

$script:Shapes = @{}
$script:Models = @{ user = 'MicrosoftGraphUser'; group = 'MicrosoftGraphGroup'; organization = 'MicrosoftGraphOrganization' }

function Get-Shape {
    # Name in PowerShell and name in Graph of each property, the second only when it is wanted.
    param([string] $Type, [string[]] $Selection)
    $key = "$Type/$($Selection -join ',')"
    if (-not $script:Shapes.ContainsKey($key)) {
        $script:Shapes[$key] = @(foreach ($name in $script:Fields[$Type] | Sort-Object) {
                , @(($name.Substring(0, 1).ToUpperInvariant() + $name.Substring(1)), $(if ($Selection -contains $name) { $name }))
            })
    }
    , $script:Shapes[$key]
}

function ConvertTo-SandboxGraphObject {
    # The object of a resource, as the SDK's model classes show it.
    [CmdletBinding()]
    param([Parameter(Mandatory)] [hashtable] $Resource, [Parameter(Mandatory)] [string] $Type, [string[]] $Selection)
    $shape = Get-Shape $Type $Selection
    $facts = [ordered] @{ PSTypeName = "Microsoft.Graph.PowerShell.Models.$($script:Models[$Type])" }
    foreach ($pair in $shape) { $facts[$pair[0]] = if ($pair[1]) { $Resource[$pair[1]] } }
    $facts.AdditionalProperties = [System.Collections.Generic.Dictionary[string, object]]::new()
    [pscustomobject] $facts
}

function ConvertTo-Reference {
    # A member of a group: an id, and all else as additional properties.
    param([hashtable] $Resource)
    $more = [System.Collections.Generic.Dictionary[string, object]]::new()
    $more['@odata.type'] = '#microsoft.graph.user'
    foreach ($name in $script:DefaultFields.user) { if ($name -ne 'id') { $more[$name] = $Resource[$name] } }
    [pscustomobject] @{
        PSTypeName = 'Microsoft.Graph.PowerShell.Models.MicrosoftGraphDirectoryObject'
        AdditionalProperties = $more; DeletedDateTime = $null; Id = $Resource.id
    }
}

function Get-SandboxGraphResource {
    # What a Get-Mg* cmdlet writes for one request: an object, the first 100 or -Top, or -All; else an error of that cmdlet.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [System.Management.Automation.PSCmdlet] $Caller,
        [Parameter(Mandatory)] [string] $Variant,
        [Parameter(Mandatory)] [string] $Path,
        [string] $Target,
        [hashtable] $Query = @{},
        [switch] $Advanced,
        [switch] $All,
        [int] $Top,
        [switch] $Reference,
        [string] $CountVariable
    )
    $answer = Invoke-SandboxGraph -Caller $Caller -Path $Path -Query $Query -Advanced:$Advanced
    if ($answer.Refused) { return Write-SandboxGraphError $Caller $answer $Variant $Target }
    if ($answer.One) { return ConvertTo-SandboxGraphObject $answer.One $answer.Type $answer.Selection }
    if ($CountVariable) { $Caller.SessionState.PSVariable.Set($CountVariable, $answer.Items.Count) }
    $limit = if ($Top) { $Top } elseif ($All -or (Get-SandboxTrap 'many_rows')) { [int]::MaxValue } else { 100 }
    foreach ($resource in $answer.Items) {
        if ($limit-- -le 0) { break }
        if ($Reference) { ConvertTo-Reference $resource } else { ConvertTo-SandboxGraphObject $resource $answer.Type $answer.Selection }
    }
}
