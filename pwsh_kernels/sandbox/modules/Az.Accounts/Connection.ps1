# Connect-AzAccount.

function Connect-AzAccount {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'User')]
    param(
        [string] $Environment = 'AzureCloud',
        [Parameter(ParameterSetName = 'Secret', Mandatory)]
        [Parameter(ParameterSetName = 'Password', Mandatory)] [pscredential] $Credential,
        [Parameter(ParameterSetName = 'CertificateFile', Mandatory)] [string] $CertificatePath,
        [Parameter(ParameterSetName = 'CertificateFile')] [securestring] $CertificatePassword,
        [Parameter(ParameterSetName = 'Thumbprint', Mandatory)] [string] $CertificateThumbprint,
        [Parameter(ParameterSetName = 'CertificateFile', Mandatory)]
        [Parameter(ParameterSetName = 'Thumbprint', Mandatory)]
        [Parameter(ParameterSetName = 'Federated', Mandatory)] [string] $ApplicationId,
        [Parameter(ParameterSetName = 'Secret', Mandatory)]
        [Parameter(ParameterSetName = 'CertificateFile', Mandatory)]
        [Parameter(ParameterSetName = 'Thumbprint')] [Parameter(ParameterSetName = 'Federated')]
        [switch] $ServicePrincipal,
        [Parameter(ParameterSetName = 'Federated', Mandatory)] [Alias('ClientAssertion')]
        [string] $FederatedToken,
        [Alias('Domain', 'TenantId')] [string] $Tenant,
        [Parameter(ParameterSetName = 'Token', Mandatory)] [string] $AccessToken,
        [Parameter(ParameterSetName = 'Token')] [string] $GraphAccessToken,
        [Parameter(ParameterSetName = 'Token')] [string] $MicrosoftGraphAccessToken,
        [Parameter(ParameterSetName = 'Token')] [string] $KeyVaultAccessToken,
        [Parameter(ParameterSetName = 'Token', Mandatory)]
        [Parameter(ParameterSetName = 'ManagedService')]
        [Parameter(ParameterSetName = 'User')] [Parameter(ParameterSetName = 'Device')]
        [string] $AccountId,
        [Parameter(ParameterSetName = 'ManagedService', Mandatory)] [Alias('MSI', 'ManagedService')]
        [switch] $Identity,
        [Alias('SubscriptionName', 'SubscriptionId')] [string] $Subscription,
        [string] $AuthScope,
        [string] $ContextName,
        [switch] $SkipContextPopulation,
        [int] $MaxContextPopulation = 25,
        [Parameter(ParameterSetName = 'Device', Mandatory)]
        [Alias('DeviceCode', 'DeviceAuth', 'Device')] [switch] $UseDeviceAuthentication,
        [switch] $SkipValidation,
        [switch] $SendCertificateChain,
        [switch] $Force,
        [ValidateSet('CurrentUser', 'Process')] [string] $Scope = 'CurrentUser'
    )
    $asked = @{} + $PSBoundParameters
    $problem = Find-ConnectProblem $PSCmdlet $asked $Environment
    if ($problem) { $PSCmdlet.ThrowTerminatingError($problem) }
    if ($PSCmdlet.ParameterSetName -eq 'User' -and -not $env:DISPLAY) {
        return $PSCmdlet.WriteWarning($script:NoScreen)
    }
    if (-not (Confirm-SandboxChange $PSCmdlet `
            "$($PSCmdlet.ParameterSetName) account in environment '$Environment'",
            'log in')) {
        return
    }
    $answer = (Find-TenantProblem $asked) ?? (Connect-WithRoute $PSCmdlet $asked)
    if ($answer -isnot [System.Management.Automation.ErrorRecord]) {
        $chosen = Select-Subscription $PSCmdlet $asked $answer.Tenant `
            ($PSCmdlet.ParameterSetName -eq 'Device')
        if ($chosen -is [System.Management.Automation.ErrorRecord]) { $answer = $chosen }
    }
    if ($answer -is [System.Management.Automation.ErrorRecord]) {
        return Write-ConnectError $PSCmdlet $answer
    }
    Write-StorageWarning $PSCmdlet
    if ($PSCmdlet.ParameterSetName -eq 'Device' -and -not $Tenant) {
        Write-SecondFactorWarning $PSCmdlet $answer.Tenant
    }
    Save-Connection $asked $answer $chosen
    ConvertTo-ProfileOutput
}

