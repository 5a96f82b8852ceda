# New-MgUser and Update-MgUser.

function New-MgUser {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'CreateExpanded')]
    param(
        [Parameter(Mandatory, ParameterSetName = 'Create', ValueFromPipeline)]
        [object] $BodyParameter,
        [Parameter(ParameterSetName = 'CreateExpanded')] [switch] $AccountEnabled,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string[]] $BusinessPhones,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $City,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $CompanyName,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $Country,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $Department,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $DisplayName,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $EmployeeId,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $GivenName,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $JobTitle,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $Mail,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $MailNickname,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $MobilePhone,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $OfficeLocation,
        [Parameter(ParameterSetName = 'CreateExpanded')]
        [System.Collections.IDictionary] $PasswordProfile,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $PreferredLanguage,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $Surname,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $UsageLocation,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $UserPrincipalName,
        [Parameter(ParameterSetName = 'CreateExpanded')] [string] $UserType
    )
    process {
        $body = if ($BodyParameter) { $BodyParameter } else { Get-Body $PSBoundParameters }
        $variant = "New-MgUser_$($PSCmdlet.ParameterSetName)"
        if (-not (Confirm-SandboxChange $PSCmdlet "Call remote 'POST /users' operation",
                $variant)) {
            return
        }
        $answer = Invoke-SandboxGraph -Caller $PSCmdlet -Method POST -Path '/users' -Body $body
        if ($answer.Refused) {
            return Write-SandboxGraphError $PSCmdlet $answer $variant `
                '{ body = Microsoft.Graph.PowerShell.Models.MicrosoftGraphUser }'
        }
        ConvertTo-SandboxGraphObject $answer.One $answer.Type $answer.Selection
    }
}

function Update-MgUser {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'UpdateExpanded')]
    param(
        [Parameter(Mandatory)] [string] $UserId,
        [Parameter(Mandatory, ParameterSetName = 'Update', ValueFromPipeline)]
        [object] $BodyParameter,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [switch] $AccountEnabled,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [string[]] $BusinessPhones,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [string] $City,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [string] $CompanyName,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [string] $Country,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [string] $Department,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [string] $DisplayName,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [string] $EmployeeId,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [string] $GivenName,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [string] $JobTitle,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [string] $Mail,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [string] $MailNickname,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [string] $MobilePhone,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [string] $OfficeLocation,
        [Parameter(ParameterSetName = 'UpdateExpanded')]
        [System.Collections.IDictionary] $PasswordProfile,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [string] $PreferredLanguage,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [string] $Surname,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [string] $UsageLocation,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [string] $UserPrincipalName,
        [Parameter(ParameterSetName = 'UpdateExpanded')] [string] $UserType
    )
    process {
        $body = if ($BodyParameter) { $BodyParameter } else { Get-Body $PSBoundParameters }
        $variant = "Update-MgUser_$($PSCmdlet.ParameterSetName)"
        if (-not (Confirm-SandboxChange $PSCmdlet "Call remote 'PATCH /users/{user-id}' operation",
                $variant)) {
            return
        }
        $answer = Invoke-SandboxGraph -Caller $PSCmdlet -Method PATCH `
            -Path "/users/$([uri]::EscapeDataString($UserId))" -Body $body
        if ($answer.Refused) {
            Write-SandboxGraphError $PSCmdlet $answer $variant (
                "{ UserId = $UserId, body = Microsoft.Graph.PowerShell.Models.MicrosoftGraphUser " +
                "}")
        }
    }
}

function Get-Body {
    # The parameters that name properties of a user, as the body of a request.
    param([System.Collections.IDictionary] $Given)
    $body = @{}
    $skipped = @('UserId', 'BodyParameter') +
        [System.Management.Automation.PSCmdlet]::CommonParameters +
        [System.Management.Automation.PSCmdlet]::OptionalCommonParameters
    foreach ($name in $Given.Keys) {
        if ($skipped -contains $name) { continue }
        $value = $Given[$name]
        $key = $name.Substring(0, 1).ToLowerInvariant() + $name.Substring(1)
        $body[$key] = if ($value -is [switch]) { [bool] $value } else { $value }
    }
    $body
}
