# -PersistLogin: what lets a later process sign in without a person. In plain text, like the real
# one on Linux without a keyring.

function Get-LoginFolder {
    Join-Path ([System.Environment]::GetFolderPath('UserProfile')) '.m365pnppowershell'
}

function Read-LoginFile {
    # settings.json says for which address and app a login is kept; pnp.msal.cache holds what renews
    # it.
    param([string] $Name)
    try {
        [System.IO.File]::ReadAllText("$(Get-LoginFolder)/$Name") | ConvertFrom-Json -AsHashtable
    }
    catch [System.IO.IOException], [System.ArgumentException] {
        @{}
    }
}

function Save-LoginFile {
    # Same modes as the real ones: everybody may read which logins are kept, but only the owner what
    # renews them.
    param([string] $Name, [System.Collections.IDictionary] $Content)
    $folder = Get-LoginFolder
    if (-not [System.IO.Directory]::Exists($folder)) {
        [void] [System.IO.Directory]::CreateDirectory($folder, 'UserRead, UserWrite, UserExecute')
    }
    $options = [System.IO.FileStreamOptions]::new()
    $options.Mode = 'Create'
    $options.Access = 'Write'
    $options.UnixCreateMode = $Name -eq
        'settings.json' ? 'UserRead, UserWrite, GroupRead, OtherRead' : 'UserRead, UserWrite'
    $writer = [System.IO.StreamWriter]::new("$folder/$Name", $options)
    try { $writer.Write((ConvertTo-Json $Content -Depth 4)) } finally { $writer.Dispose() }
}

function Get-LoginEntry {
    # The entries of settings.json; one entry covers all sites of a tenant, for one app.
    param([object] $Tenant, [string] $ClientId)
    @((Read-LoginFile 'settings.json').Cache) |
        Where-Object { $_.Enabled -and
                $_.Url -eq "https://$($Tenant.sharepoint_host).sharepoint.com" -and
                (-not $ClientId -or $_.ClientId -eq $ClientId) } | Select-Object -First 1
}

function Enable-Login {
    # Written before anybody has signed in, and left behind if nobody does.
    param([object] $Tenant, [string] $ClientId)
    if (Get-LoginEntry $Tenant $ClientId) { return }
    $entry = @{
        Url = "https://$($Tenant.sharepoint_host).sharepoint.com"
        ClientId = $ClientId
        Enabled = $true
    }
    Save-LoginFile 'settings.json' @{
        Cache = @(@((Read-LoginFile 'settings.json').Cache | Where-Object { $_ }) + $entry)
    }
}

function Save-Login {
    param([object] $Connection)
    $signIn = Get-SignIn $Connection
    Enable-Login $signIn.SiteTenant $Connection.ClientId
    $cache = Read-LoginFile 'pnp.msal.cache'
    $cache[$signIn.SiteTenant.sharepoint_host] = New-SandboxToken -Identity $signIn.Identity `
        -Audience 'pnp-persisted-login' -LifetimeSeconds (90 * 86400)
    Save-LoginFile 'pnp.msal.cache' $cache
}

function Remove-Login {
    param([object] $Connection)
    $tenant = (Get-SignIn $Connection).SiteTenant
    $entry = Get-LoginEntry $tenant
    if ($entry) {
        $others = @((Read-LoginFile 'settings.json').Cache | Where-Object { $_.Url -ne $entry.Url })
        Save-LoginFile 'settings.json' @{ Cache = $others }
    }
    $cache = Read-LoginFile 'pnp.msal.cache'
    if (-not $cache.ContainsKey($tenant.sharepoint_host)) { return }
    $cache.Remove($tenant.sharepoint_host)
    Save-LoginFile 'pnp.msal.cache' $cache
}

function Test-LoginBreak {
    # While keeping a login, the real module writes an error from a thread of its own: only these
    # error actions tolerate that.
    param([System.Management.Automation.PSCmdlet] $Caller, [hashtable] $Asked)
    $action =
        $Asked.ErrorAction ?? $Caller.SessionState.PSVariable.GetValue('ErrorActionPreference')
    ($Asked.PersistLogin -or (Get-LoginEntry $Asked.SiteTenant $Asked.ClientId)) -and
        "$action" -notin 'Stop', 'Ignore', 'SilentlyContinue'
}

function Find-Login {
    # The person whose login is kept for this tenant and, if one is named, this app; an ErrorRecord
    # if the login is no longer valid.
    param([object] $Tenant, [string] $ClientId)
    $entry = Get-LoginEntry $Tenant $ClientId
    $token = (Read-LoginFile 'pnp.msal.cache')[$Tenant.sharepoint_host]
    if (-not $entry -or -not $token) { return }
    $identity = Read-SandboxToken -Token $token
    if ($identity -is [System.Management.Automation.ErrorRecord]) { return $identity }
    $identity.AccountType = 'User'
    $identity.AppId = $entry.ClientId
    $identity.ExpiresAt = [datetime]::UtcNow
    $refusal = if (Get-SandboxTrap 'ca_block') {
        # Sessions that began with a device code are tracked: blocking that flow also ends later
        # silent renewals.
        New-SandboxSignInError ('AADSTS530036: Access has been blocked by Conditional Access ' +
            'policies. The authentication flow of this session (device code) is not allowed.')
    }
    else { Test-SandboxSignIn $identity }
    if ($refusal) { $refusal } else { $identity }
}

function Write-LoginNote {
    param([System.Management.Automation.PSCmdlet] $Caller)
    Write-HostWarning $Caller ('Connecting using token cache. See ' +
        'https://pnp.github.io/powershell/articles/persistedlogin.html for more information.')
}
