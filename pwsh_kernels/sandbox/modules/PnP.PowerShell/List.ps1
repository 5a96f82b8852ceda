# Lists and their items.

function ConvertTo-List {
    param([hashtable] $Content, [hashtable] $List)
    [pscustomobject] @{
        PSTypeName = 'Microsoft.SharePoint.Client.List'
        Id = $List.Id
        Title = $List.Title
        BaseTemplate = $List.Template.BaseTemplate
        BaseType = $List.Template.BaseType
        Hidden = [bool] $List.Template.Hidden
        ItemCount = if ($null -eq $List.Items) { $List.Count } else { $List.Items.Count }
        DefaultViewUrl = "$($List.Root)/Forms/AllItems.aspx"
        RootFolder = [pscustomobject] @{
            Name = $List.Root.Split('/')[-1]
            ServerRelativeUrl = $List.Root
        }
        ParentWebUrl = $Content.Web.ServerRelativeUrl
        Created = $List.Created
        EnableVersioning = $List.Template.BaseType -eq 'DocumentLibrary'
    }
}

function Find-List {
    # By title, id, address within the site, or an object from Get-PnPList.
    param([hashtable] $Content, [object] $Identity)
    $asked = if ($Identity.Id) { "$($Identity.Id)" } else { "$Identity".Trim('/') }
    $Content.Lists.Values |
        Where-Object { $asked -in $_.Title, "$($_.Id)", $_.Template.Path, $_.Root.Trim('/') } |
        Select-Object -First 1
}

function Get-PnPList {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0, ValueFromPipeline)] [object] $Identity,
        [switch] $ThrowExceptionIfListNotFound,
        [string[]] $Includes,
        [object] $Connection
    )
    process {
        $content = Get-OpenSite $PSCmdlet $Connection
        if (-not $PSBoundParameters.ContainsKey('Identity')) {
            return $content.Lists.Values | ForEach-Object { ConvertTo-List $content $_ }
        }
        $list = Find-List $content $Identity
        if ($list) { return ConvertTo-List $content $list }
        # The real one returns nothing if there is no such list, unless asked to throw.
        if ($ThrowExceptionIfListNotFound) {
            $PSCmdlet.ThrowTerminatingError(
                (New-PnPError "No list found with id, title or url '$Identity'" 'ListNotFound' `
                    'ObjectNotFound' $Identity))
        }
    }
}

function Get-OpenList {
    param([System.Management.Automation.PSCmdlet] $Caller, [hashtable] $Content, [object] $Identity)
    $list = Find-List $Content $Identity
    if (-not $list) {
        $Caller.ThrowTerminatingError(
            (New-PnPError "The specified list '$Identity' was not found." 'ListNotFound' `
                'ObjectNotFound' $Identity))
    }
    $list
}

function Get-PnPListItem {
    [CmdletBinding(DefaultParameterSetName = 'AllItems')]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipeline)] [object] $List,
        [Parameter(ParameterSetName = 'ById')] [int] $Id = -1,
        [Parameter(ParameterSetName = 'ByUniqueId')] [guid] $UniqueId,
        [Parameter(ParameterSetName = 'ByQuery')] [string] $Query,
        [string] $FolderServerRelativeUrl, [string[]] $Fields, [int] $PageSize =
            -1, [scriptblock] $ScriptBlock, [switch] $IncludeContentType, [object] $Connection
    )
    process {
        $content = Get-OpenSite $PSCmdlet $Connection
        $items = Get-ListItem $content (Get-OpenList $PSCmdlet $content $List)
        if ($PSCmdlet.ParameterSetName -eq 'ById') {
            if ($Id -lt 1 -or $Id -gt $items.Count) {
                return Write-Error 'Item does not exist. It may have been deleted by another user.'
            }
            return $items[$Id - 1]
        }
        if ($UniqueId) { return $items | Where-Object { $_['GUID'] -eq $UniqueId } }
        if ($Query) { return Select-ByQuery $PSCmdlet $items $Query }
        $many = Get-SandboxTrap 'many_rows'
        if ($many -and $items.Count) { return Write-ManyItem $items ([int] $many) }
        if ($FolderServerRelativeUrl) {
            $items = $items | Where-Object { $_['FileDirRef'] -eq $FolderServerRelativeUrl }
        }
        $items
    }
}

function Select-ByQuery {
    param([System.Management.Automation.PSCmdlet] $Caller, [object] $Items, [string] $Query)
    try {
        $caml = Read-Caml $Query
    }
    catch [System.FormatException] {
        $Caller.ThrowTerminatingError((New-PnPError $_.Exception.Message 'EXCEPTION' 'WriteError'))
    }
    $Items | Where-Object { -not $caml.Where -or (Test-Caml $caml.Where $_) } |
        Select-Object -First $caml.Limit
}

function Write-ManyItem {
    # The trap many_rows: the list's items over and over, each with its own id.
    param([object] $Items, [int] $Count)
    for ($number = 0; $number -lt $Count; $number++) {
        $item = [ListItem]::new()
        foreach ($pair in $Items[$number % $Items.Count].GetEnumerator()) {
            $item[$pair.Key] = $pair.Value
        }
        $item['ID'] = $number + 1
        $item
    }
}

function Add-PnPListItem {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipeline)] [object] $List,
        [hashtable] $Values =
            @{}, [string] $ContentType, [string] $Folder, [string] $Label, [object] $Connection
    )
    process {
        $content = Get-OpenSite $PSCmdlet $Connection -Write
        $account = (Get-SignIn ($Connection ?? $script:Process.Current)).Identity.Account
        $target = Get-OpenList $PSCmdlet $content $List
        [void] (Get-ListItem $content $target)
        Add-Item $target $Values $account ([datetime]::UtcNow)
        $target.Items[-1]
    }
}
