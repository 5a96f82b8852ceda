# Reading mailboxes: Get-Mailbox, Get-EXOMailbox, Get-MailboxStatistics.

$script:MinimumProperties = 'ExternalDirectoryObjectId', 'UserPrincipalName', 'Alias',
    'DisplayName', 'EmailAddresses', 'PrimarySmtpAddress',
    'RecipientType', 'RecipientTypeDetails', 'Identity', 'Id', 'ExchangeVersion', 'Name',
    'DistinguishedName', 'OrganizationId', 'Guid'
# Patterns of property names, as far as the sandbox has the properties; the real sets are larger.
$script:PropertySets = @{
    Minimum = @()
    All = @('*')
    AddressList = @('HiddenFromAddressListsEnabled')
    Archive = @('Archive*')
    Audit = @('Audit*')
    Custom = @('CustomAttribute*')
    Delivery = @('Forwarding*', 'DeliverToMailboxAndForward', 'GrantSendOnBehalfTo', 'Max*Size')
    Hold = @(
        'LitigationHold*', 'InPlaceHolds', 'RetainDeletedItemsFor', 'SingleItemRecoveryEnabled'
    )
    Moderation = @('Moderation*')
    Move = @()
    Policy = @('RetentionPolicy')
    PublicFolder = @()
    Quota = @('*Quota', 'UseDatabaseQuotaDefaults')
    Resource = @('*Resource*')
    Retention = @('Retention*', 'Retain*')
    SCL = @()
    SoftDelete = @()
    StatisticsSeed = @('ArchiveStatus', 'ExchangeGuid')
}

function Get-IdentityText {
    # What an identity is looked up by: a text, or whatever names an object of another cmdlet.
    param([object] $Identity)
    foreach ($name in 'ExternalDirectoryObjectId', 'MailboxGuid', 'Guid', 'Identity',
            'UserPrincipalName') {
        if ($Identity -isnot [string] -and $Identity -isnot [guid] -and $Identity.$name) {
            return [string] $Identity.$name
        }
    }
    [string] $Identity
}

function Get-MailboxIndex {
    # Every name by which a mailbox can be found -> the mailboxes of that name.
    param([hashtable] $Organization)
    if ($Organization.Index) { return $Organization.Index }
    Expand-Organization $Organization
    $index = [System.Collections.Generic.Dictionary[string, System.Collections.Generic.List[object]]]::new(
        [System.StringComparer]::OrdinalIgnoreCase)
    foreach ($record in $Organization.Mailboxes) {
        $own = $record.Properties
        $names = @($own.Name; $own.Alias; $own.DisplayName; $own.UserPrincipalName
            $own.ExternalDirectoryObjectId; "$($own.Guid)"; "$($own.ExchangeGuid)"
            $own.DistinguishedName; $own.EmailAddresses -replace '^smtp:')
        foreach ($name in $names | Sort-Object -Unique) {
            if (-not $index.ContainsKey($name)) {
                $index[$name] = [System.Collections.Generic.List[object]]::new()
            }
            $index[$name].Add($record)
        }
    }
    $Organization.Index = $index
    $index
}

function Find-Mailbox {
    # The records for an identity; in names and aliases, * stands for any text.
    param([hashtable] $Organization, [object] $Identity)
    $text = Get-IdentityText $Identity
    if ($text.Contains('*')) {
        Expand-Organization $Organization
        return $Organization.Mailboxes |
            Where-Object {
                $_.Properties.Name -like $text -or $_.Properties.Alias -like $text -or
                    $_.Properties.DisplayName -like $text
            }
    }
    $found = $null
    if ((Get-MailboxIndex $Organization).TryGetValue($text, [ref] $found)) { $found }
}

function Find-OneMailbox {
    # Exactly one record, or the ErrorRecord that says why there is not.
    param([hashtable] $Organization, [object] $Identity, [string] $Cmdlet)
    $found = @(Find-Mailbox $Organization $Identity)
    if ($found.Count -eq 1) { return $found[0] }
    if ($found.Count -eq 0) { return New-NotFoundError $Cmdlet (Get-IdentityText $Identity) }
    New-AmbiguousError $Cmdlet (Get-IdentityText $Identity)
}

function Get-FirstMailbox {
    # All records if they have to be filtered or sorted; otherwise as many as are shown and one
    # more, which reveals that there are more.
    param([hashtable] $Organization, [long] $Limit, [bool] $All)
    if ($All) {
        Expand-Organization $Organization
    }
    else {
        Expand-Organization $Organization ($Limit + 1)
    }
    $Organization.Mailboxes
}

