# Power Platform administration over its REST interface, using Az's sign-in or a token that the
# caller passed in.

$script:Resource = 'https://service.powerapps.com/'
$script:Admin = 'providers/Microsoft.BusinessAppPlatform/scopes/admin'
$script:HandedIn = $null

function Set-PowerPlatformToken {
    <#
    .SYNOPSIS
    Uses an access token instead of the sign-in of Az.
    .DESCRIPTION
    The token must be one for https://service.powerapps.com/. It is kept in the memory of this
    session only, and is not renewed.
    .PARAMETER Token
    The access token.
    .EXAMPLE
    Set-PowerPlatformToken -Token (Read-Host -AsSecureString)
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory)] [securestring] $Token)
    [void] (Read-Claim $Token)
    $script:HandedIn = $Token
}

function Clear-PowerPlatformToken {
    <#
    .SYNOPSIS
    Forgets the access token that was handed in.
    .EXAMPLE
    Clear-PowerPlatformToken
    #>
    [CmdletBinding()]
    param()
    $script:HandedIn = $null
}

function Get-PowerPlatformConnection {
    <#
    .SYNOPSIS
    Tells who is signed in to Power Platform, after asking the service; nothing when nobody is.
    .EXAMPLE
    Get-PowerPlatformConnection
    #>
    [CmdletBinding()]
    param()
    if (-not $script:HandedIn -and -not (Get-AzContext).Account) { return }
    $token = Get-ServiceToken
    try {
        [void] (Invoke-Service 'GET' "$script:Admin/environments?`$top=1" '2020-10-01' $null)
    }
    catch {
        # Refused for lack of permission, so the token itself was accepted.
        if ($_.FullyQualifiedErrorId -notlike 'PowerPlatform403*') {
            $PSCmdlet.ThrowTerminatingError($_)
        }
    }
    if ($script:HandedIn) { Get-TokenConnection $token } else { Get-AzConnection $token }
}

function Get-PowerPlatformEnvironment {
    <#
    .SYNOPSIS
    Returns the environments that the signed-in account or application administers.
    .PARAMETER Name
    The environment's name (an id), or its display name; * and ? stand for other characters.
    .EXAMPLE
    Get-PowerPlatformEnvironment
    .EXAMPLE
    Get-PowerPlatformEnvironment -Name 'Contoso*'
    #>
    [CmdletBinding()]
    param([Parameter(Position = 0)] [string] $Name = '*')
    foreach ($one in Read-EveryPage $PSCmdlet "$script:Admin/environments") {
        if ($one.name -notlike $Name -and $one.properties.displayName -notlike $Name) { continue }
        [pscustomobject] @{
            PSTypeName  = 'PowerPlatform.Environment'
            Name        = [string] $one.name
            DisplayName = [string] $one.properties.displayName
            Type        = [string] $one.properties.environmentSku
            Location    = [string] $one.location
            IsDefault   = [bool] $one.properties.isDefault
            Url         = [string] $one.properties.linkedEnvironmentMetadata.instanceUrl
            CreatedTime = $one.properties.createdTime
            Properties  = $one.properties
        }
    }
}

function Get-PowerPlatformApp {
    <#
    .SYNOPSIS
    Returns the apps of an environment.
    .PARAMETER EnvironmentName
    The name (an id) of the environment, as Get-PowerPlatformEnvironment shows it.
    .EXAMPLE
    Get-PowerPlatformEnvironment | ForEach-Object { Get-PowerPlatformApp -EnvironmentName $_.Name }
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0)] [string] $EnvironmentName)
    $name = [uri]::EscapeDataString($EnvironmentName)
    $path = "providers/Microsoft.PowerApps/scopes/admin/environments/$name/apps"
    foreach ($one in Read-EveryPage $PSCmdlet $path) {
        [pscustomobject] @{
            PSTypeName      = 'PowerPlatform.App'
            Name            = [string] $one.name
            DisplayName     = [string] $one.properties.displayName
            EnvironmentName = $EnvironmentName
            Owner           = [string] $one.properties.owner.email
            CreatedTime     = $one.properties.createdTime
            Properties      = $one.properties
        }
    }
}

