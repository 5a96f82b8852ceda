# Webs, sites and their users.

function Get-OpenSite {
    # The content of the connected site. Throws in the caller's name if there is no such site.
    param([System.Management.Automation.PSCmdlet] $Caller, [object] $Given, [switch] $Write)
    $connection = Get-LiveConnection $Caller $Given -Write:$Write
    $content = Get-SiteContent $connection
    if (-not $content) {
        $Caller.ThrowTerminatingError((New-PnPError $script:NotFound 'EXCEPTION' 'WriteError'))
    }
    $content
}

function Get-PnPWeb {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0, ValueFromPipeline)] [object] $Identity,
        [string[]] $Includes,
        [object] $Connection
    )
    process {
        $content = Get-OpenSite $PSCmdlet $Connection
        $web = [pscustomobject] $content.Web
        $asked = if ($Identity -is [string] -or $Identity -is [guid]) {
            "$Identity"
        }
        else {
            $Identity.Url
        }
        if (-not $asked -or $asked -in $web.Url, $web.ServerRelativeUrl, "$($web.Id)") {
            return $web
        }
        Write-Error -Exception ([System.InvalidOperationException]::new("Cannot find web $asked")) `
            -ErrorId 'EXCEPTION'
    }
}

function Set-PnPWeb {
    # Like the real one: no -WhatIf, and no confirmation.
    [CmdletBinding()]
    param(
        [string] $Title,
        [string] $Description,
        [string] $SiteLogoUrl,
        [bool] $QuickLaunchEnabled,
        [bool] $MembersCanShare,
        [object] $Connection
    )
    $content = Get-OpenSite $PSCmdlet $Connection -Write
    foreach ($name in 'Title', 'Description', 'SiteLogoUrl', 'QuickLaunchEnabled',
            'MembersCanShare') {
        if ($PSBoundParameters.ContainsKey($name)) {
            $content.Web[$name] = $PSBoundParameters[$name]
        }
    }
    $content.Web.LastItemModifiedDate = [datetime]::UtcNow
}

function Get-PnPSite {
    [CmdletBinding()]
    param([string[]] $Includes, [object] $Connection)
    $content = Get-OpenSite $PSCmdlet $Connection
    [pscustomobject] @{
        PSTypeName = 'Microsoft.SharePoint.Client.Site'
        Id = $content.SiteId
        Url = $content.Web.Url
        ServerRelativeUrl = $content.Web.ServerRelativeUrl
        CompatibilityLevel = 15
        Owner = $content.Facts.owner; ReadOnly = $false; ShareByEmailEnabled = $true
    }
}

function Get-PnPTenantSite {
    # Only with a connection to the -admin address, or with -TenantAdminUrl.
    [CmdletBinding()]
    param(
        [Parameter(Position = 0, ValueFromPipeline)] [Alias('Url')] [string] $Identity,
        [string] $Template, [switch] $Detailed, [switch] $IncludeOneDriveSites,
        [switch] $GroupIdDefined, [string] $Filter, [object] $Connection
    )
    process {
        if ($Filter) {
            $PSCmdlet.ThrowTerminatingError((New-NotSimulatedError '-Filter of Get-PnPTenantSite'))
        }
        $connection = Get-LiveConnection $PSCmdlet $Connection -Admin
        $tenant = (Get-SignIn $connection).SiteTenant
        $sites = @($tenant.sites | ForEach-Object { ConvertTo-TenantSite $tenant $_ })
        if ($Identity) {
            $wanted = ConvertTo-SiteAddress $Identity
            $sites = @($sites | Where-Object { $_.Url.TrimEnd('/') -eq $wanted })
            if (-not $sites) { return Write-Error "Cannot get site $wanted." }
        }
        if ($Template) { $sites = @($sites | Where-Object Template -EQ $Template) }
        if ($GroupIdDefined) { $sites = @($sites | Where-Object { $_.GroupId -ne [guid]::Empty }) }
        $sites
    }
}

function ConvertTo-TenantSite {
    param([object] $Tenant, [object] $Site)
    $number = [array]::IndexOf(@($Tenant.sites.url), $Site.url)
    $random = [System.Random]::new($Tenant.seed + 31 * $number)
    $group = if ($Site.template -like 'GROUP#*') { New-SandboxGuid $random } else { [guid]::Empty }
    [pscustomobject] @{
        PSTypeName = 'Microsoft.Online.SharePoint.TenantAdministration.SiteProperties'
        Url = $Site.url
        Title = $Site.title
        Template = $Site.template
        Owner = $Site.owner
        OwnerEmail = $Site.owner
        Status = 'Active'
        LockState = 'Unlock'
        StorageUsageCurrent = $random.Next(1, 4096)
        StorageQuota = 26214400
        StorageQuotaWarningLevel = 25574400
        SharingCapability = 'ExternalUserSharingOnly'; GroupId = $group; WebsCount = 1
        LastContentModifiedDate = [datetime]::new(2026, 9, 1, 12, 0, 0,
            [System.DateTimeKind]::Utc).AddHours(-17 * $random.Next(200))
    }
}

function Get-PnPUser {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0, ValueFromPipeline)] [object] $Identity,
        [switch] $WithRightsAssigned,
        [object] $Connection
    )
    process {
        $content = Get-OpenSite $PSCmdlet $Connection
        $users = @(Get-SitePeople $content) + @(
            Get-SandboxPerson $content.Tenant | Where-Object Role -NE 'Member'
        )
        $users = @(
            $users | Sort-Object Number -Unique | ForEach-Object { ConvertTo-SiteUser $content $_ }
        )
        if (-not $PSBoundParameters.ContainsKey('Identity')) { return $users }
        $asked = if ($Identity.LoginName) { $Identity.LoginName } else { "$Identity" }
        $users | Where-Object { $asked -in "$($_.Id)", $_.LoginName, $_.Email, $_.Title } |
            Select-Object -First 1
    }
}

function ConvertTo-SiteUser {
    param([hashtable] $Content, [object] $Person)
    [pscustomobject] @{
        PSTypeName = 'Microsoft.SharePoint.Client.User'
        Id = 10 + $Person.Number
        Title = $Person.DisplayName
        LoginName = "i:0#.f|membership|$($Person.UserPrincipalName)"
        Email = $Person.Mail
        UserPrincipalName = $Person.UserPrincipalName
        IsSiteAdmin = $Person.UserPrincipalName -eq $Content.Facts.owner
        PrincipalType = 'User'
    }
}