function Select-Mailbox {
    # The records that meet all given conditions.
    param([object[]] $Records, [string] $Filter, [string] $Anr, [string[]] $Type)
    if ($Type) {
        $Records = $Records | Where-Object { $Type -contains $_.Properties.RecipientTypeDetails }
    }
    if ($Anr) {
        $start = [regex]::new('(?i)(^|[\s.:@])' + [regex]::Escape($Anr))
        $Records = $Records |
            Where-Object {
                $start.IsMatch(($_.Properties['Name', 'DisplayName', 'Alias'] +
                    $_.Properties.EmailAddresses) -join ' ')
            }
    }
    if ($Filter -and $Records) {
        $tree = ConvertTo-Filter $Filter @($Records[0].Properties.Keys)
        $Records = $Records | Where-Object { Test-Filter $tree $_.Properties }
    }
    if ($Records) { $Records }
}

function ConvertTo-Mailbox {
    # A copy, so that nobody changes the tenant by changing a result.
    param([hashtable] $Record)
    $mailbox = [pscustomobject] $Record.Properties
    $mailbox.PSObject.TypeNames.Insert(0, 'Microsoft.Exchange.Data.Directory.Management.Mailbox')
    $mailbox
}

function Get-Mailbox {
    [CmdletBinding(DefaultParameterSetName = 'Identity')]
    param(
        [Parameter(Position = 0, ValueFromPipeline, ValueFromPipelineByPropertyName,
            ParameterSetName = 'Identity')]
        [object] $Identity,
        [Parameter(ParameterSetName = 'AnrSet')] [string] $Anr,
        [string] $Filter,
        [ValidateSet('DiscoveryMailbox', 'EquipmentMailbox', 'GroupMailbox', 'LegacyMailbox',
            'LinkedMailbox', 'LinkedRoomMailbox', 'RoomMailbox',
            'SchedulingMailbox', 'SharedMailbox', 'TeamMailbox',
            'UserMailbox')] [string[]] $RecipientTypeDetails,
        [object] $ResultSize,
        [ValidateSet('Name', 'DisplayName', 'Alias', 'Office', 'ServerLegacyDN')] [string] $SortBy,
        [switch] $Archive
    )
    begin { $organization = Get-ActiveOrganization $PSCmdlet }
    process {
        try {
            $limit = Read-ResultSize $ResultSize
            $many = Get-ManyCount $PSBoundParameters
            if ($many) {
                return Write-ManyMailbox $organization $many $limit `
                    $PSBoundParameters.ContainsKey('ResultSize')
            }
            if ($PSBoundParameters.ContainsKey('Identity')) {
                $records = @(Find-Mailbox $organization $Identity)
                if (-not $records) {
                    Write-ErrorMessage (New-NotFoundError 'Get-Mailbox' `
                        (Get-IdentityText $Identity))
                    return
                }
            }
            else {
                $records = @(
                    Get-FirstMailbox $organization $limit ($Filter -or $Anr -or
                        $RecipientTypeDetails -or $SortBy -or $Archive)
                )
            }
            $records = @(Select-Mailbox $records $Filter $Anr $RecipientTypeDetails)
        }
        catch [System.ArgumentException] {
            $PSCmdlet.ThrowTerminatingError((New-ArgumentError $_.Exception.Message))
        }
        if ($Archive) {
            $records = @($records | Where-Object { $_.Properties.ArchiveStatus -eq 'Active' })
        }
        if ($SortBy) { $records = @($records | Sort-Object { $_.Properties[$SortBy] }) }
        foreach ($record in $records | Select-Object -First $limit) { ConvertTo-Mailbox $record }
        if ($records.Count -gt $limit) {
            Write-TruncationWarning $PSBoundParameters.ContainsKey('ResultSize')
        }
    }
}

