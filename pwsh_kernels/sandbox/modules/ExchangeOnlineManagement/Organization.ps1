# The generated data of a tenant: the same in every session at first, then changed only by that
# session's own cmdlets.

$script:FreeAttributes = 2..15 | ForEach-Object { "CustomAttribute$_" }
# Made once, because every mailbox has them.
$script:Plans = @{
    Standard = @{ Warning = Format-Size 48GB; Send = Format-Size 49GB; Receive = Format-Size 50GB }
    Large = @{ Warning = Format-Size 98GB; Send = Format-Size 99GB; Receive = Format-Size 100GB }
    Recoverable = Format-Size 30GB; MaxSend = Format-Size 35MB; MaxReceive = Format-Size 36MB
}

function Get-Organization {
    # Returns @{ Facts; Extra; Plan; Mailboxes; Index }: Plan names every mailbox, Mailboxes are
    # those made so far. Naming them takes longer than the rest of a sign-in, so it is left to the
    # first cmdlet that needs one.
    param([object] $Facts, [switch] $WithoutMailboxes)
    if (-not $script:Organizations.ContainsKey($Facts.name)) {
        $script:Organizations[$Facts.name] = @{
            Facts = $Facts
            Extra = $script:Extra[$Facts.name]
            Index = $null
            Plan = $null
            Mailboxes = [System.Collections.Generic.List[object]]::new()
        }
    }
    $organization = $script:Organizations[$Facts.name]
    if (-not $WithoutMailboxes -and $null -eq $organization.Plan) { Add-Plan $organization }
    $organization
}

function Add-Plan {
    param([hashtable] $Organization)
    $facts, $extra = $Organization.Facts, $Organization.Extra
    $Organization.Plan = [System.Collections.Generic.List[object]]::new()
    # In the order of the people's numbers: the generator of a number makes the same ids here and in
    # the directory.
    foreach ($person in Get-SandboxPerson $facts) {
        $Organization.Plan.Add(@($person.DisplayName, $person.MailNickname, 'UserMailbox',
            $person.Department))
    }
    foreach ($number in 0..($extra.Shared - 1)) { Add-SharedMailbox $Organization $number }
    foreach ($number in 0..($extra.Rooms - 1)) {
        $office = $facts.offices[$number % $facts.offices.Count]
        Add-Mailbox $Organization ('Room {0} {1}' -f $office, (101 + $number)) ('room.{0}.{1}' -f
            $office.ToLowerInvariant(), (101 + $number)) 'RoomMailbox'
    }
    foreach ($number in 0..($extra.Equipment - 1)) {
        Add-Mailbox $Organization ('Equipment {0:00}' -f
            ($number + 1)) ('equipment{0:00}' -f ($number + 1)) 'EquipmentMailbox'
    }
}

function Add-SharedMailbox {
    param([hashtable] $Organization, [int] $Number)
    $names = $Organization.Extra.SharedNames
    $name = $names[$Number % $names.Count]
    if ($Number -ge $names.Count) {
        $name = '{0} {1}' -f $name, (1 + [math]::Floor($Number / $names.Count))
    }
    Add-Mailbox $Organization $name $name.Replace(' ', '').ToLowerInvariant() 'SharedMailbox'
}

function Add-Mailbox {
    param(
        [hashtable] $Organization,
        [string] $Name,
        [string] $Alias,
        [string] $Type,
        [string] $Department
    )
    $Organization.Plan.Add(@($Name, $Alias, $Type, $Department))
    $Organization.Index = $null
}

function Expand-Organization {
    # Makes the first mailboxes of the plan, or all. Each takes a millisecond, so nobody waits for
    # more than they ask for.
    param([hashtable] $Organization, [long] $Count = [long]::MaxValue)
    $wanted = [math]::Min($Count, $Organization.Plan.Count)
    while ($Organization.Mailboxes.Count -lt $wanted) {
        $number = $Organization.Mailboxes.Count
        $name, $alias, $type, $department = $Organization.Plan[$number]
        $Organization.Mailboxes.Add(
            (New-MailboxRecord $Organization $number $name $alias $type $department))
    }
}

