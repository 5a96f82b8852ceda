# -PersistLogin: what lets a later process sign in without a person. In plain text, as the real one on Linux without a keyring.

function Get-LoginFolder { Join-Path ([System.Environment]::GetFolderPath('UserProfile')) '.m365pnppowershell' }

function Read-LoginFile {
    # settings.json says for which tenant and app a login is kept; pnp.msal.cache holds what renews it.
    param([string] $Name)
    try { [System.IO.File]::ReadAllText("$(Get-LoginFolder)/$Name") | ConvertFrom-Json -AsHashtable } catch [System.IO.IOException], [System.ArgumentException] { @{} }
}

function Save-LoginFile {
    param([string] $Name, [System.Collections.IDictionary] $Content)
    $folder = Get-LoginFolder
    if (-not [System.IO.Directory]::Exists($folder)) { [void] [System.IO.Directory]::CreateDirectory($folder, 'UserRead, UserWrite, UserExecute') }
    $options = [System.IO.FileStreamOptions]::new()
    $options.Mode = 'Create'
    $options.Access = 'Write'
    $options.UnixCreateMode = 'UserRead, UserWrite'
    $writer = [System.IO.StreamWriter]::new("$folder/$Name", $options)
    try { $writer.Write((ConvertTo-Json $Content -Depth 4)) } finally { $writer.Dispose() }
}

function Save-Login {
    # One login serves all sites of a tenant.
    param([PnPConnection] $Connection)
    $signIn = Get-SignIn $Connection
    $key = $signIn.SiteTenant.sharepoint_host
    $settings = Read-LoginFile 'settings.json'
    $settings[$key] = @{ Url = Get-RootAddress $Connection.Url; ClientId = $Connection.ClientId; Enabled = $true }
    Save-LoginFile 'settings.json' $settings
    $cache = Read-LoginFile 'pnp.msal.cache'
    $cache[$key] = New-SandboxToken -Identity $signIn.Identity -Audience 'pnp-persisted-login' -LifetimeSeconds (90 * 86400)
    Save-LoginFile 'pnp.msal.cache' $cache
}

function Remove-Login {
    param([PnPConnection] $Connection)
    $key = (Get-SignIn $Connection).SiteTenant.sharepoint_host
    foreach ($name in 'settings.json', 'pnp.msal.cache') {
        $content = Read-LoginFile $name
        if (-not $content.ContainsKey($key)) { continue }
        $content.Remove($key)
        Save-LoginFile $name $content
    }
}

function Find-Login {
    # Whoever is kept for this tenant and, when one is named, this app; an ErrorRecord when the login no longer holds.
    param([object] $Tenant, [string] $ClientId)
    $entry = (Read-LoginFile 'settings.json')[$Tenant.sharepoint_host]
    $token = (Read-LoginFile 'pnp.msal.cache')[$Tenant.sharepoint_host]
    if (-not $entry -or -not $token -or ($ClientId -and $ClientId -ne $entry.ClientId)) { return }
    $identity = Read-SandboxToken -Token $token
    if ($identity -is [System.Management.Automation.ErrorRecord]) { return $identity }
    $identity.AccountType = 'User'
    $identity.AppId = $entry.ClientId
    $identity.ExpiresAt = [datetime]::UtcNow
    $refusal = if (Get-SandboxTrap 'ca_block') {
        # A session that began with a device code is followed: blocking the flow also ends later silent renewals.
        New-SandboxSignInError 'AADSTS530036: Access has been blocked by Conditional Access policies. The authentication flow of this session (device code) is not allowed.'
    } else { Test-SandboxSignIn $identity }
    if ($refusal) { $refusal } else { $identity }
}

function Write-LoginNote {
    $note = 'Connecting using token cache. See https://pnp.github.io/powershell/articles/persistedlogin.html for more information.'
    $Host.UI.WriteWarningLine($note)
}