function Invoke-PowerPlatformApi {
    <#
    .SYNOPSIS
    Sends a request to the REST interface of Power Platform and returns its answer.
    .PARAMETER Path
    What follows the host, such as providers/Microsoft.BusinessAppPlatform/scopes/admin/environments.
    .PARAMETER Method
    GET unless something else is asked for; everything else than GET asks to be confirmed with
    -Confirm and shows itself with -WhatIf.
    .PARAMETER Body
    An object that becomes JSON.
    .PARAMETER ApiVersion
    The version of the interface.
    .EXAMPLE
    Invoke-PowerPlatformApi providers/Microsoft.BusinessAppPlatform/scopes/admin/environments
    #>
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory, Position = 0)] [string] $Path,
        [ValidateSet('GET', 'POST', 'PUT', 'PATCH', 'DELETE')] [string] $Method = 'GET',
        [object] $Body,
        [string] $ApiVersion = '2020-10-01'
    )
    if ($Method -ne 'GET' -and -not $PSCmdlet.ShouldProcess($Path, $Method)) { return }
    try {
        Invoke-Service $Method $Path.TrimStart('/') $ApiVersion $Body
    }
    catch {
        $PSCmdlet.ThrowTerminatingError($_)
    }
}

function Read-EveryPage {
    param([System.Management.Automation.PSCmdlet] $Caller, [string] $Path)
    while ($Path) {
        try {
            $page = Invoke-Service 'GET' $Path '2020-10-01' $null
        }
        catch {
            $Caller.ThrowTerminatingError($_)
        }
        $page.value
        $Path = $page.nextLink
    }
}

function Invoke-Service {
    param([string] $Method, [string] $Path, [string] $ApiVersion, [object] $Body)
    $address = Get-Address $Path $ApiVersion
    $request = @{
        Method = $Method
        Uri = $address
        Authentication = 'Bearer'
        Token = (Get-ServiceToken).Token
        ErrorAction = 'Stop'
    }
    # Unencrypted only to this machine itself, which is the sandbox.
    if ($address.Scheme -eq 'http' -and $address.IsLoopback) {
        $request.AllowUnencryptedAuthentication = $true
    }
    if ($null -ne $Body) {
        $request.Body, $request.ContentType =
            (ConvertTo-Json $Body -Depth 20 -Compress), 'application/json'
    }
    try {
        Invoke-RestMethod @request
    }
    catch [Microsoft.PowerShell.Commands.HttpResponseException] {
        throw (New-ServiceError $_)
    }
}

function Get-Address {
    # A path of the interface, or the address of a next page; the token is sent nowhere else.
    param([string] $Path, [string] $ApiVersion)
    $own = $env:PWSH_KERNELS_POWERAPPS_URL
    $base = [uri] (($own ? $own : 'https://api.bap.microsoft.com').TrimEnd('/') + '/')
    $address = [uri]::new($base, $Path)
    if ($address.Authority -ne $base.Authority -or $address.Scheme -ne $base.Scheme) {
        throw "$($address.Host) is not $($base.Host): give a path."
    }
    if ($address.Query -match '[?&]api-version=') { return $address }
    [uri] "$address$($address.Query ? '&' : '?')api-version=$ApiVersion"
}

function New-ServiceError {
    # The service's own code and sentence, with the HTTP status in the error's id.
    param([System.Management.Automation.ErrorRecord] $Problem)
    $status = [int] $Problem.Exception.Response.StatusCode
    $said = try {
        (ConvertFrom-Json "$($Problem.ErrorDetails)" -ErrorAction Stop).error
    }
    catch {
        $null
    }
    $text = if ($said.message) {
        "$($said.code): $($said.message) (HTTP $status)"
    }
    else {
        "$($Problem.Exception.Message) (HTTP $status)"
    }
    $category = if ($status -in 401, 403) {
        'PermissionDenied'
    }
    elseif ($status -eq 404) {
        'ObjectNotFound'
    }
    else {
        'InvalidResult'
    }
    [System.Management.Automation.ErrorRecord]::new(
        [System.InvalidOperationException]::new($text, $Problem.Exception), "PowerPlatform$status",
        $category, $null)
}

