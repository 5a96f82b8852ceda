# The everyday part of CAML, the query language of -Query: comparisons of a field with a value,
# joined by And and Or.

$script:CamlTests = @{
    Eq = { param($left, $right) "$left" -eq $right }
    Neq = { param($left, $right) "$left" -ne $right }
    Contains = { param($left, $right) "$left".Contains($right, 'OrdinalIgnoreCase') }
    BeginsWith = { param($left, $right) "$left".StartsWith($right, 'OrdinalIgnoreCase') }
    IsNull = { param($left) "$left" -eq '' }; IsNotNull = { param($left) "$left" -ne '' }
}

function Read-Caml {
    # @{ Where; Limit }. Throws a FormatException with the service's text for any query that the
    # sandbox does not know.
    param([string] $Query)
    try {
        $view = ([xml] $Query).DocumentElement
    }
    catch [System.Management.Automation.RuntimeException] {
        throw [System.FormatException]::new('Cannot complete this action. The query is not XML.')
    }
    $where = $view.SelectSingleNode('.//Where/*')
    $limit = $view.SelectSingleNode('.//RowLimit')
    if ($where) { Assert-Caml $where }
    @{ Where = $where; Limit = if ($limit) { [int] $limit.InnerText } else { [int]::MaxValue } }
}

function Assert-Caml {
    param([System.Xml.XmlElement] $Node)
    if ($Node.Name -in 'And', 'Or') { foreach ($child in $Node.ChildNodes) { Assert-Caml $child } }
    elseif (-not $script:CamlTests.ContainsKey($Node.Name)) {
        throw [System.FormatException]::new(
            "The sandbox does not simulate <$($Node.Name)> in a query.")
    }
}

function Test-Caml {
    param([System.Xml.XmlElement] $Node, [ListItem] $Item)
    switch ($Node.Name) {
        'And' {
            foreach ($child in $Node.ChildNodes) {
                if (-not (Test-Caml $child $Item)) { return $false }
            }
            return $true
        }
        'Or' {
            foreach ($child in $Node.ChildNodes) { if (Test-Caml $child $Item) { return $true } }
            return $false
        }
    }
    $value = $null
    [void] $Item.TryGetValue($Node.SelectSingleNode('FieldRef').GetAttribute('Name'), [ref] $value)
    & $script:CamlTests[$Node.Name] $value ([string] $Node.SelectSingleNode('Value').InnerText)
}
