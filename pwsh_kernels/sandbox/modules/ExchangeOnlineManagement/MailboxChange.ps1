# Changing mailboxes: New-Mailbox and Set-Mailbox. A change lives as long as the session.

$script:TypeDetails = @{
    Regular = 'UserMailbox'
    Shared = 'SharedMailbox'
    Room = 'RoomMailbox'
    Equipment = 'EquipmentMailbox'
}
$script:Quotas = 'IssueWarningQuota', 'ProhibitSendQuota', 'ProhibitSendReceiveQuota'
$script:AddressPattern = '^[A-Za-z0-9!#$%&''*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$'

function Set-Mailbox {
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium')]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipeline, ValueFromPipelineByPropertyName)]
        [object] $Identity,
        [string] $Name, [string] $DisplayName, [string] $Alias, [string] $Office, [string] $MailTip,
        [string] $RetentionPolicy,
        [object] $EmailAddresses, [string] $WindowsEmailAddress,
        [string] $MicrosoftOnlineServicesID,
        [object] $IssueWarningQuota, [object] $ProhibitSendQuota,
        [object] $ProhibitSendReceiveQuota,
        [object] $MaxSendSize, [object] $MaxReceiveSize,
        [object] $ForwardingAddress, [string] $ForwardingSmtpAddress,
        [bool] $DeliverToMailboxAndForward, [object] $GrantSendOnBehalfTo,
        [bool] $HiddenFromAddressListsEnabled, [bool] $LitigationHoldEnabled,
        [bool] $SingleItemRecoveryEnabled, [bool] $AuditEnabled,
        [bool] $AccountDisabled, [timespan] $RetainDeletedItemsFor, [timespan] $AuditLogAgeLimit,
        [string[]] $Languages,
        [ValidateSet('Regular', 'Room', 'Equipment', 'Shared')]
        [string] $Type, [int] $ResourceCapacity,
        [string] $CustomAttribute1, [string] $CustomAttribute2, [string] $CustomAttribute3,
        [string] $CustomAttribute4, [string] $CustomAttribute5,
        [string] $CustomAttribute6, [string] $CustomAttribute7, [string] $CustomAttribute8,
        [string] $CustomAttribute9, [string] $CustomAttribute10,
        [string] $CustomAttribute11, [string] $CustomAttribute12, [string] $CustomAttribute13,
        [string] $CustomAttribute14, [string] $CustomAttribute15,
        [switch] $Force
    )
    begin { $organization = Get-ActiveOrganization $PSCmdlet }
    process {
        $record = Find-OneMailbox $organization $Identity 'Set-Mailbox'
        if ($record -is [System.Management.Automation.ErrorRecord]) {
            Write-ErrorMessage $record
            return
        }
        try {
            $changes = ConvertTo-Change $organization $record $PSBoundParameters
        }
        catch [System.FormatException] {
            $PSCmdlet.ThrowTerminatingError((New-ArgumentError $_.Exception.Message))
        }
        catch [System.ArgumentException] {
            Write-ErrorMessage (New-ServerError 'Set-Mailbox' 'ExA6A1D2' `
                'Microsoft.Exchange.Data.DataValidationException' $_.Exception.Message)
            return
        }
        $action = "Setting mailbox Identity:`"$($record.Properties.Identity)`"."
        if (-not (Confirm-SandboxChange $PSCmdlet $action,
                "Are you sure you want to perform this action?`n$action",
                'Confirm')) {
            return
        }
        if (Set-Record $organization $record $changes) { return }
        Write-Warning ("The command completed successfully but no settings of " +
            "'$($record.Properties.Identity)' have been modified.")
    }
}

function ConvertTo-Change {
    # The properties that the given parameters set, in the form in which Get-Mailbox shows them.
    # Throws FormatException or ArgumentException.
    param(
        [hashtable] $Organization,
        [hashtable] $Record,
        [System.Collections.Generic.Dictionary[string, object]] $Given
    )
    $changes = @{}
    foreach ($name in $Given.Keys |
            Where-Object { $Record.Properties.Contains($_) -and $_ -ne 'Identity' }) {
        $value = $Given[$name]
        $changes[$name] = switch -Regex ($name) {
            'Quota$|^Max.*Size$' { Format-Quota (Read-Size $name $value); break }
            '^EmailAddresses$' {
                , (Get-ChangedAddress $Record.Properties.EmailAddresses $value)
                break
            }
            '^ForwardingAddress$' { Get-RecipientName $Organization $value; break }
            '^ForwardingSmtpAddress$' {
                if ($value) { "smtp:$(Assert-Address ($value -replace '^smtp:'))" }
                break
            }
            '^GrantSendOnBehalfTo$' {
                , @($value | ForEach-Object { Get-RecipientName $Organization $_ })
                break
            }
            default { , $value }
        }
    }
    if ($Given.ContainsKey('Type')) { $changes += Get-TypeChange $Given['Type'] }
    if ($Given.ContainsKey('WindowsEmailAddress')) {
        $changes += Get-PrimaryChange $Record $Given['WindowsEmailAddress']
    }
    if ($Given.ContainsKey('MicrosoftOnlineServicesID')) {
        $changes.UserPrincipalName = Assert-Address $Given['MicrosoftOnlineServicesID']
    }
    if ($Given.ContainsKey('Name')) { $changes.Identity = $changes.Id = $Given['Name'] }
    if ($Given.ContainsKey('LitigationHoldEnabled')) {
        $changes.LitigationHoldDate = if ($Given['LitigationHoldEnabled']) { [datetime]::UtcNow }
    }
    Assert-Quota $Record.Properties $changes
    Assert-Free $Organization $Record @($changes.UserPrincipalName; $changes.EmailAddresses)
    $changes
}

function Get-TypeChange {
    param([string] $Type)
    @{
        RecipientTypeDetails = $script:TypeDetails[$Type]
        IsShared = $Type -eq 'Shared'
        IsResource = $Type -in 'Room', 'Equipment'
        ResourceType = if ($Type -in 'Room', 'Equipment') { $Type } else { $null }
        AccountDisabled = $Type -ne 'Regular'
    }
}

function Get-PrimaryChange {
    # Sets a new primary address; the old one stays as a secondary address.
    param([hashtable] $Record, [string] $Address)
    $null = Assert-Address $Address
    $others = @(
        $Record.Properties.EmailAddresses -replace '^SMTP:', 'smtp:' |
            Where-Object { $_ -ne "smtp:$Address" }
    )
    @{ PrimarySmtpAddress = $Address; EmailAddresses = @("SMTP:$Address") + $others }
}

function Get-ChangedAddress {
    # A whole list, or @{ Add = ...; Remove = ... } applied to the present one.
    param([string[]] $Present, [object] $Value)
    $typed = { param($address) if ($address -match '^smtp:') { $address } else { "smtp:$address" } }
    if ($Value -isnot [System.Collections.IDictionary]) {
        return @($Value | ForEach-Object { & $typed $_ })
    }
    $gone = @($Value['Remove'] | Where-Object { $_ } | ForEach-Object { & $typed $_ })
    $new = @(
        $Value['Add'] | Where-Object { $_ } |
            ForEach-Object { & $typed (Assert-Address ($_ -replace '^smtp:')) }
    )
    @($Present | Where-Object { $gone -notcontains $_ }) + $new
}

function Assert-Address {
    param([string] $Address)
    if ($Address -notmatch $script:AddressPattern) {
        throw [System.ArgumentException]::new(
            "The email address `"$Address`" isn't correct. Please use this format: user name, " +
            "the @ sign, followed by the domain name. For example, tonysmith@contoso.com.")
    }
    $Address
}

function Get-RecipientName {
    param([hashtable] $Organization, [object] $Identity)
    if (-not $Identity) { return $null }
    $found = @(Find-Mailbox $Organization $Identity)
    if ($found.Count -ne 1) {
        throw [System.ArgumentException]::new((Get-NotFoundText (Get-IdentityText $Identity)))
    }
    $found[0].Properties.Name
}

function Assert-Quota {
    # The quotas must be in order: warning, then no sending, then no receiving.
    param([System.Collections.IDictionary] $Present, [hashtable] $Changes)
    if (-not ($script:Quotas | Where-Object { $Changes.ContainsKey($_) })) { return }
    $bytes = foreach ($name in $script:Quotas) {
        $size = Read-Size $name $(if ($Changes.ContainsKey($name)) {
            $Changes[$name]
        }
            else {
                $Present[$name]
            })
        if ($null -eq $size) { [uint64]::MaxValue } else { $size }
    }
    foreach ($index in 1, 2) {
        if ($bytes[$index] -lt $bytes[$index - 1]) {
            throw [System.ArgumentException]::new(
                "The value of property '$($script:Quotas[$index])' must be greater than or equal " +
                "to that of property '$($script:Quotas[$index - 1])'.")
        }
    }
}

function Assert-Free {
    # No two mailboxes may share an address.
    param([hashtable] $Organization, [hashtable] $Record, [string[]] $Addresses)
    foreach ($address in $Addresses | Where-Object { $_ }) {
        $owner = @(Find-Mailbox $Organization ($address -replace '^smtp:')) |
            Where-Object { $_ -ne $Record } | Select-Object -First 1
        if ($owner) {
            throw [System.ArgumentException]::new("The proxy address " +
                "`"SMTP:$($address -replace '^smtp:')`" is already being used by the proxy " +
                "addresses or LegacyExchangeDN of " +
                "`"$($owner.Properties.Name)`". Please choose another proxy address.")
        }
    }
}

function Set-Record {
    # Applies the changes; true if at least one value is different.
    param([hashtable] $Organization, [hashtable] $Record, [hashtable] $Changes)
    $changed = @(
        $Changes.Keys |
            Where-Object {
                "$($Record.Properties[$_])" -cne "$($Changes[$_])" -and $_ -ne 'LitigationHoldDate'
            }
    )
    if (-not $changed) { return $false }
    foreach ($name in $Changes.Keys) { $Record.Properties[$name] = $Changes[$name] }
    $Record.Properties.WhenChanged = $Record.Properties.WhenChangedUTC = [datetime]::UtcNow
    $Organization.Index = $null
    $true
}

function New-Mailbox {
    [CmdletBinding(SupportsShouldProcess, ConfirmImpact = 'Medium',
        DefaultParameterSetName = 'EnabledUser')]
    param(
        [Parameter(Mandatory, Position = 0)] [string] $Name,
        [Parameter(Mandatory, ParameterSetName = 'EnabledUser')] [securestring] $Password,
        [Parameter(ParameterSetName = 'EnabledUser')] [Alias('WindowsLiveID')]
        [string] $MicrosoftOnlineServicesID,
        [Parameter(Mandatory, ParameterSetName = 'Shared')] [switch] $Shared,
        [Parameter(Mandatory, ParameterSetName = 'Room')] [switch] $Room,
        [Parameter(Mandatory, ParameterSetName = 'Equipment')] [switch] $Equipment,
        [string] $Alias, [string] $DisplayName, [string] $FirstName, [string] $LastName,
        [string] $PrimarySmtpAddress,
        [bool] $ResetPasswordOnNextLogon,
        [Parameter(ParameterSetName = 'Room')] [int] $ResourceCapacity, [switch] $Force
    )
    $organization = Get-ActiveOrganization $PSCmdlet
    if (-not $Alias) {
        $Alias = if ($MicrosoftOnlineServicesID) { $MicrosoftOnlineServicesID.Split('@')[0] }
        else { $Name -replace '[^A-Za-z0-9.]' }
    }
    try {
        $address = Assert-Address $(
            if ($PrimarySmtpAddress) { $PrimarySmtpAddress }
            elseif ($MicrosoftOnlineServicesID) { $MicrosoftOnlineServicesID }
            else { "$Alias@$($organization.Facts.name)" }
        )
        Assert-Free $organization @{} @($address, $Alias, $Name)
    }
    catch [System.ArgumentException] {
        return Write-ErrorMessage (New-ServerError 'New-Mailbox' 'ExE9E2F5' `
            'Microsoft.Exchange.Data.Directory.ProxyAddressExistsException' $_.Exception.Message)
    }
    $action = "Creating mailbox `"$Name`" with address `"$address`"."
    if (-not (Confirm-SandboxChange $PSCmdlet $action,
            "Are you sure you want to perform this action?`n$action",
            'Confirm')) {
        return
    }
    $type = if ($PSCmdlet.ParameterSetName -eq 'EnabledUser') {
        'UserMailbox'
    }
    else {
        "$($PSCmdlet.ParameterSetName)Mailbox"
    }
    Add-Mailbox $organization $Name $Alias $type
    Expand-Organization $organization
    $record = $organization.Mailboxes[-1]
    foreach ($property in 'UserPrincipalName', 'WindowsLiveID', 'MicrosoftOnlineServicesID',
            'PrimarySmtpAddress', 'WindowsEmailAddress') {
        $record.Properties[$property] = $address
    }
    $record.Properties.EmailAddresses =
        @("SMTP:$address", "smtp:$Alias@$($organization.Facts.initial_domain)")
    if ($DisplayName) { $record.Properties.DisplayName = $DisplayName }
    if ($ResourceCapacity) { $record.Properties.ResourceCapacity = $ResourceCapacity }
    foreach ($moment in 'WhenCreated', 'WhenCreatedUTC', 'WhenMailboxCreated', 'WhenChanged',
            'WhenChangedUTC') {
        $record.Properties[$moment] = [datetime]::UtcNow
    }
    ConvertTo-Mailbox $record
}
