# Users as Teams shows them, and the cmdlets that change their telephony.

$script:CsNames = @{
    UserPrincipalName = 'userPrincipalName'
    DisplayName = 'displayName'
    Alias = 'mailNickname'
    FirstName = 'givenName'
    GivenName = 'givenName'
    LastName = 'surname'
    Department = 'department'
    City = 'city'
    Title = 'jobTitle'
    UsageLocation = 'usageLocation'
    Company = 'companyName'
    Identity = 'id'; AccountEnabled = 'accountEnabled'
}

function Get-CsOnlineUser {
    [CmdletBinding(DefaultParameterSetName = 'Filter')]
    param(
        [Parameter(Position = 0, ValueFromPipeline, ValueFromPipelineByPropertyName,
            ParameterSetName = 'Identity')]
        [Alias('UserPrincipalName')] [string] $Identity,
        [Parameter(ParameterSetName = 'Filter')] [string] $Filter,
        [Parameter(ParameterSetName = 'Filter')] [Alias('OrderBy')] [string] $Sort,
        [ValidateRange(1, [int]::MaxValue)] [int] $ResultSize = [int]::MaxValue,
        [string[]] $Properties,
        [string] $AccountType,
        [switch] $SoftDeletedUsers
    )
    process {
        $directory = Get-CsDirectory $PSCmdlet
        if ($SoftDeletedUsers -or ($AccountType -and $AccountType -ne 'User')) { return }
        $users = if ($Identity) {
            Find-CsUser $directory $Identity
        }
        else {
            Find-CsUserRow $PSCmdlet $directory $Filter
        }
        if ($Identity -and -not $users) {
            return Write-SandboxRecord $PSCmdlet `
                (New-ServiceError 'Get-CsOnlineUser' 'NotFound' `
                    "User not found. Identity: $Identity")
        }
        foreach ($user in $users | Select-Object -First $ResultSize) {
            $object = ConvertTo-CsUser $user
            if ($Properties) { $object | Select-Object -Property $Properties } else { $object }
        }
    }
}

function Find-CsUser {
    param([hashtable] $Directory, [string] $Identity)
    Find-SandboxUser $Directory ($Identity -replace '^sip:', '')
}

function Find-CsUserRow {
    # The users that a filter finds. It uses Teams' names, which differ from the directory's. The
    # trap many_rows decides how many.
    param([System.Management.Automation.PSCmdlet] $Caller, [hashtable] $Directory, [string] $Filter)
    $query = @{
        '$filter' = [regex]::Replace($Filter, '\b[A-Za-z]+\b(?=\s+-)', {
            param($name)
            $script:CsNames[$name.Value] ?? $name.Value
        })
    }
    try { $found = Select-SandboxResource $Directory.Users 'user' $query $true }
    catch [System.InvalidOperationException] {
        $Caller.ThrowTerminatingError(
            (New-ServiceError 'Get-CsOnlineUser' 'BadRequest' $_.Exception.Message))
    }
    $count = [int] (Get-SandboxTrap 'many_rows')
    if (-not $count -or -not $found) { return $found }
    for ($number = 0; $number -lt $count; $number++) { $found[$number % $found.Count] }
}

function ConvertTo-CsUser {
    param([hashtable] $User)
    [pscustomobject] @{
        PSTypeName                = 'Microsoft.Rtc.Management.Hosted.Online.Models.UserMas'
        Identity                  = $User.id
        UserPrincipalName         = $User.userPrincipalName
        SipAddress                = "sip:$($User.userPrincipalName)"
        DisplayName               = $User.displayName
        Alias                     = $User.mailNickname
        GivenName                 = $User.givenName
        LastName                  = $User.surname
        Department                = $User.department
        Title                     = $User.jobTitle
        City                      = $User.city
        Company                   = $User.companyName
        UsageLocation             = $User.usageLocation
        AccountEnabled            = $User.accountEnabled
        AccountType               = 'User'
        InterpretedUserType       = 'PureOnlineTeamsOnlyUser'
        FeatureTypes              = @('Teams', 'AudioConferencing', 'PhoneSystem')
        TeamsUpgradeEffectiveMode = 'TeamsOnly'
        EnterpriseVoiceEnabled    = [bool] $User.csVoice
        HostedVoiceMail           = [bool] $User.csVoiceMail
        LineUri                   = [string] $User.csLine
        WhenCreated               = $User.createdDateTime
    }
}

function Set-CsUser {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory, Position = 0, ValueFromPipelineByPropertyName)] [string] $Identity,
        [System.Nullable[bool]] $EnterpriseVoiceEnabled,
        [System.Nullable[bool]] $HostedVoiceMail,
        [string] $LineURI
    )
    process {
        $directory = Get-CsDirectory $PSCmdlet
        $user = Find-CsUser $directory $Identity
        if (-not $user -or -not (Test-Administrator)) {
            return Write-ServiceRefusal $PSCmdlet $user
        }
        if (-not (Confirm-SandboxChange $PSCmdlet $Identity, 'Set-CsUser')) { return }
        if ($null -ne $EnterpriseVoiceEnabled) { $user.csVoice = $EnterpriseVoiceEnabled }
        if ($null -ne $HostedVoiceMail) { $user.csVoiceMail = $HostedVoiceMail }
        if ($PSBoundParameters.ContainsKey('LineURI')) { $user.csLine = $LineURI }
    }
}

function Set-CsPhoneNumberAssignment {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory)] [string] $Identity,
        [Parameter(Mandatory)] [string] $PhoneNumber,
        [Parameter(Mandatory)]
        [ValidateSet('DirectRouting', 'CallingPlan', 'OperatorConnect', 'OCMobile')]
        [string] $PhoneNumberType
    )
    $directory = Get-CsDirectory $PSCmdlet
    $user = Find-CsUser $directory $Identity
    if (-not $user -or -not (Test-Administrator)) { return Write-ServiceRefusal $PSCmdlet $user }
    if (-not (Confirm-SandboxChange $PSCmdlet $Identity, 'Set-CsPhoneNumberAssignment')) { return }
    if ($directory.Users.Where({ $_.csLine -eq "tel:$PhoneNumber" -and $_.id -ne $user.id })) {
        # By design this refusal is an object, not an error: -ErrorAction and try have no effect on
        # it.
        return [pscustomobject] @{
            PSTypeName = 'Microsoft.Teams.ConfigAPI.Cmdlets.Generated.Models.SkypeTelephoneNumberMgmtErrorResponse'
            Code = 'BadRequest'
            Message = "Telephone Number '$PhoneNumber' has already been assigned to another user"
        }
    }
    $user.csLine = "tel:$PhoneNumber"
    $user.csVoice = $true
}

function Write-ServiceRefusal {
    # The real module retries for a while before it refuses, unless -ErrorAction is Stop; stopping
    # the pipeline ends that too.
    param([System.Management.Automation.PSCmdlet] $Caller, [hashtable] $User)
    $said = $Caller.MyInvocation.BoundParameters['ErrorAction'] ??
        $Caller.SessionState.PSVariable.GetValue('ErrorActionPreference')
    $stops = "$said" -eq 'Stop'
    $retries = Get-SandboxTrap 'retries'
    if ($retries -and -not $stops) { Start-Sleep -Milliseconds ([int] (1000 * $retries)) }
    $name = $Caller.MyInvocation.MyCommand.Name
    $record = if ($User) { New-ServiceError $name 'Forbidden' 'Access Denied.' }
    else {
        New-ServiceError $name 'NotFound' ('The server responded with a Request Error, Status: ' +
            'NotFound')
    }
    Write-SandboxRecord $Caller $record
}
