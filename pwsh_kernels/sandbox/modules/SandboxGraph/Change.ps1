# Requests that change the directory: what they must contain and what is refused.

$script:ReadOnlyFields = @(
    'id', 'createdDateTime', 'deletedDateTime', 'proxyAddresses', 'creationType',
    'securityIdentifier'
)

function ConvertTo-Change {
    # The body of a request as directory properties; it is a JSON text, a hashtable or an object.
    param([object] $Body, [string] $Type)
    $facts = @{}
    foreach ($name in (Read-Body $Body).GetEnumerator()) {
        if ($name.Key -eq 'passwordProfile' -and $Type -eq 'user') {
            $facts.passwordProfile = $true
            continue
        }
        $known = $script:Fields[$Type].Where({ $_ -eq $name.Key }, 'First')
        if (-not $known -or $script:ReadOnlyFields -contains $name.Key) {
            Stop-GraphRequest 400 'Request_BadRequest' ("Property '$($name.Key)' does not exist " +
                "as a declared property or extension property.")
        }
        $facts[$known[0]] = $name.Value
    }
    $facts
}

function Read-Body {
    param([object] $Body)
    if ($Body -is [System.Collections.IDictionary]) { return $Body }
    if ($null -eq $Body -or $Body -eq '') {
        Stop-GraphRequest 400 'BadRequest' 'Empty Payload. JSON content expected.'
    }
    try {
        $facts = $(if ($Body -is [string]) { $Body } else { ConvertTo-Json $Body -Depth 5 }) |
            ConvertFrom-Json -AsHashtable -ErrorAction Stop
    }
    catch [System.ArgumentException] {
        Stop-GraphRequest 400 'BadRequest' ('Unable to read JSON request payload. Please ensure ' +
            'Content-Type header is set and payload is of valid JSON format.')
    }
    $facts
}

function Assert-Present {
    param([hashtable] $Facts, [string[]] $Names)
    foreach ($name in $Names) {
        if ($null -eq $Facts[$name] -or '' -eq $Facts[$name]) {
            Stop-GraphRequest 400 'Request_BadRequest' ("A value is required for property " +
                "'$name' of resource.")
        }
    }
}

function Assert-FreeName {
    # A user principal name belongs to one user and to one of the tenant's domains.
    param([hashtable] $Directory, [string] $Name, [string] $ExceptId)
    if ($Directory.Tenant.domains -notcontains $Name.Split('@')[-1]) {
        Stop-GraphRequest 400 'Request_BadRequest' ('The domain portion of the userPrincipalName ' +
            'property is invalid. You must use one of the verified ' +
            'domain names in your organization.')
    }
    $taken = Find-SandboxUser $Directory $Name
    if ($taken -and $taken.id -ne $ExceptId) {
        Stop-GraphRequest 400 'Request_BadRequest' ('Another object with the same value for ' +
            'property userPrincipalName already exists.')
    }
}

function New-User {
    param([hashtable] $Request)
    Assert-Right $Request.Session 'users.write'
    $facts = ConvertTo-Change $Request.Body 'user'
    Assert-Present $facts 'displayName', 'userPrincipalName', 'mailNickname', 'accountEnabled'
    if (-not $facts.passwordProfile) {
        Stop-GraphRequest 400 'Request_BadRequest' ('A password must be specified to create a ' +
            'new user.')
    }
    Assert-FreeName $Request.Directory $facts.userPrincipalName
    # The password is required but not stored.
    $facts.Remove('passwordProfile')
    $user = @{
        id = [guid]::NewGuid().ToString()
        createdDateTime = [datetime]::UtcNow
        businessPhones = @()
        otherMails = @()
        proxyAddresses = @()
        userType = 'Member'
    } + $facts
    $Request.Directory.Users.Add($user)
    @{ Status = 201; Type = 'user'; One = $user; Selection = Get-Selection @{} 'user' }
}

function Set-User {
    param([hashtable] $Request)
    $own = $Request.Id -in $Request.Session.Identity.Account,
        (Find-SandboxUser $Request.Directory $Request.Session.Identity.Account).id
    Assert-Right $Request.Session $(if ($own -and
            $Request.Session.Scopes -notcontains 'User.ReadWrite.All') {
        'me.write'
    }
        else {
            'users.write'
        })
    $user = Find-SandboxUser $Request.Directory $Request.Id
    if (-not $user) { Stop-Missing $Request.Id }
    $facts = ConvertTo-Change $Request.Body 'user'
    if ($facts.userPrincipalName) {
        Assert-FreeName $Request.Directory $facts.userPrincipalName $user.id
    }
    $facts.Remove('passwordProfile')
    foreach ($name in $facts.Keys) { $user[$name] = $facts[$name] }
    @{ Status = 204 }
}

function Set-Me {
    param([hashtable] $Request)
    Assert-Person $Request.Session
    $Request.Id = $Request.Session.Identity.Account
    Set-User $Request
}

function New-Group {
    param([hashtable] $Request)
    Assert-Right $Request.Session 'groups.write'
    $facts = ConvertTo-Change $Request.Body 'group'
    Assert-Present $facts 'displayName', 'mailNickname', 'mailEnabled', 'securityEnabled'
    if ($facts.mailEnabled -and $facts.groupTypes -notcontains 'Unified') {
        Stop-GraphRequest 400 'Request_BadRequest' ('The service does not currently support ' +
            'writes of mail-enabled groups. Please ensure that the mail-enablement property is ' +
            'unset and try again.')
    }
    if ($facts.groupTypes -contains 'Unified' -and
            $Request.Directory.Groups.Where({ $_.mailNickname -eq $facts.mailNickname })) {
        Stop-GraphRequest 400 'Request_BadRequest' ('Another object with the same value for ' +
            'property mailNickname already exists.')
    }
    $owner = (Find-SandboxUser $Request.Directory $Request.Session.Identity.Account).id
    $facts.createdDateTime = [datetime]::UtcNow
    $group = Add-SandboxGroup $Request.Directory $facts @() @($owner)
    @{ Status = 201; Type = 'group'; One = $group; Selection = Get-Selection @{} 'group' }
}

function Set-Group {
    param([hashtable] $Request)
    Assert-Right $Request.Session 'groups.write'
    $group = Find-Group $Request
    $facts = ConvertTo-Change $Request.Body 'group'
    foreach ($name in $facts.Keys) { $group[$name] = $facts[$name] }
    @{ Status = 204 }
}