function New-MailboxRecord {
    # @{ Number; Properties }: a seeded generator makes every value, so that each session sees the
    # same tenant.
    param(
        [hashtable] $Organization,
        [int] $Number,
        [string] $Name,
        [string] $Alias,
        [string] $Type,
        [string] $Department
    )
    $facts = $Organization.Facts
    $random = [System.Random]::new($facts.seed * 100000 + $Number)
    $entra = New-SandboxGuid $random
    $exchange = New-SandboxGuid $random
    $created = [datetime]::new(2019, 1, 7, 8, 0, 0,
        [System.DateTimeKind]::Utc).AddMinutes($random.Next(60 * 24 * 2400))
    $changed = $created.AddDays($random.Next(1, 300))
    $quota = if ($Type -eq 'UserMailbox' -and $random.Next(2)) {
        $script:Plans.Large
    }
    else {
        $script:Plans.Standard
    }
    $container = "$($facts.initial_domain.Split('.')[0]).SANDBOXPR01A001.PROD.OUTLOOK.COM"
    $database = $Organization.Extra.Database -f $random.Next(1, 200), $random.Next(1, 100)
    $resource = @{ RoomMailbox = 'Room'; EquipmentMailbox = 'Equipment' }[$Type]
    $properties = [ordered] @{
        Name                          = $Name
        Alias                         = $Alias
        DisplayName                   = $Name
        Database                      = $database
        ServerName                    = $database.Split('-')[0].ToLowerInvariant()
        ProhibitSendQuota             = $quota.Send
        ProhibitSendReceiveQuota      = $quota.Receive
        IssueWarningQuota             = $quota.Warning
        UseDatabaseQuotaDefaults      = $false
        RecoverableItemsQuota         = $script:Plans.Recoverable
        MaxSendSize                   = $script:Plans.MaxSend
        MaxReceiveSize                = $script:Plans.MaxReceive
        ExternalDirectoryObjectId     = $entra.ToString()
        ExchangeGuid                  = $exchange
        Guid                          = New-SandboxGuid $random
        UserPrincipalName             = "$Alias@$($facts.name)"
        WindowsLiveID                 = "$Alias@$($facts.name)"
        MicrosoftOnlineServicesID     = "$Alias@$($facts.name)"
        PrimarySmtpAddress            = "$Alias@$($facts.name)"
        WindowsEmailAddress           = "$Alias@$($facts.name)"
        EmailAddresses                =
            @("SMTP:$Alias@$($facts.name)", "smtp:$Alias@$($facts.initial_domain)")
        RecipientType                 = 'UserMailbox'
        RecipientTypeDetails          = $Type
        IsMailboxEnabled              = $true
        IsShared                      = $Type -eq 'SharedMailbox'
        IsResource                    = [bool] $resource
        ResourceType                  = $resource
        ResourceCapacity              = if ($Type -eq 'RoomMailbox') {
            4 + 2 * $random.Next(10)
        }
        else {
            $null
        }
        AccountDisabled               = $Type -ne 'UserMailbox'
        SKUAssigned                   = $Type -eq 'UserMailbox'
        UsageLocation                 = 'United States'
        Office                        = $facts.offices[$Number % $facts.offices.Count]
        Languages                     = @('en-US')
        HiddenFromAddressListsEnabled = $false
        ForwardingAddress             = $null
        ForwardingSmtpAddress         = $null
        DeliverToMailboxAndForward    = $false
        GrantSendOnBehalfTo           = @()
        LitigationHoldEnabled         = $random.Next(20) -eq 0
        LitigationHoldDate            = $null
        InPlaceHolds                  = @()
        ArchiveStatus                 = if ($Type -eq 'UserMailbox' -and $random.Next(4) -eq 0) {
            'Active'
        }
        else {
            'None'
        }
        ArchiveGuid                   = [guid]::Empty
        RetentionPolicy               = 'Default MRM Policy'
        RetainDeletedItemsFor         = [timespan]::FromDays(14)
        SingleItemRecoveryEnabled     = $true
        AuditEnabled                  = $true
        AuditLogAgeLimit              = [timespan]::FromDays(90)
        MailTip                       = $null
        ModerationEnabled             = $false
        CustomAttribute1              = $Department
        Identity                      = $Name
        Id                            = $Name
        DistinguishedName             = "CN=$Name,OU=$($facts.initial_domain),OU=Microsoft " +
            "Exchange Hosted Organizations,DC=SANDBOXPR01A001,DC=PROD,DC=OUTLOOK,DC=COM"
        OrganizationId                = "$container/Microsoft Exchange Hosted " +
            "Organizations/$($facts.initial_domain) - " +
            "$container/ConfigurationUnits/$($facts.initial_domain)/Configuration"
        OrganizationalUnit            =
            "$container/Microsoft Exchange Hosted Organizations/$($facts.initial_domain)"
        ExchangeVersion               = '0.20 (15.0.0.0)'
        WhenCreated                   = $created
        WhenCreatedUTC                = $created
        WhenMailboxCreated            = $created
        WhenChanged                   = $changed
        WhenChangedUTC                = $changed
        IsValid                       = $true
    }
    foreach ($attribute in $script:FreeAttributes) { $properties[$attribute] = '' }
    @{ Number = $Number; Properties = $properties }
}
