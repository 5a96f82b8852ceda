# Teams, their channels and members, and new teams.

function Get-Team {
    [CmdletBinding(DefaultParameterSetName = 'Filter')]
    param(
        [Parameter(Mandatory, ParameterSetName = 'Identity', ValueFromPipelineByPropertyName)]
        [string] $GroupId,
        [Parameter(ParameterSetName = 'Filter')] [string] $User,
        [Parameter(ParameterSetName = 'Filter')] [System.Nullable[bool]] $Archived,
        [Parameter(ParameterSetName = 'Filter')] [string] $Visibility,
        [Parameter(ParameterSetName = 'Filter')] [string] $DisplayName,
        [Parameter(ParameterSetName = 'Filter')] [string] $MailNickName,
        [Parameter(ParameterSetName = 'Filter')] [int] $NumberOfThreads
    )
    process {
        $directory = Get-TeamDirectory $PSCmdlet
        if ($GroupId) { return ConvertTo-Team (Find-Team $PSCmdlet $directory $GroupId) }
        $teams = $directory.Groups.Where({ $_.resourceProvisioningOptions -contains 'Team' })
        if ($User) {
            $id = (Find-SandboxUser $directory $User).id
            $teams = $teams.Where({ $id -and $_.members.Contains($id) })
        }
        if ($Visibility) { $teams = $teams.Where({ $_.visibility -eq $Visibility }) }
        # As in the real one, part of the name is enough.
        if ($DisplayName) {
            $teams = $teams.Where({ $_.displayName.Contains($DisplayName, 'OrdinalIgnoreCase') })
        }
        if ($MailNickName) { $teams = $teams.Where({ $_.mailNickname -eq $MailNickName }) }
        if ($Archived) { return }
        foreach ($team in $teams) { ConvertTo-Team $team }
    }
}

