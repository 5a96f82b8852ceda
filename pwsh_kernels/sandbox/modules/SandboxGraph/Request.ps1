# Requests to Graph: which function answers which path, once the sign-in and the traps have been
# checked.

$script:Routes = @(
    @{ Method = 'GET'; Path = '^/me$'; Answer = { param($request) Get-Me $request } }
    @{ Method = 'PATCH'; Path = '^/me$'; Answer = { param($request) Set-Me $request } }
    @{ Method = 'GET'; Path = '^/users$'; Answer = { param($request) Get-UserList $request } }
    @{ Method = 'POST'; Path = '^/users$'; Answer = { param($request) New-User $request } }
    @{
        Method = 'GET'
        Path = '^/users/(?<id>[^/]+)$'
        Answer = { param($request) Get-User $request }
    }
    @{
        Method = 'PATCH'
        Path = '^/users/(?<id>[^/]+)$'
        Answer = { param($request) Set-User $request }
    }
    @{
        Method = 'GET'
        Path = '^/users/(?<id>[^/]+)/memberOf$'
        Answer = { param($request) Get-UserGroup $request }
    }
    @{ Method = 'GET'; Path = '^/groups$'; Answer = { param($request) Get-GroupList $request } }
    @{ Method = 'POST'; Path = '^/groups$'; Answer = { param($request) New-Group $request } }
    @{
        Method = 'GET'
        Path = '^/groups/(?<id>[^/]+)$'
        Answer = { param($request) Get-Group $request }
    }
    @{
        Method = 'PATCH'
        Path = '^/groups/(?<id>[^/]+)$'
        Answer = { param($request) Set-Group $request }
    }
    @{
        Method = 'GET'
        Path = '^/groups/(?<id>[^/]+)/(?<link>members|owners)$'
        Answer = { param($request) Get-GroupLink $request }
    }
    @{
        Method = 'GET'
        Path = '^/organization$'
        WithoutDirectory = $true
        Answer = { param($request) Get-OrganizationList $request }
    }
)

function Invoke-SandboxGraph {
    # @{ Status; Reason } with Type and One, or with Type, Items (all of them) and PageSize; and
    # Selection. Or a refusal with Code and Message.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [System.Management.Automation.PSCmdlet] $Caller,
        [string] $Method = 'GET',
        [Parameter(Mandatory)] [string] $Path,
        [hashtable] $Query = @{},
        [object] $Body,
        [switch] $Advanced
    )
    $refusal = Find-SessionRefusal
    if ($refusal) { return $refusal }
    Invoke-SandboxService $script:Shared.Session.Identity -Caller $Caller
    try {
        $request = @{
            Session = $script:Shared.Session
            Query = $Query
            Body = $Body
            Advanced = [bool] $Advanced
        }
        Invoke-Route $Method $Path $request
    }
    catch [System.InvalidOperationException] {
        if (-not $_.Exception.Data.Contains('Code')) { throw }
        New-Refusal $_.Exception.Data['Status'] $_.Exception.Data['Code'] $_.Exception.Message
    }
}

function Find-SessionRefusal {
    # Why no request can be sent: nobody is signed in, or the sign-in has ended.
    if (-not $script:Shared.Session) {
        return New-Refusal 0 '' 'Authentication needed. Please call Connect-MgGraph.'
    }
    if ($script:Shared.Session.Problem) {
        return New-Refusal 401 'InvalidAuthenticationToken' $script:Shared.Session.Problem
    }
    $ended = Find-Ending $script:Shared.Session
    if ($ended -isnot [System.Management.Automation.ErrorRecord]) { return $ended }
    # The library could not renew the token: its own error, not Graph's answer.
    $refusal = New-Refusal 0 '' ''
    $refusal.Exception = New-SandboxAuthenticationFailure `
        -Credential $script:Shared.Session.Credential -Cause $ended.Exception
    $refusal.Message = $refusal.Exception.Message
    $refusal
}

function Find-Ending {
    # Nothing while the sign-in is valid; otherwise a refusal by Graph, or the sign-in library's
    # ErrorRecord.
    param([hashtable] $Session)
    $ended = if ($Session.Stranger) {
        New-PersonError 'PipelineStopped'
    }
    else {
        Test-SandboxSignIn $Session.Identity
    }
    if (-not $ended) { return }
    if ($Session.Identity.AccountType -eq 'AccessToken') {
        return New-Refusal 401 'InvalidAuthenticationToken' `
            ($ended.Exception.Message -replace '^IDX\d+: ', '')
    }
    # To ask the person again, the library shows a code through the cmdlet that connected, which
    # ended long ago, so Entra's own reason is lost.
    if ($Session.Credential -eq 'DeviceCode' -and -not $Session.Stranger) {
        return New-PersonError 'NullReference'
    }
    $ended
}