function Get-ServiceToken {
    # { Token (SecureString), ExpiresOn }. Newer versions of Az return a SecureString, older ones a
    # string.
    if ($script:HandedIn) { return @{ Token = $script:HandedIn } }
    $found = Get-AzAccessToken -ResourceUrl $script:Resource -ErrorAction Stop -WarningAction Ignore
    $token = if ($found.Token -is [securestring]) {
        $found.Token
    }
    else {
        ConvertTo-SecureString $found.Token -AsPlainText -Force
    }
    @{ Token = $token; ExpiresOn = $found.ExpiresOn }
}

function Get-AzConnection {
    param([hashtable] $Token)
    $context = Get-AzContext
    $directory = Get-AzTenant -ErrorAction Stop -WarningAction Ignore |
        Where-Object { "$($_.Id)" -eq "$($context.Tenant.Id)" } | Select-Object -First 1
    $domains = @(
        $directory.Domains | Where-Object { $_ } |
            ForEach-Object { ([string] $_).ToLowerInvariant() } | Select-Object -Unique
    )
    $expires = if ($Token.ExpiresOn) { $Token.ExpiresOn.UtcDateTime }
    # Az calls every managed identity MSI@50342; only its token says which one it is.
    $account = if ("$($context.Account.Type)" -eq 'ManagedService') {
        (Read-Claim $Token.Token).appid
    }
    [pscustomobject] @{
        Account = [string] ($account ?? $context.Account.Id)
        TenantId = [string] $context.Tenant.Id
        Domains = $domains
        ExpiresAt = $expires
    }
}

function Get-TokenConnection {
    param([hashtable] $Token)
    $claims = Read-Claim $Token.Token
    $person = @(
        $claims.upn, $claims.unique_name, $claims.preferred_username | Where-Object { $_ }
    )[0]
    [pscustomobject] @{
        Account   = [string] @(
            $person, $claims.appid, $claims.azp, 'an application' | Where-Object { $_ }
        )[0]
        TenantId  = [string] $claims.tid
        Domains   = @(if ($person) { $person.Split('@')[-1].ToLowerInvariant() })
        ExpiresAt = if ($claims.exp) {
            [datetimeoffset]::FromUnixTimeSeconds([long] $claims.exp).UtcDateTime
        }
    }
}

function Read-Claim {
    # The claims of a token, from its second part.
    param([securestring] $Token)
    $part = "$(ConvertFrom-SecureString -SecureString $Token -AsPlainText)..".Split('.')[1]
    $part = $part.Replace('-', '+').Replace('_', '/')
    $claims = try {
        [System.Text.Encoding]::UTF8.GetString([convert]::FromBase64String($part.PadRight(
            [math]::Ceiling($part.Length / 4) * 4, '='))) |
            ConvertFrom-Json -AsHashtable -ErrorAction Stop
    }
    catch { $null }
    if ($claims -is [hashtable]) { return $claims }
    throw 'The access token is malformed.'
}

$functions = 'Set-PowerPlatformToken', 'Clear-PowerPlatformToken', 'Get-PowerPlatformConnection',
    'Get-PowerPlatformEnvironment',
    'Get-PowerPlatformApp', 'Invoke-PowerPlatformApi'

if (Get-Command -Name pac -CommandType Application -ErrorAction Ignore) {
    function Invoke-PacCommand {
        <#
        .SYNOPSIS
        Runs pac, the command line of Power Platform; it has a sign-in of its own.
        .EXAMPLE
        Invoke-PacCommand auth create --deviceCode
        #>
        & (Get-Command -Name pac -CommandType Application -TotalCount 1) @args
        if ($LASTEXITCODE) { throw "pac ended with exit status $LASTEXITCODE." }
    }
    $functions += 'Invoke-PacCommand'
}

Export-ModuleMember -Function $functions