function Find-Team {
    # The group of a team; ends the calling cmdlet if there is none.
    param(
        [System.Management.Automation.PSCmdlet] $Caller,
        [hashtable] $Directory,
        [string] $GroupId
    )
    $team = $Directory.Groups.Where({
        $_.id -eq $GroupId -and $_.resourceProvisioningOptions -contains 'Team'
    })
    if ($team) { return $team[0] }
    $Caller.ThrowTerminatingError(
        (New-ApiError $Caller.MyInvocation.MyCommand.Name 'NotFound' `
            "No team found with Group Id $GroupId"))
}

function ConvertTo-Team {
    param([hashtable] $Group)
    [pscustomobject] @{
        PSTypeName                        =
            'Microsoft.TeamsCmdlets.PowerShell.Custom.Model.TeamSettings'
        GroupId                           = $Group.id
        InternalId                        = "19:$($Group.id.Replace('-', ''))@thread.tacv2"
        DisplayName                       = $Group.displayName
        Description                       = $Group.description
        Visibility                        = $Group.visibility
        MailNickName                      = $Group.mailNickname
        Classification                    = $Group.classification
        Archived                          = $false
        AllowGiphy                        = $true
        GiphyContentRating                = 'moderate'
        AllowStickersAndMemes             = $true
        AllowCustomMemes                  = $true
        AllowGuestCreateUpdateChannels    = $false
        AllowGuestDeleteChannels          = $false
        AllowCreateUpdateChannels         = $true
        AllowDeleteChannels               = $true
        AllowAddRemoveApps                = $true
        AllowCreateUpdateRemoveTabs       = $true
        AllowCreateUpdateRemoveConnectors = $true
        AllowUserEditMessages             = $true
        AllowUserDeleteMessages           = $true
        AllowOwnerDeleteMessages          = $true
        AllowTeamMentions                 = $true
        AllowChannelMentions              = $true
        ShowInTeamsSearchAndSuggestions   = $true
    }
}

function Get-TeamChannel {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, ValueFromPipelineByPropertyName)] [string] $GroupId,
        [ValidateSet('Standard', 'Private', 'Shared')] [string] $MembershipType
    )
    process {
        $team = Find-Team $PSCmdlet (Get-TeamDirectory $PSCmdlet) $GroupId
        $channels = @(
            @{
                Name = 'General'
                Kind = 'Standard'
            }, @{ Name = 'Announcements'; Kind = 'Standard' }, @{ Name = 'Leads'; Kind = 'Private' }
        )
        if ($team.fresh) { $channels = $channels[0..0] }
        for ($number = 0; $number -lt $channels.Count; $number++) {
            if ($MembershipType -and $channels[$number].Kind -ne $MembershipType) { continue }
            [pscustomobject] @{
                PSTypeName = 'Microsoft.TeamsCmdlets.PowerShell.Custom.Model.Channel'
                Id = "19:$($team.id.Replace('-', ''))$number@thread.tacv2"
                DisplayName = $channels[$number].Name
                Description = "$($channels[$number].Name) of $($team.displayName)"
                MembershipType = $channels[$number].Kind
                HostTeamId = $team.id; TenantId = $script:Connection.Tenant.tenant_id
            }
        }
    }
}

function Get-TeamUser {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, ValueFromPipelineByPropertyName)] [string] $GroupId,
        [ValidateSet('Owner', 'Member', 'Guest')] [string] $Role
    )
    process {
        $directory = Get-TeamDirectory $PSCmdlet
        $team = Find-Team $PSCmdlet $directory $GroupId
        foreach ($user in $directory.Users) {
            if (-not $team.members.Contains($user.id)) { continue }
            $his = if ($team.owners.Contains($user.id)) { 'owner' } else { 'member' }
            if ($Role -and $Role -ne $his) { continue }
            [pscustomobject] @{
                PSTypeName =
                    'Microsoft.TeamsCmdlets.PowerShell.Custom.GetTeamUser+GetTeamUserResponse'
                UserId = $user.id
                User = $user.userPrincipalName
                Name = $user.displayName
                Role = $his
            }
        }
    }
}

function New-Team {
    # The real one knows neither -WhatIf nor -Confirm.
    [CmdletBinding(DefaultParameterSetName = 'CreateTeam')]
    param(
        [Parameter(Mandatory, ParameterSetName = 'CreateTeam')] [string] $DisplayName,
        [Parameter(ParameterSetName = 'CreateTeam')] [string] $Description,
        [Parameter(ParameterSetName = 'CreateTeam')] [string] $MailNickName,
        [Parameter(ParameterSetName = 'CreateTeam')]
        [ValidateSet('Public', 'Private', 'HiddenMembership')] [string] $Visibility = 'Private',
        [Parameter(Mandatory, ParameterSetName = 'MigrateGroup')] [string] $GroupId,
        [string] $Owner
    )
    $directory = Get-TeamDirectory $PSCmdlet
    if (-not (Test-Administrator)) {
        $PSCmdlet.ThrowTerminatingError(
            (New-ApiError 'New-Team' 'Authorization_RequestDenied' `
                'Insufficient privileges to complete the operation.'))
    }
    $name = if ($Owner) { $Owner } else { $script:Connection.Identity.Account }
    $person = Find-SandboxUser $directory $name
    # Applications have no account, so without -Owner their team would have no owner.
    if (-not $person) {
        $PSCmdlet.ThrowTerminatingError((New-ApiError 'New-Team' 'Request_ResourceNotFound' `
            ("Resource '$name' does not exist or one of its queried " +
                'reference-property objects are not present.')))
    }
    if ($GroupId) { return Convert-Group $PSCmdlet $directory $GroupId }
    $alias = if ($MailNickName) { $MailNickName } else { $DisplayName -replace '\W', '' }
    if ($directory.Groups.Where({ $_.mailNickname -eq $alias })) {
        $PSCmdlet.ThrowTerminatingError(
            (New-ApiError 'New-Team' 'Request_BadRequest' ('Another object with the same value ' +
                'for property mailNickname already exists.')))
    }
    ConvertTo-Team (Add-SandboxGroup $directory @{
        displayName = $DisplayName
        mailNickname = $alias
        description = $Description
        visibility = $Visibility
        groupTypes = @('Unified')
        mailEnabled = $true
        securityEnabled = $false
        resourceProvisioningOptions = @('Team')
        createdDateTime = [datetime]::UtcNow
        fresh = $true
    } @() @($person.id))
}

function Convert-Group {
    # A Microsoft 365 group becomes a team.
    param(
        [System.Management.Automation.PSCmdlet] $Caller,
        [hashtable] $Directory,
        [string] $GroupId
    )
    $group = $Directory.Groups.Where({ $_.id -eq $GroupId }, 'First')
    if (-not $group -or $group[0].groupTypes -notcontains 'Unified') {
        $Caller.ThrowTerminatingError(
            (New-ApiError 'New-Team' 'NotFound' "No group found with Group Id $GroupId"))
    }
    if ($group[0].resourceProvisioningOptions -contains 'Team') {
        $Caller.ThrowTerminatingError(
            (New-ApiError 'New-Team' 'Conflict' ("The group is already provisioned. GroupId: " +
                "$GroupId")))
    }
    $group[0].resourceProvisioningOptions = @('Team')
    ConvertTo-Team $group[0]
}