function Find-ConnectProblem {
    param([System.Management.Automation.PSCmdlet] $Caller, [hashtable] $Asked, [string] $Cloud)
    if ($Cloud -ne 'AzureCloud') { return New-NotSimulatedError "the cloud $Cloud" }
    $Asked.Directory = if ($Asked.Tenant) { Get-SandboxTenant $Asked.Tenant }
    if ($Asked.UseDeviceAuthentication -and (Test-IgnoredInformation $Caller)) {
        return [System.Management.Automation.ErrorRecord]::new(
            [System.Management.Automation.ActionPreferenceStopException]::new($script:IgnoredInformation),
            'ActionPreferenceStop', 'OperationStopped', $null)
    }
    # Everything that an application does needs its tenant.
    if ($Caller.ParameterSetName -in 'Secret', 'CertificateFile', 'Thumbprint', 'Federated' -and
            -not $Asked.Tenant) {
        New-AzError 'The tenant is needed to sign in as a service principal: use -Tenant.' `
            'ParameterBindingFailed' 'InvalidArgument'
    }
}

function Find-TenantProblem {
    # For an unknown domain, its id is looked up first; an id goes to Entra unchanged.
    param([hashtable] $Asked)
    if (-not $Asked.Tenant -or $Asked.Directory) { return }
    if ([guid]::TryParse($Asked.Tenant, [ref] [guid]::Empty)) {
        return New-UnknownTenantError $Asked.Tenant
    }
    # The real module passes its sentence where .NET expects a parameter's name.
    $problem = [System.ArgumentNullException]::new("Could not find tenant id for provided tenant " +
        "domain '$($Asked.Tenant)'. Please ensure that " +
        'the provided service principal is found in the provided tenant domain.')
    [System.Management.Automation.ErrorRecord]::new($problem, '', 'CloseError', $null)
}

function Write-ConnectError {
    # Written, not thrown, as by every Az cmdlet; what the sandbox does not simulate is thrown.
    param(
        [System.Management.Automation.PSCmdlet] $Caller,
        [System.Management.Automation.ErrorRecord] $Answer
    )
    if ($Answer.Exception -is [System.NotSupportedException]) {
        $Caller.ThrowTerminatingError($Answer)
    }
    $problem = $Answer.Exception
    if ($problem.Message -match '^(AADSTS\d+|invalid_request): ') {
        $problem = New-SandboxAuthenticationFailure `
            -Credential $script:Credentials[$Caller.ParameterSetName] -Cause $problem
    }
    Write-SandboxRecord $Caller (New-SandboxErrorRecord -Exception $problem -Category CloseError `
        -Id 'Microsoft.Azure.Commands.Profile.ConnectAzureRmAccountCommand')
}

function Write-SecondFactorWarning {
    # A person's sign-in to all tenants continues without a tenant that requires more.
    param([System.Management.Automation.PSCmdlet] $Caller, [object] $Own)
    if (-not (Get-SandboxTrap 'second_factor')) { return }
    foreach ($id in (Get-SandboxTenant).tenant_id.Where({ $_ -ne $Own.tenant_id })) {
        $Caller.WriteWarning("Unable to acquire token for tenant '$id' with error 'You must use " +
            "multi-factor authentication to access tenant $id, " +
            "please rerun 'Connect-AzAccount' with additional parameter '-TenantId $id'.'")
    }
}

function Connect-WithRoute {
    param([System.Management.Automation.PSCmdlet] $Caller, [hashtable] $Asked)
    switch ($Caller.ParameterSetName) {
        'Device' { Connect-WithDevice $Caller $Asked }
        { $_ -in 'CertificateFile', 'Thumbprint' } { Connect-WithCertificate $Asked }
        'Secret' { Connect-WithSecret $Asked }
        'Federated' { Connect-WithFederation $Asked }
        'ManagedService' { Connect-WithManagedIdentity $Asked }
        'Token' { Connect-WithToken $Asked }
        'Password' {
            New-NotSimulatedError ('signing in with a password; the real service asks users for ' +
                'a second factor and refuses it')
        }
        default { New-NotSimulatedError 'signing in with a browser on this machine' }
    }
}

function Write-StorageWarning {
    # Without a keyring the real module says where a secret will be stored.
    param([System.Management.Automation.PSCmdlet] $Caller)
    if ($Caller.ParameterSetName -notin 'Secret', 'CertificateFile', 'Federated' -or
            -not (Test-Autosave)) {
        return
    }
    if ($Caller.ParameterSetName -eq 'CertificateFile' -and
            -not $Caller.MyInvocation.BoundParameters.ContainsKey('CertificatePassword')) {
        return
    }
    $Caller.WriteWarning("The provided service principal secret will be included in the " +
        "'AzureRmContext.json' file found in the user profile ( $(Get-AzureFolder) ). " +
        'Please ensure that this directory has appropriate protections.')
}

function Save-Connection {
    # A context for every enabled subscription, unless switched off; the chosen one becomes current.
    param([hashtable] $Asked, [object] $Identity, [object] $Chosen)
    $account = if ($Asked.AccountId -and
            $Identity.AccountType -in 'AccessToken', 'ManagedService') {
        $Asked.AccountId
    }
    elseif ($Identity.AccountType -eq 'ManagedService') { 'MSI@50342' } else { $Identity.Account }
    Save-Grant $Identity
    $script:MemoryGrants[$Identity.Account].Tokens = @{
        Arm = $Asked.AccessToken
        Graph = $Asked.MicrosoftGraphAccessToken
        KeyVault = $Asked.KeyVaultAccessToken
    }
    if (-not $Asked.SkipContextPopulation) {
        foreach ($one in $Identity.Tenant.subscriptions | Where-Object state -EQ 'Enabled') {
            $facts = New-ContextFact $Identity $account $Identity.Tenant $one
            $script:Profile.Contexts[$facts.name] = $facts
        }
    }
    $facts = New-ContextFact $Identity $account $Identity.Tenant $Chosen $Asked.ContextName
    $facts.thumbprint = $Asked.CertificateThumbprint
    if ($Asked.Credential -and (Test-Autosave)) {
        $facts.secret = $Asked.Credential.GetNetworkCredential().Password
    }
    Add-Context $facts
}

function ConvertTo-ProfileOutput {
    [pscustomobject] @{
        PSTypeName = 'Microsoft.Azure.Commands.Profile.Models.Core.PSAzureProfile'
        Environments = [pscustomobject] @{ AzureCloud = 'AzureCloud' }; Context = Get-AzContext
    }
}
