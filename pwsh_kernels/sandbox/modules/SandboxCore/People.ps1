# The people of a tenant: one list for every module, so that mailboxes, users, members and owners
# agree.

function New-SandboxGuid {
    # The next GUID of a seeded generator: the same in every session.
    param([System.Random] $Random)
    $bytes = [byte[]]::new(16)
    $Random.NextBytes($bytes)
    [guid]::new($bytes)
}

function Get-SandboxPerson {
    # Everybody who works there, then the accounts that can sign in. -Tenant is a tenant object or
    # one of its names.
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0)] [object] $Tenant)
    $facts = if ($Tenant -is [string]) { Get-SandboxTenant $Tenant } else { $Tenant }
    if (-not $facts) { return }
    if (-not $script:People.ContainsKey($facts.name)) {
        $script:People[$facts.name] = @(New-Staff $facts)
    }
    $script:People[$facts.name]
}

function New-Staff {
    param([object] $Facts)
    $given, $family = $script:Names.First, $script:Names.Last
    for ($number = 0; $number -lt $Facts.users; $number++) {
        $first = $given[$number % $given.Count]
        # The lengths of the lists have no common divisor, and every round of first names starts one
        # last name later, so no pair repeats.
        $last =
            $family[($number + [math]::Floor($number / $given.Count) + $Facts.seed) % $family.Count]
        $ascii = $script:Names.Ascii
        $alias = "$($ascii[$first] ?? $first).$($ascii[$last] ?? $last)".ToLowerInvariant()
        New-Person $Facts $number $first $last $alias `
            $Facts.departments[$number % $Facts.departments.Count] 'Member'
    }
    foreach ($account in $Facts.accounts) {
        $first, $last = $account.display_name.Split(' ', 2)
        New-Person $Facts $number $first $last $account.upn.Split('@')[0] 'Information Technology' `
            $account.role
        $number++
    }
}

function New-Person {
    param(
        [object] $Facts,
        [int] $Number,
        [string] $First,
        [string] $Last,
        [string] $Alias,
        [string] $Department,
        [string] $Role
    )
    $address = "$Alias@$($Facts.name)"
    [pscustomobject] @{
        Number            = $Number
        # The first value of the person's own generator; whatever continues with it (mailboxes) gets
        # the same id.
        Id                =
            (New-SandboxGuid ([System.Random]::new($Facts.seed * 100000 + $Number))).ToString()
        UserPrincipalName = $address
        Mail              = $address
        MailNickname      = $Alias
        DisplayName       = "$First $Last"
        GivenName         = $First
        Surname           = $Last
        Department        = $Department
        JobTitle          = $script:Names.Titles[$Number % $script:Names.Titles.Count]
        Office            = $Facts.offices[$Number % $Facts.offices.Count]
        Phone             = '+1 555 01{0:000}' -f ($Number % 1000)
        UsageLocation     = 'US'
        Role              = $Role
        CreatedAt         =
            [datetime]::new(2019, 1, 7, 8, 0, 0, [System.DateTimeKind]::Utc).AddHours($Number * 11)
    }
}