function New-PersonError {
    param([string] $Kind)
    $problem = if ($Kind -eq 'NullReference') {
        [System.NullReferenceException]::new()
    }
    else {
        [System.Management.Automation.PipelineStoppedException]::new()
    }
    [System.Management.Automation.ErrorRecord]::new($problem, $Kind, 'NotSpecified', $null)
}

function Invoke-Route {
    param([string] $Method, [string] $Path, [hashtable] $Request)
    $fitting = $script:Routes.Where({ $Path -match $_.Path })
    if (-not $fitting) {
        Stop-GraphRequest 400 'BadRequest' ("Resource not found for the segment " +
            "'$($Path.Split('/')[-1])'.")
    }
    $route = $fitting.Where({ $_.Method -eq $Method }, 'First')
    if (-not $route) {
        Stop-GraphRequest 405 'Request_BadRequest' ('Specified HTTP method is not allowed for ' +
            'the request target.')
    }
    [void] ($Path -match $route[0].Path)
    $Request.Id = [uri]::UnescapeDataString([string] $Matches.id)
    $Request.Link = $Matches.link
    # Making the directory takes up to a second. A request for just the organization, such as a
    # sign-in check, need not wait for that.
    if (-not $route[0].WithoutDirectory) {
        $Request.Directory = Get-SandboxDirectory $Request.Session.Tenant
    }
    $answer = & $route[0].Answer $Request
    $answer.Status = $answer.Status ?? 200
    $answer.Reason = @{ 200 = 'OK'; 201 = 'Created'; 204 = 'NoContent' }[$answer.Status]
    $answer
}

function New-ListAnswer {
    param([hashtable] $Request, [string] $Type, [object[]] $Items)
    $selection = Get-Selection $Request.Query $Type
    $found = @(Select-SandboxResource $Items $Type $Request.Query $Request.Advanced)
    @{
        Type = $Type
        Items = $found
        Selection = $selection
        PageSize = Get-PageSize $Request.Query
    }
}

function Get-Me {
    param([hashtable] $Request)
    Assert-Person $Request.Session
    Assert-Right $Request.Session 'me.read'
    $account = $Request.Session.Identity.Account
    $user = Find-SandboxUser $Request.Directory $account
    # A partner's person manages this tenant without an account in it.
    if (-not $user) { Stop-Missing $account }
    @{ Type = 'user'; One = $user; Selection = Get-Selection $Request.Query 'user' }
}

function Get-UserList {
    param([hashtable] $Request)
    Assert-Right $Request.Session 'users.read'
    New-ListAnswer $Request 'user' @(Get-UserRow $Request.Directory)
}

function Get-User {
    param([hashtable] $Request)
    $user = Find-SandboxUser $Request.Directory $Request.Id
    $own = $user -and $user.userPrincipalName -eq $Request.Session.Identity.Account
    Assert-Right $Request.Session $(if ($own) { 'me.read' } else { 'users.read' })
    if (-not $user) { Stop-Missing $Request.Id }
    @{ Type = 'user'; One = $user; Selection = Get-Selection $Request.Query 'user' }
}

function Get-UserGroup {
    param([hashtable] $Request)
    Assert-Right $Request.Session 'groups.read'
    $user = Find-SandboxUser $Request.Directory $Request.Id
    if (-not $user) { Stop-Missing $Request.Id }
    New-ListAnswer $Request 'group' $Request.Directory.Groups.Where({
        $_.members.Contains($user.id)
    })
}

function Get-GroupList {
    param([hashtable] $Request)
    Assert-Right $Request.Session 'groups.read'
    New-ListAnswer $Request 'group' $Request.Directory.Groups
}

function Find-Group {
    param([hashtable] $Request)
    foreach ($group in $Request.Directory.Groups) {
        if ($group.id -eq $Request.Id) { return $group }
    }
    Stop-Missing $Request.Id
}

function Get-Group {
    param([hashtable] $Request)
    Assert-Right $Request.Session 'groups.read'
    @{ Type = 'group'; One = Find-Group $Request; Selection = Get-Selection $Request.Query 'group' }
}

function Get-GroupLink {
    param([hashtable] $Request)
    Assert-Right $Request.Session 'groups.read'
    $wanted = [System.Collections.Generic.HashSet[string]]::new(
        [string[]] (Find-Group $Request)[$Request.Link])
    New-ListAnswer $Request 'user' $Request.Directory.Users.Where({ $wanted.Contains($_.id) })
}

function Get-OrganizationList {
    param([hashtable] $Request)
    Assert-Right $Request.Session 'organization'
    New-ListAnswer $Request 'organization' @(Get-Organization $Request.Session.Tenant)
}
