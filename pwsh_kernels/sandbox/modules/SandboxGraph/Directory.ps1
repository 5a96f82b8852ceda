# The directory of a tenant: its people as Graph shows them. Made once per session, then changed
# only by that session.

$script:Fields = @{
    user         = @(
        'id', 'accountEnabled', 'ageGroup', 'businessPhones', 'city', 'companyName', 'country',
        'createdDateTime', 'creationType', 'deletedDateTime',
        'department', 'displayName', 'employeeId', 'employeeType', 'externalUserState', 'givenName',
        'jobTitle', 'mail', 'mailNickname', 'mobilePhone',
        'officeLocation', 'onPremisesSyncEnabled', 'otherMails', 'passwordPolicies', 'postalCode',
        'preferredLanguage', 'proxyAddresses', 'state',
        'streetAddress', 'surname', 'usageLocation', 'userPrincipalName', 'userType'
    )
    group        = @(
        'id', 'classification', 'createdDateTime', 'deletedDateTime', 'description', 'displayName',
        'expirationDateTime', 'groupTypes',
        'isAssignableToRole', 'mail', 'mailEnabled', 'mailNickname', 'membershipRule',
        'onPremisesSyncEnabled', 'preferredLanguage', 'proxyAddresses',
        'renewedDateTime', 'resourceProvisioningOptions', 'securityEnabled', 'securityIdentifier',
        'visibility'
    )
    organization = @(
        'id', 'businessPhones', 'countryLetterCode', 'createdDateTime', 'displayName',
        'onPremisesSyncEnabled', 'preferredLanguage',
        'technicalNotificationMails', 'tenantType', 'verifiedDomains'
    )
}
# The properties that Graph returns without $select.
$script:DefaultFields = @{
    user         = @('businessPhones', 'displayName', 'givenName', 'jobTitle', 'mail',
        'mobilePhone', 'officeLocation', 'preferredLanguage', 'surname',
        'userPrincipalName', 'id')
    group        = $script:Fields.group
    organization = $script:Fields.organization
}

function Get-SandboxDirectory {
    # @{ Tenant; Users; Groups }. -Tenant: a tenant object of SandboxCore.
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0)] [object] $Tenant)
    if (-not $script:Directories.ContainsKey($Tenant.name)) {
        $directory = @{
            Tenant = $Tenant
            Users = [System.Collections.Generic.List[hashtable]]::new()
            Groups = [System.Collections.Generic.List[hashtable]]::new()
        }
        foreach ($person in Get-SandboxPerson $Tenant) {
            $directory.Users.Add((ConvertTo-User $person $Tenant))
        }
        Add-TeamGroup $directory
        Add-SecurityGroup $directory
        $script:Directories[$Tenant.name] = $directory
    }
    $script:Directories[$Tenant.name]
}

function ConvertTo-User {
    param([object] $Person, [object] $Tenant)
    @{
        id                = $Person.Id
        accountEnabled    = $true
        businessPhones    = @($Person.Phone)
        city              = $Person.Office
        companyName       = $Tenant.display_name
        createdDateTime   = $Person.CreatedAt
        department        = $Person.Department
        displayName       = $Person.DisplayName
        employeeId        = '{0:000000}' -f (100000 + $Person.Number)
        employeeType      = 'Employee'
        givenName         = $Person.GivenName
        jobTitle          = $Person.JobTitle
        mail              = $Person.Mail
        mailNickname      = $Person.MailNickname
        officeLocation    = $Person.Office
        otherMails        = @()
        preferredLanguage = 'en-US'
        proxyAddresses    =
            @("SMTP:$($Person.Mail)", "smtp:$($Person.MailNickname)@$($Tenant.initial_domain)")
        surname           = $Person.Surname
        usageLocation     = $Person.UsageLocation
        userPrincipalName = $Person.UserPrincipalName
        userType          = 'Member'
    }
}

function Get-UserRow {
    # The users in order; under the trap many_rows as many as it says: everybody over and over under
    # new numbers.
    param([hashtable] $Directory)
    $count = [int] (Get-SandboxTrap 'many_rows')
    if (-not $count) { return $Directory.Users }
    for ($number = 0; $number -lt $count; $number++) {
        $user = $Directory.Users[$number % $Directory.Users.Count]
        $round = [int] [math]::Floor($number / $Directory.Users.Count)
        if ($round) { Copy-User $user $round } else { $user }
    }
}

function Copy-User {
    param([hashtable] $User, [int] $Round)
    $copy = $User.Clone()
    $copy.id = '{0:x8}{1}' -f $Round, $User.id.Substring(8)
    $copy.displayName = "$($User.displayName) $Round"
    $copy.userPrincipalName = $User.userPrincipalName.Replace('@', "$Round@")
    $copy.mail = $copy.userPrincipalName
    $copy
}

function Find-SandboxUser {
    # The user with this id or user principal name (the Teams cmdlets also take sip:...), or
    # nothing.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [hashtable] $Directory,
        [Parameter(Mandatory)] [AllowEmptyString()] [string] $Id
    )
    foreach ($user in $Directory.Users) {
        if ($user.id -eq $Id -or $user.userPrincipalName -eq $Id) { return $user }
    }
}

function Get-Organization {
    param([object] $Tenant)
    @{
        id                         = $Tenant.tenant_id
        businessPhones             = @()
        countryLetterCode          = 'US'
        createdDateTime            =
            [datetime]::new(2018, 12, 3, 9, 0, 0, [System.DateTimeKind]::Utc)
        displayName                = $Tenant.display_name
        preferredLanguage          = 'en'
        technicalNotificationMails = @("admin@$($Tenant.name)")
        tenantType                 = 'AAD'
        verifiedDomains            = @(foreach ($domain in $Tenant.domains) {
            [ordered] @{
                capabilities = 'Email, OfficeCommunicationsOnline'
                isDefault = $domain -eq $Tenant.name
                isInitial = $domain -eq $Tenant.initial_domain; name = $domain; type = 'Managed'
            }
        })
    }
}
