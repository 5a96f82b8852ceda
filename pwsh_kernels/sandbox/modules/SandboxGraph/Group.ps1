# Groups of a tenant: one Microsoft 365 group behind every team, one security group for every
# department.

function Add-TeamGroup {
    param([hashtable] $Directory)
    foreach ($team in $Directory.Tenant.teams) {
        $id = Get-GroupId $Directory
        [void] (Add-SandboxGroup $Directory @{
            id = $id
            displayName = $team.display_name
            mailNickname = $team.mail_nickname
            visibility = $team.visibility
            description = "The team $($team.display_name)"
            groupTypes = @('Unified')
            mailEnabled = $true
            securityEnabled = $false
            resourceProvisioningOptions = @('Team')
        } (Get-TeamMember $Directory $team.display_name) $Directory.Users.Where({
            $_.userPrincipalName -like 'admin@*'
        }, 'First').id)
    }
}

function Get-TeamMember {
    # The members of a team: the department of that name, everybody for the team of all, otherwise a
    # few people of each department.
    param([hashtable] $Directory, [string] $Team)
    if ($Directory.Tenant.departments -contains $Team) {
        return $Directory.Users.Where({ $_.department -eq $Team }).id
    }
    $step = if ($Team -match '^(All|Everybody)\b') { 1 } else { 7 + $Team.Length }
    for ($number = 0; $number -lt $Directory.Users.Count; $number += $step) {
        $Directory.Users[$number].id
    }
}

function Add-SecurityGroup {
    param([hashtable] $Directory)
    foreach ($department in $Directory.Tenant.departments) {
        [void] (Add-SandboxGroup $Directory @{
            id = Get-GroupId $Directory
            displayName = "SG $department"
            mailNickname = "sg-$($department.ToLowerInvariant().Replace(' ', '-'))"
            description = "Everybody in $department"
            groupTypes = @()
            mailEnabled = $false
            securityEnabled = $true
        } $Directory.Users.Where({ $_.department -eq $department }).id @())
    }
}

function Get-GroupId {
    # Above every number that a person or a mailbox has, so that no id occurs twice.
    param([hashtable] $Directory)
    (New-SandboxGuid ([System.Random]::new($Directory.Tenant.seed * 100000 + 90000 +
        $Directory.Groups.Count))).ToString()
}

function Add-SandboxGroup {
    # Completes the facts of a group, adds it to the directory and returns it.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [hashtable] $Directory,
        [Parameter(Mandatory)] [hashtable] $Facts,
        [string[]] $Members,
        [string[]] $Owners
    )
    $group = @{
        id = [guid]::NewGuid().ToString()
        createdDateTime = [datetime]::new(2020, 2, 3, 8, 0, 0,
            [System.DateTimeKind]::Utc).AddDays($Directory.Groups.Count)
        groupTypes = @(); resourceProvisioningOptions = @(); proxyAddresses = @()
    }
    foreach ($name in $Facts.Keys) { $group[$name] = $Facts[$name] }
    if ($group.mailEnabled) {
        $group.mail = "$($group.mailNickname)@$($Directory.Tenant.name)"
        $group.proxyAddresses = @("SMTP:$($group.mail)")
    }
    $group.members = [System.Collections.Generic.List[string]] @(
        @($Owners) + @($Members) | Where-Object { $_ } | Select-Object -Unique
    )
    $group.owners = [System.Collections.Generic.List[string]] @($Owners | Where-Object { $_ })
    $Directory.Groups.Add($group)
    $group
}
