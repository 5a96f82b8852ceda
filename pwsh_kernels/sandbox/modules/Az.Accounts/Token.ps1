# Get-AzAccessToken: since Az.Accounts 5 the token is a SecureString.

$script:Resources = @{
    Arm = 'https://management.core.windows.net/'
    ResourceManager = 'https://management.core.windows.net/'
    MSGraph = 'https://graph.microsoft.com'
    AadGraph = 'https://graph.windows.net/'
    KeyVault = 'https://vault.azure.net'
    Storage = 'https://storage.azure.com/'
    Batch = 'https://batch.core.windows.net/'
    OperationalInsights = 'https://api.loganalytics.io'; Synapse = 'https://dev.azuresynapse.net'
}

function Get-AzAccessToken {
    [CmdletBinding(DefaultParameterSetName = 'KnownResourceTypeName')]
    param(
        [Parameter(ParameterSetName = 'ResourceUrl', Mandatory)] [ValidateNotNullOrEmpty()]
        [Alias('Resource', 'ResourceUri')] [string] $ResourceUrl,
        [Parameter(ParameterSetName = 'KnownResourceTypeName')] [string] $ResourceTypeName = 'Arm',
        [string] $TenantId,
        [switch] $AsSecureString
    )
    if (-not $ResourceUrl -and -not $script:Resources.ContainsKey($ResourceTypeName)) {
        $PSCmdlet.ThrowTerminatingError(
            (New-AzError "Resource type name $ResourceTypeName is not supported." `
                'InvalidResourceTypeName' 'InvalidArgument'))
    }
    $live = Get-LiveContext $PSCmdlet
    if ($TenantId -and (Get-SandboxTenant $TenantId).name -ne $live.Tenant.name) {
        $PSCmdlet.ThrowTerminatingError(
            (New-AzError $script:NoCredentials 'AuthenticationFailed' 'AuthenticationError'))
    }
    $audience = if ($ResourceUrl) { $ResourceUrl } else { $script:Resources[$ResourceTypeName] }
    $token = if ($live.Context.type -eq 'AccessToken') {
        Find-HandedInToken $live.Context $audience
    }
    else {
        New-SandboxToken -Identity $live.Identity -Audience $audience
    }
    if (-not $token) {
        $PSCmdlet.ThrowTerminatingError(
            (New-AzError ("Cannot get an access token for '$audience': it was not provided to " +
                "Connect-AzAccount.") 'AuthenticationFailed' 'AuthenticationError'))
    }
    [pscustomobject] @{
        PSTypeName = 'Microsoft.Azure.Commands.Profile.Models.PSSecureAccessToken'
        Token = ConvertTo-SecureString $token -AsPlainText -Force
        ExpiresOn = if ($live.Context.type -eq 'AccessToken') {
            [datetimeoffset] $live.Identity.ExpiresAt
        }
        else {
            [datetimeoffset]::UtcNow.AddSeconds(4500)
        }
        TenantId = $live.Context.tenant; UserId = $live.Context.account; Type = 'Bearer'
    }
}

function Find-HandedInToken {
    # A token that was passed in is valid for one service only.
    param([hashtable] $Context, [string] $Audience)
    $kind = switch -Wildcard ($Audience) {
        'https://management.*' { 'Arm' }
        'https://graph.microsoft.com*' { 'Graph' }
        'https://vault.azure.net*' { 'KeyVault' }
    }
    if ($kind) { $script:MemoryGrants[$Context.grant].Tokens[$kind] }
}
