# Get-PnPAccessToken: a token of the connection for a service, as text or with its claims.

function Get-PnPAccessToken {
    [CmdletBinding(DefaultParameterSetName = 'Resource Type Name')]
    param(
        [Parameter(ParameterSetName = 'Resource Type Name')]
        [ValidateSet('Graph', 'SharePoint', 'AzureManagementApi')]
        [string] $ResourceTypeName = 'Graph',
        [Parameter(ParameterSetName = 'Resource Url', Mandatory)] [ValidateNotNullOrEmpty()]
        [string] $ResourceUrl,
        [switch] $Decoded,
        [string[]] $Scopes,
        [switch] $ListPermissionScopes,
        [object] $Connection
    )
    $live = Get-LiveConnection $PSCmdlet $Connection
    $signIn = Get-SignIn $live
    $audience = if ($ResourceUrl) { $ResourceUrl -replace '/\.default$' } else {
        @{
            Graph = 'https://graph.microsoft.com'
            SharePoint = Get-RootAddress $live.Url
            AzureManagementApi = 'https://management.azure.com'
        }[$ResourceTypeName]
    }
    # A token that was passed in cannot be exchanged for another.
    $token = if ($signIn.HandedInToken) {
        $signIn.HandedInToken
    }
    else {
        New-SandboxToken -Identity $signIn.Identity -Audience $audience
    }
    if ($ListPermissionScopes) {
        return $signIn.Identity.Scopes ?? @('AllSites.FullControl', 'User.Read')
    }
    if ($Decoded) { ConvertTo-DecodedToken $token } else { $token }
}

function ConvertTo-DecodedToken {
    # The shape of Microsoft.IdentityModel.JsonWebTokens.JsonWebToken.
    param([string] $Token)
    $payload = $Token.Split('.')[1].Replace('-', '+').Replace('_', '/')
    $padded = $payload.PadRight([math]::Ceiling($payload.Length / 4) * 4, '=')
    $facts = [System.Text.Encoding]::UTF8.GetString([convert]::FromBase64String($padded)) |
        ConvertFrom-Json -AsHashtable
    $claims = @(foreach ($name in $facts.Keys | Sort-Object) {
        $text = [System.Convert]::ToString($facts[$name], [cultureinfo]::InvariantCulture)
        [System.Security.Claims.Claim]::new($name, $text, 'string', $facts.tid)
    })
    $decoded = [pscustomobject] @{
        PSTypeName   = 'Microsoft.IdentityModel.JsonWebTokens.JsonWebToken'
        Alg          = 'none'
        Typ = 'JWT'
        Audiences = @($facts.aud)
        Issuer = "https://sts.windows.net/$($facts.tid)/"
        Claims = $claims
        IssuedAt     =
            [datetimeoffset]::FromUnixTimeMilliseconds([long] ($facts.iat * 1000)).UtcDateTime
        ValidTo      = [datetimeoffset]::FromUnixTimeSeconds([long] $facts.exp).UtcDateTime
        EncodedToken = $Token
    }
    $decoded |
        Add-Member -PassThru -MemberType ScriptMethod -Name GetClaim -Value {
            param([string] $Type)
            $this.Claims | Where-Object Type -EQ $Type | Select-Object -First 1
        }
}
