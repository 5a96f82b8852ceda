# Graph's answers as the objects of the Get-Mg* cmdlets: every property exists; those that were not
# requested are empty.

$script:Shapes = @{}
$script:Models = @{
    user = 'MicrosoftGraphUser'
    group = 'MicrosoftGraphGroup'
    organization = 'MicrosoftGraphOrganization'
}

function Get-Shape {
    # @{ Template; Pairs }: an object with every property empty, and the names of the wanted
    # properties in PowerShell and in Graph.
    param([string] $Type, [string[]] $Selection)
    $key = "$Type/$($Selection -join ',')"
    if (-not $script:Shapes.ContainsKey($key)) {
        $names = $script:Fields[$Type] | Sort-Object
        $facts = [ordered] @{
            PSTypeName = "Microsoft.Graph.PowerShell.Models.$($script:Models[$Type])"
        }
        foreach ($name in $names) { $facts[(Get-PascalName $name)] = $null }
        $facts.AdditionalProperties = $null
        $pairs = @(
            foreach ($name in $names) {
                if ($Selection -contains $name) { , @((Get-PascalName $name), $name) }
            }
        )
        $script:Shapes[$key] = @{ Template = [pscustomobject] $facts; Pairs = $pairs }
    }
    $script:Shapes[$key]
}

function Get-PascalName {
    param([string] $Name)
    $Name.Substring(0, 1).ToUpperInvariant() + $Name.Substring(1)
}

function Copy-Shape {
    # Copies the template, which is twice as fast as creating the object: lists can be long.
    param([hashtable] $Shape, [hashtable] $Resource)
    $object = $Shape.Template.PSObject.Copy()
    $properties = $object.PSObject.Properties
    foreach ($pair in $Shape.Pairs) { $properties[$pair[0]].Value = $Resource[$pair[1]] }
    $properties['AdditionalProperties'].Value =
        [System.Collections.Generic.Dictionary[string, object]]::new()
    $object
}

function ConvertTo-SandboxGraphObject {
    # The object of a resource, as the SDK's model classes show it.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [hashtable] $Resource,
        [Parameter(Mandatory)] [string] $Type,
        [string[]] $Selection
    )
    Copy-Shape (Get-Shape $Type $Selection) $Resource
}

function ConvertTo-Reference {
    # A member of a group: an id, and everything else as additional properties.
    param([hashtable] $Resource)
    $more = [System.Collections.Generic.Dictionary[string, object]]::new()
    $more['@odata.type'] = '#microsoft.graph.user'
    foreach ($name in $script:DefaultFields.user) {
        if ($name -ne 'id') { $more[$name] = $Resource[$name] }
    }
    [pscustomobject] @{
        PSTypeName = 'Microsoft.Graph.PowerShell.Models.MicrosoftGraphDirectoryObject'
        AdditionalProperties = $more; DeletedDateTime = $null; Id = $Resource.id
    }
}

function Get-SandboxGraphResource {
    # What a Get-Mg* cmdlet writes for one request: an object, the first 100 or -Top, or -All;
    # otherwise an error of that cmdlet.
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
    if ($answer.One) {
        return ConvertTo-SandboxGraphObject $answer.One $answer.Type $answer.Selection
    }
    if ($CountVariable) { $Caller.SessionState.PSVariable.Set($CountVariable, $answer.Items.Count) }
    $limit = if ($Top) {
        $Top
    }
    elseif ($All -or (Get-SandboxTrap 'many_rows')) {
        [int]::MaxValue
    }
    else {
        100
    }
    $shape = Get-Shape $answer.Type $answer.Selection
    foreach ($resource in $answer.Items) {
        if ($limit-- -le 0) { break }
        if ($Reference) { ConvertTo-Reference $resource } else { Copy-Shape $shape $resource }
    }
}