function Get-EXOMailbox {
    [CmdletBinding(DefaultParameterSetName = 'Identity')]
    param(
        [Parameter(Position = 0, ValueFromPipeline, ValueFromPipelineByPropertyName,
            ParameterSetName = 'Identity')]
        [object] $Identity,
        [Parameter(ParameterSetName = 'Anr')] [string] $Anr,
        [string] $ExternalDirectoryObjectId,
        [string] $UserPrincipalName,
        [string] $PrimarySmtpAddress,
        [string] $Filter,
        [string[]] $Properties,
        [ValidateSet('Minimum', 'All', 'AddressList', 'Archive', 'Audit', 'Custom', 'Delivery',
            'Hold', 'Moderation', 'Move', 'Policy', 'PublicFolder',
            'Quota', 'Resource', 'Retention', 'SCL', 'SoftDelete',
            'StatisticsSeed')] [string[]] $PropertySets =
            @('Minimum'),
        [ValidateSet('DiscoveryMailbox', 'EquipmentMailbox', 'GroupMailbox', 'LegacyMailbox',
            'LinkedMailbox', 'LinkedRoomMailbox', 'RoomMailbox',
            'SchedulingMailbox', 'SharedMailbox', 'TeamMailbox',
            'UserMailbox')] [string[]] $RecipientTypeDetails,
        [object] $ResultSize,
        [switch] $Archive
    )
    begin { $organization = Get-ActiveOrganization $PSCmdlet }
    process {
        $wanted = @(
            $Identity, $ExternalDirectoryObjectId, $UserPrincipalName, $PrimarySmtpAddress |
                Where-Object { $_ }
        )
        try {
            $limit = Read-ResultSize $ResultSize
            $many = Get-ManyCount $PSBoundParameters
            if ($many) {
                $columns = @(
                    Select-PropertyName @(
                        (Get-FirstMailbox $organization 1 $false)[0].Properties.Keys
                    ) $PropertySets $Properties
                )
                return Write-ManyMailbox $organization $many $limit `
                    $PSBoundParameters.ContainsKey('ResultSize') |
                    Select-Object -Property $columns
            }
            if ($wanted) {
                $records = @(Find-Mailbox $organization $wanted[0])
                if (-not $records) {
                    $PSCmdlet.WriteError(
                        (New-RestError 'Get-EXOMailbox' (Get-IdentityText $wanted[0])))
                    return
                }
            }
            else {
                $records = @(
                    Get-FirstMailbox $organization $limit ($Filter -or $Anr -or
                        $RecipientTypeDetails -or $Archive)
                )
            }
            $columns = @(
                Select-PropertyName @($records[0].Properties.Keys) $PropertySets $Properties
            )
            $records = @(Select-Mailbox $records $Filter $Anr $RecipientTypeDetails)
        }
        catch [System.ArgumentException] {
            $PSCmdlet.ThrowTerminatingError((New-ArgumentError $_.Exception.Message))
        }
        if ($Archive) {
            $records = @($records | Where-Object { $_.Properties.ArchiveStatus -eq 'Active' })
        }
        foreach ($record in $records | Select-Object -First $limit) {
            [pscustomobject] $record.Properties | Select-Object -Property $columns
        }
        if ($records.Count -gt $limit) {
            Write-TruncationWarning $PSBoundParameters.ContainsKey('ResultSize')
        }
    }
}

function Select-PropertyName {
    # The names of the requested property sets and properties; every set includes the minimum.
    param([string[]] $Known, [string[]] $Sets, [string[]] $Names)
    foreach ($name in $Names) {
        if ($name -ne '*' -and $Known -notcontains $name) {
            throw [System.ArgumentException]::new(
                "The property '$name' is not supported by Get-EXOMailbox.")
        }
    }
    $patterns = @($Sets | ForEach-Object { $script:PropertySets[$_] }) + @($Names)
    $more = $Known |
        Where-Object { $name = $_; $patterns | Where-Object { $_ -and $name -like $_ } }
    @($script:MinimumProperties) + @($more) | Select-Object -Unique
}

function Get-MailboxStatistics {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipeline, ValueFromPipelineByPropertyName)]
        [object] $Identity,
        [switch] $Archive
    )
    begin { $organization = Get-ActiveOrganization $PSCmdlet }
    process {
        $record = @(Find-Mailbox $organization $Identity)[0]
        if ($record -and -not ($Archive -and $record.Properties.ArchiveStatus -ne 'Active')) {
            return New-MailboxStatistic $organization $record $Archive
        }
        $text = "The specified mailbox Identity:`"$(Get-IdentityText $Identity)`" doesn't exist."
        Write-ErrorMessage (New-ServerError 'Get-MailboxStatistics' 'Ex0C8B1F' `
            'Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException' $text)
    }
}

function New-MailboxStatistic {
    param([hashtable] $Organization, [hashtable] $Record, [bool] $Archive)
    $own = $Record.Properties
    $random = [System.Random]::new($Organization.Facts.seed * 100000 + 50000 + $Record.Number)
    $items = $random.Next(12, 90000)
    $deleted = $random.Next(0, 2000)
    $statistics = [pscustomobject] [ordered] @{
        DisplayName          = $own.DisplayName
        ItemCount            = $items
        TotalItemSize        = Format-Size ([uint64] ($items * $random.Next(20000, 110000)))
        DeletedItemCount     = $deleted
        TotalDeletedItemSize = Format-Size ([uint64] ($deleted * $random.Next(20000, 60000)))
        StorageLimitStatus   = $null
        LastLogonTime        = [datetime]::new(2026, 11, 20, 16, 0, 0,
            [System.DateTimeKind]::Utc).AddMinutes( - $random.Next(60 * 24 * 90))
        MailboxType          = if ($Archive) { 'Archive' } else { 'Private' }
        MailboxTypeDetail    = $own.RecipientTypeDetails
        IsArchiveMailbox     = $Archive
        MailboxGuid          = $own.ExchangeGuid
        OwnerADGuid          = $own.Guid
        Database             = $own.Database
        ServerName           = $own.ServerName
        Identity             = "$($own.ExchangeGuid)"
    }
    $statistics.PSObject.TypeNames.Insert(0,
        'Microsoft.Exchange.Management.MapiTasks.Presentation.MailboxStatistics')
    $statistics
}
