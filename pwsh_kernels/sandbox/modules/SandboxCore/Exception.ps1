# Exceptions with the names, parents and codes that the real modules' sign-in libraries give theirs.
#
# The libraries are not here, and C# (Add-Type) would take seconds, so the types are created in
# memory with the first error that needs one.

$script:ExceptionParents = @{
    'Azure.Identity.AuthenticationFailedException' = 'System.Exception'
    'Microsoft.Identity.Client.MsalException' = 'System.Exception'
    'Microsoft.Identity.Client.MsalClientException' = 'Microsoft.Identity.Client.MsalException'
    'Microsoft.Identity.Client.MsalServiceException' = 'Microsoft.Identity.Client.MsalException'
    'Microsoft.Identity.Client.MsalUiRequiredException' =
        'Microsoft.Identity.Client.MsalServiceException'
}
# The `error` that Entra's answer has next to its number; everything else is a refused grant, which
# asks for the person.
$script:EntraCodes = @{
    AADSTS7000215 = 'invalid_client'
    AADSTS7000222 = 'invalid_client'
    AADSTS7000218 = 'invalid_client'
    AADSTS700027 = 'invalid_client'
    AADSTS700211 = 'invalid_client'
    AADSTS700212 = 'invalid_client'
    AADSTS700213 = 'invalid_client'
    AADSTS700024 = 'invalid_client'
    AADSTS50027 = 'invalid_request'
    AADSTS700016 = 'unauthorized_client'
    AADSTS90002 = 'invalid_request'
    AADSTS65004 = 'authorization_declined'
    AADSTS70020 = 'expired_token'; invalid_request = 'invalid_request'
}

function Get-ExceptionType {
    # One type per name in the whole process, because two runspaces must not have different ones.
    param([string] $Name)
    $known = [System.Type]::GetType($Name)
    if ($known) { return $known }
    $domain = [System.AppDomain]::CurrentDomain
    $types = $domain.GetData('PwshKernels.Sandbox.Exceptions')
    if (-not $types) {
        $types = [hashtable]::Synchronized(@{})
        $assembly = [System.Reflection.Emit.AssemblyBuilder]::DefineDynamicAssembly(
            [System.Reflection.AssemblyName]::new('Sandbox.Exceptions'), 'Run')
        $types.Builder = $assembly.DefineDynamicModule('Sandbox.Exceptions')
        $domain.SetData('PwshKernels.Sandbox.Exceptions', $types)
    }
    if (-not $types.ContainsKey($Name)) {
        $types[$Name] = New-ExceptionType $types.Builder $Name `
            (Get-ExceptionType $script:ExceptionParents[$Name])
    }
    $types[$Name]
}

function New-ExceptionType {
    # A class with one constructor (message, inner exception) that passes both to its parent's.
    param([System.Reflection.Emit.ModuleBuilder] $Builder, [string] $Name, [type] $Parent)
    $type = $Builder.DefineType($Name, 'Public, Class', $Parent)
    $parameters = [type[]] @([string], [System.Exception])
    $code = $type.DefineConstructor('Public', 'Standard', $parameters).GetILGenerator()
    foreach ($one in 'Ldarg_0', 'Ldarg_1', 'Ldarg_2') {
        $code.Emit([System.Reflection.Emit.OpCodes]::$one)
    }
    $code.Emit([System.Reflection.Emit.OpCodes]::Call, $Parent.GetConstructor($parameters))
    $code.Emit([System.Reflection.Emit.OpCodes]::Ret)
    if ($Name -like '*.MsalException') { [void] $type.DefineField('ErrorCode', [string], 'Public') }
    $type.CreateType()
}

function New-SandboxException {
    # An exception of a type from one of the real libraries, or of any .NET type that takes a
    # message and an inner exception.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Type,
        [Parameter(Mandatory)] [AllowEmptyString()] [string] $Message,
        [System.Exception] $Inner,
        [string] $ErrorCode
    )
    $exception = (Get-ExceptionType $Type)::new($Message, $Inner)
    if ($ErrorCode) { $exception.ErrorCode = $ErrorCode }
    $exception
}

function New-SandboxAuthenticationFailure {
    # The Azure.Identity library's exception around Entra's answer; `Credential` is the kind that
    # was tried.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $Credential,
        [Parameter(Mandatory)] [System.Exception] $Cause
    )
    $inner = if ("$($Cause.Message)" -match '^(?<number>AADSTS\d+|invalid_request): ') {
        New-EntraException $Matches.number $Cause.Message
    }
    else {
        $Cause
    }
    # Version 1.21 leaves the reason to the inner exception.
    $reason = if (Get-SandboxTrap 'hidden_reason') { '' } else { $inner.Message }
    New-SandboxException -Type 'Azure.Identity.AuthenticationFailedException' -Inner $inner `
        -Message "$($Credential)Credential authentication failed: $reason"
}

function New-EntraException {
    param([string] $Number, [string] $Text)
    $code = $script:EntraCodes[$Number]
    $type = if ($code) { 'MsalServiceException' } else { 'MsalUiRequiredException' }
    New-SandboxException -Type "Microsoft.Identity.Client.$type" -Message $Text `
        -ErrorCode ($code ?? 'invalid_grant')
}

function New-SandboxErrorRecord {
    # An error record with exactly this id: for a function, PowerShell would append the function's
    # name, for a compiled cmdlet its class.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [System.Exception] $Exception,
        [Parameter(Mandatory)] [string] $Id,
        [System.Management.Automation.ErrorCategory] $Category = 'NotSpecified',
        [object] $Target
    )
    $record = [System.Management.Automation.ErrorRecord]::new($Exception, $Id, $Category, $Target)
    $field = [System.Management.Automation.ErrorRecord].GetField('_serializedFullyQualifiedErrorId',
        'NonPublic, Instance')
    if ($field) { $field.SetValue($record, $Id) }
    $record
}
