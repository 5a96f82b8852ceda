# Which tenant an address belongs to, and whether the connection may do what a cmdlet wants to do.

function Get-AddressTenant {
    # contoso.sharepoint.com, contoso-admin.sharepoint.com and contoso-my.sharepoint.com belong to
    # contoso; nothing for other hosts.
    param([uri] $Url)
    $name = $Url.Host -replace '(-admin|-my)?\.sharepoint\.com$', ''
    Get-SandboxTenant |
        Where-Object { $Url.Host.EndsWith('.sharepoint.com') -and $_.sharepoint_host -eq $name } |
        Select-Object -First 1
}

function ConvertTo-SiteAddress {
    param([string] $Url)
    $plain = $Url.TrimEnd('/')
    if ($plain -match '^https?://') { $plain } else { "https://$plain" }
}

function Get-RootAddress {
    param([string] $Url)
    ([uri] $Url).GetLeftPart([System.UriPartial]::Authority)
}

function Test-AdminAddress {
    param([string] $Url)
    ([uri] $Url).Host -like '*-admin.sharepoint.com'
}

function Get-SignIn {
    # @{ Identity; SiteTenant; HandedInToken } of a connection.
    param([object] $Connection)
    $found = $null
    if ($script:Process.SignIns.TryGetValue($Connection, [ref] $found)) { $found }
}

function Get-LiveConnection {
    # The connection that a service cmdlet works with. Throws in the caller's name: not connected,
    # sign-in ended, or no right to write.
    param(
        [System.Management.Automation.PSCmdlet] $Caller,
        [object] $Given,
        [switch] $Write,
        [switch] $Admin
    )
    $connection = $Given ?? $script:Process.Current
    $problem = if (-not $connection) { New-PnPError $script:NoConnection }
    else {
        (Confirm-Secret (Get-SignIn $connection)) ??
            (Test-SandboxSignIn (Get-SignIn $connection).Identity) ??
            (Find-MissingRight $connection $Write $Admin)
    }
    if ($problem) { $Caller.ThrowTerminatingError($problem) }
    Invoke-SandboxService (Get-SignIn $connection).Identity -Caller $Caller
    $connection
}

function Confirm-Secret {
    # A client secret is checked only at the first request; nothing if it is right, or if there was
    # none.
    param([hashtable] $SignIn)
    if (-not $SignIn.Secret) { return }
    $secret = ConvertFrom-SecureString -SecureString $SignIn.Secret -AsPlainText
    $identity = Invoke-SandboxAppSignIn -Tenant $SignIn.SiteTenant.name `
        -ClientId $SignIn.Identity.AppId -Secret $secret
    if ($identity -is [System.Management.Automation.ErrorRecord]) { return $identity }
    $SignIn.Identity, $SignIn.Secret = $identity, $null
}

function Find-MissingRight {
    param([object] $Connection, [bool] $Write, [bool] $Admin)
    if ($Admin -and $Connection.ConnectionType -ne 'TenantAdmin' -and
            -not $Connection.TenantAdminUrl) {
        return New-PnPError $script:NoAdminSite
    }
    if ($Write -and (Get-SignIn $Connection).Identity.Role -like '*Reader') {
        New-PnPError $script:AccessDenied 'EXCEPTION' 'WriteError'
    }
}

function Get-ConnectedSite {
    # The site of company.json that a connection is for, or nothing: one can connect to an address
    # that is not a site.
    param([object] $Connection)
    $address = $Connection.Url.TrimEnd('/') -replace '-admin\.sharepoint\.com', '.sharepoint.com'
    (Get-SignIn $Connection).SiteTenant.sites | Where-Object { $_.url -eq $address } |
        Select-Object -First 1
}
