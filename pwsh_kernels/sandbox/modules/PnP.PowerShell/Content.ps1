# What a site contains: generated from the tenant's seed and its people, the same in every session.
# Changes last as long as the session.

$script:Documents = 'Agenda', 'Budget', 'Checklist', 'Contract', 'Forecast', 'Handbook', 'Minutes',
    'Offer', 'Plan', 'Report', 'Review', 'Roadmap'
$script:Templates = [ordered] @{
    'Contacts'    = @{ BaseTemplate = 105; BaseType = 'GenericList'; Path = 'Lists/Contacts' }
    'Documents'   = @{ BaseTemplate = 101; BaseType = 'DocumentLibrary'; Path = 'Shared Documents' }
    'Site Pages'  = @{ BaseTemplate = 119; BaseType = 'DocumentLibrary'; Path = 'SitePages' }
    'Style Library' = @{
        BaseTemplate = 101
        BaseType = 'DocumentLibrary'
        Path = 'Style Library'
        Hidden = $true
    }
    'Tasks'       = @{ BaseTemplate = 171; BaseType = 'GenericList'; Path = 'Lists/Tasks' }
}

function Get-SiteContent {
    # @{ Facts; Web; Lists }: one record per site, made when it is first used.
    param([object] $Connection)
    $site = Get-ConnectedSite $Connection
    if (-not $site) { return }
    if (-not $script:Webs.ContainsKey($site.url)) {
        $script:Webs[$site.url] = New-SiteContent (Get-SignIn $Connection).SiteTenant $site
    }
    $script:Webs[$site.url]
}

function New-SiteContent {
    param([object] $Tenant, [object] $Site)
    $number = [array]::IndexOf(@($Tenant.sites.url), $Site.url)
    $random = [System.Random]::new($Tenant.seed * 1000 + $number)
    $path = ([uri] $Site.url).AbsolutePath
    $created =
        [datetime]::new(2021, 3, 1, 9, 0, 0, [System.DateTimeKind]::Utc).AddDays(40 * $number)
    $web = [ordered] @{
        PSTypeName = 'Microsoft.SharePoint.Client.Web'
        Id = New-SandboxGuid $random
        Title = $Site.title
        Description = ''
        Url = $Site.url
        ServerRelativeUrl = $path
        Created = $created
        LastItemModifiedDate = $created.AddDays($random.Next(100, 900))
        Language = [uint32] 1033
        QuickLaunchEnabled = $true
        MembersCanShare = $true
        WebTemplate = $Site.template.Split('#')[0]
        Configuration = [int16] $Site.template.Split('#')[1]
        SiteLogoUrl = $null
    }
    $content = @{
        Facts = $Site
        SiteId = New-SandboxGuid $random
        Web = $web
        Random = $random
        Tenant = $Tenant
        Lists = [ordered] @{}
    }
    foreach ($title in $script:Templates.Keys) {
        $content.Lists[$title] = New-ListContent $content $title
    }
    $content
}

function New-ListContent {
    # Items are made later, when somebody asks for them.
    param([hashtable] $Content, [string] $Title)
    $template = $script:Templates[$Title]
    $root = $Content.Web.ServerRelativeUrl.TrimEnd('/')
    $count = if ($Title -eq 'Contacts') {
        @(Get-SitePeople $Content).Count
    }
    elseif ($template.Hidden) {
        0
    }
    else {
        $Content.Random.Next(6, 40)
    }
    @{
        Title = $Title
        Id = New-SandboxGuid $Content.Random
        Template = $template
        Root = "$root/$($template.Path)"
        Count = $count
        Created = $Content.Web.Created; Items = $null
    }
}

function Get-SitePeople {
    # A department's site has that department's people; any other has the first twenty.
    param([hashtable] $Content)
    $people = Get-SandboxPerson $Content.Tenant
    $own = @($people | Where-Object Department -EQ $Content.Facts.title)
    if ($own) { $own } else { $people | Select-Object -First 20 }
}

function Get-ListItem {
    param([hashtable] $Content, [hashtable] $List)
    if ($null -eq $List.Items) {
        $List.Items = [System.Collections.Generic.List[object]]::new()
        foreach ($values in New-ItemValue $Content $List) {
            Add-Item $List $values $Content.Facts.owner
        }
    }
    $List.Items
}

function New-ItemValue {
    param([hashtable] $Content, [hashtable] $List)
    if ($List.Title -eq 'Contacts') {
        return Get-SitePeople $Content | ForEach-Object {
            @{
                Title = $_.Surname
                FirstName = $_.GivenName
                FullName = $_.DisplayName
                Email = $_.Mail
                JobTitle = $_.JobTitle
                WorkPhone = $_.Phone
            }
        }
    }
    for ($number = 0; $number -lt $List.Count; $number++) {
        $word = $script:Documents[$number % $script:Documents.Count]
        $year = 2021 + [math]::Floor($number / $script:Documents.Count)
        if ($List.Template.BaseType -eq 'DocumentLibrary') {
            $file = if ($List.Title -eq 'Site Pages') {
                "$word-$year.aspx"
            }
            else {
                "$word $year.docx"
            }
            @{
                Title = "$word $year"
                FileLeafRef = $file
                FileRef = "$($List.Root)/$file"
                FileDirRef = $List.Root
            }
        }
        else {
            @{
                Title = "$word $year"
                Status = ('Not Started', 'In Progress', 'Completed')[$number % 3]
            }
        }
    }
}

function Add-Item {
    # The fields that SharePoint itself fills in for every item.
    param(
        [hashtable] $List,
        [System.Collections.IDictionary] $Values,
        [string] $Author,
        [datetime] $At = $List.Created.AddHours(5 * $List.Items.Count)
    )
    $item = [ListItem]::new()
    $item['ID'] = 1 + $List.Items.Count
    $item['GUID'] =
        New-SandboxGuid ([System.Random]::new($List.Id.GetHashCode() + $List.Items.Count))
    foreach ($name in $Values.Keys) { $item[$name] = $Values[$name] }
    $item['Author'] = $item['Editor'] = $Author
    $item['Created'] = $item['Modified'] = $At
    $List.Items.Add($item)
}
