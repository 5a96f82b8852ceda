# A simulation of PnP PowerShell: the real cmdlet and parameter names over the sandbox's company.

Import-Module SandboxCore
$slow = Get-SandboxTrap 'slow_import'
if ($slow) { Start-Sleep -Milliseconds ([int] (1000 * $slow)) }

$script:Webs = @{}
# The connection belongs to the process, not to the runspace: a job in a thread is signed in as
# everybody else here.
$script:Process = [System.AppDomain]::CurrentDomain.GetData('pwsh-kernels.sandbox.PnP')
if (-not $script:Process) {
    $script:Process = [hashtable]::Synchronized(@{
        Current = $null
        SignIns = [System.Runtime.CompilerServices.ConditionalWeakTable[object, object]]::new()
    })
    [System.AppDomain]::CurrentDomain.SetData('pwsh-kernels.sandbox.PnP', $script:Process)
}

# What a connection of PnP shows. Who signed in, and a token that was handed in, are kept beside it:
# no output and no JSON may carry them.
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

# An item is its field values: $item['Title'], $item.FieldValues.Title and $item.Title are one
# value, as with the real one.
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
