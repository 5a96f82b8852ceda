# Users of the directory: the company's people, with the same ids as in the other services.

function Get-AzADUser {
    [CmdletBinding(DefaultParameterSetName = 'List')]
    param(
        [Parameter(ParameterSetName = 'ById', Mandatory)] [Alias('Id')] [string] $ObjectId,
        [Parameter(ParameterSetName = 'ByName', Mandatory)] [Alias('UPN')]
        [string] $UserPrincipalName,
        [Parameter(ParameterSetName = 'ByDisplayName', Mandatory)] [string] $DisplayName,
        [Parameter(ParameterSetName = 'Starts', Mandatory)] [Alias('SearchString')]
        [string] $StartsWith,
        [Parameter(ParameterSetName = 'ByMail', Mandatory)] [string] $Mail,
        [Parameter(ParameterSetName = 'Own', Mandatory)] [switch] $SignedIn,
        [int] $First, [int] $Skip, [string[]] $Select
    )
    $live = & (Get-Module Az.Accounts) { param($Cmdlet) Get-LiveContext $Cmdlet } $PSCmdlet
    $people = @(Get-SandboxPerson $live.Tenant | Where-Object {
        (-not $ObjectId -or $_.Id -eq $ObjectId) -and
            (-not $UserPrincipalName -or $_.UserPrincipalName -eq $UserPrincipalName) -and
            (-not $DisplayName -or $_.DisplayName -eq $DisplayName) -and
            (-not $Mail -or $_.Mail -eq $Mail) -and
            (-not $SignedIn -or $_.UserPrincipalName -eq $live.Identity.Account) -and
            (-not $StartsWith -or $_.DisplayName.StartsWith($StartsWith, 'OrdinalIgnoreCase') -or
                $_.UserPrincipalName.StartsWith($StartsWith, 'OrdinalIgnoreCase'))
    })
    $count = if ($PSBoundParameters.ContainsKey('First')) { $First } else { [int]::MaxValue }
    $users = @(
        $people | Select-Object -Skip $Skip -First $count | ForEach-Object { ConvertTo-User $_ }
    )
    $many = if ($PSCmdlet.ParameterSetName -eq 'List') { Get-SandboxTrap 'many_rows' }
    if ($many -and $users) {
        for ($number = 0; $number -lt $many; $number++) { $users[$number % $users.Count] }
    }
    else {
        $users
    }
}

function ConvertTo-User {
    param([object] $Person)
    [pscustomobject] @{
        PSTypeName =
            'Microsoft.Azure.PowerShell.Cmdlets.Resources.MSGraph.Models.ApiV10.MicrosoftGraphUser'
        DisplayName = $Person.DisplayName
        Id = $Person.Id
        Mail = $Person.Mail
        UserPrincipalName = $Person.UserPrincipalName
        GivenName = $Person.GivenName
        Surname = $Person.Surname
        JobTitle = $Person.JobTitle
        OfficeLocation = $Person.Office
        Department = $Person.Department
        BusinessPhone = @($Person.Phone)
    }
}
