# A simulation of PnP PowerShell: the real cmdlet and parameter names over the sandbox's company.

Import-Module SandboxCore
$slow = Get-SandboxTrap 'slow_import'
if ($slow) { Start-Sleep -Milliseconds ([int] (1000 * $slow)) }

$script:Webs = @{}
# The connection belongs to the process, not to the runspace: a thread job is signed in as
# everything else here.
$script:Process = [System.AppDomain]::CurrentDomain.GetData('pwsh-kernels.sandbox.PnP')
if (-not $script:Process) {
    $script:Process = [hashtable]::Synchronized(@{
        Current = $null
        SignIns = [System.Runtime.CompilerServices.ConditionalWeakTable[object, object]]::new()
    })
    [System.AppDomain]::CurrentDomain.SetData('pwsh-kernels.sandbox.PnP', $script:Process)
}

# The properties of a PnP connection. Who signed in, and a token that was passed in, are stored
# separately, so that no output and no JSON contains them.
class PnPConnection {
    [string] $ConnectionMethod
    [string] $ConnectionType
    [string] $InitializationType
    [string[]] $Scopes
    [pscredential] $PSCredential
    [string] $ClientId
    [string] $ClientSecret
    [string] $Url
    [string] $TenantAdminUrl
    [System.Security.Cryptography.X509Certificates.X509Certificate2] $Certificate
    [bool] $DeleteCertificateFromCacheOnDisconnect
    [object] $Context
    [string] $Tenant
    [string] $UserAssignedManagedIdentityObjectId
    [string] $UserAssignedManagedIdentityClientId
    [string] $UserAssignedManagedIdentityAzureResourceId
    [string] $AzureEnvironment = 'Production'
}

# An item is its field values: $item['Title'], $item.FieldValues.Title and $item.Title are the same
# value, as in the real module.
class ListItem : System.Collections.Generic.Dictionary[string, object] {
    ListItem() : base([System.StringComparer]::OrdinalIgnoreCase) { }
}

Update-TypeData -TypeName ListItem -MemberType ScriptProperty -MemberName FieldValues -Value {
    $this
} -Force

foreach ($part in 'Errors', 'Warnings', 'Tenant', 'PersistedLogin', 'Routes', 'Connection',
        'AccessToken', 'Content', 'Site', 'Query', 'List') {
    . "$PSScriptRoot/$part.ps1"
}
