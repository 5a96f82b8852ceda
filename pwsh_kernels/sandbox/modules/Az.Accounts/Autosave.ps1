# Where contexts are kept: in files under HOME (autosave, the default) or only in this process; and
# saving them to a file by hand.

function Get-AzContextAutosaveSetting {
    [CmdletBinding()]
    param([ValidateSet('CurrentUser', 'Process')] [string] $Scope)
    $on = Test-Autosave
    [pscustomobject] @{
        PSTypeName = 'Microsoft.Azure.Commands.Common.Authentication.ContextAutosaveSettings'
        Mode = if ($on) { 'CurrentUser' } else { 'Process' }
        ContextDirectory = if ($on) { Get-AzureFolder } else { 'None' }
        ContextFile = if ($on) { 'AzureRmContext.json' } else { 'None' }
        CacheDirectory = if ($on) {
            [System.IO.Path]::GetDirectoryName((Get-CacheFile))
        }
        else {
            'None'
        }
        CacheFile = if ($on) { [System.IO.Path]::GetFileName((Get-CacheFile)) } else { 'None' }
        Settings = @{}
    }
}

function Set-Autosave {
    # For this process, or for every later one too.
    param([bool] $On, [string] $Scope)
    $script:ProcessAutosave = $On
    if ($Scope -eq 'Process') { return }
    Save-JsonFile (Join-Path (Get-AzureFolder) 'AzureRmContextSettings.json') @{
        Mode = if ($On) { 'CurrentUser' }
        else { 'Process' }
    }
}

function Disable-AzContextAutosave {
    # What was read from files is no longer used; the files themselves stay.
    [CmdletBinding(SupportsShouldProcess)]
    param([ValidateSet('CurrentUser', 'Process')] [string] $Scope = 'CurrentUser')
    if (-not (Confirm-SandboxChange $PSCmdlet `
            'Do not autosave the context between PowerShell sessions',
            'Disable-AzContextAutosave')) {
        return
    }
    if (Test-Autosave) {
        $script:Profile = @{ Default = ''; Contexts = @{} }
        $script:MemoryGrants = @{}
    }
    Set-Autosave $false $Scope
    Get-AzContextAutosaveSetting
}

function Enable-AzContextAutosave {
    [CmdletBinding(SupportsShouldProcess)]
    param([ValidateSet('CurrentUser', 'Process')] [string] $Scope = 'CurrentUser')
    if (-not (Confirm-SandboxChange $PSCmdlet 'Autosave the context in the current session',
            'Enable-AzContextAutosave')) {
        return
    }
    Set-Autosave $true $Scope
    if (-not $script:Profile.Contexts.Count) { $script:Profile = Read-Profile }
    foreach ($grant in @($script:MemoryGrants.Values)) { Save-Grant $grant.Identity }
    Save-Profile
    Get-AzContextAutosaveSetting
}

function Save-AzContext {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory, Position = 0)] [string] $Path,
        [switch] $Force,
        [switch] $WithCredential
    )
    $file = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($Path)
    if (Confirm-SandboxChange $PSCmdlet $file, 'Save the contexts') {
        Save-JsonFile $file (ConvertTo-ProfileContent $script:Profile)
    }
}

function Import-AzContext {
    # The accounts must still be signed in: a saved file holds no tokens.
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Mandatory, Position = 0)] [string] $Path)
    $file = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($Path)
    if (-not [System.IO.File]::Exists($file)) {
        $PSCmdlet.ThrowTerminatingError((New-AzError "File '$file' does not exist."))
    }
    if (-not (Confirm-SandboxChange $PSCmdlet $file, 'Import the contexts')) { return }
    $read = Read-JsonFile $file
    $script:Profile = @{
        Default = "$($read.DefaultContextKey)"
        Contexts = [hashtable] ($read.Contexts ?? @{})
    }
    Save-Profile
    ConvertTo-ProfileOutput
}
