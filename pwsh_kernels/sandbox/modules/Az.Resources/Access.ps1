# Signing in is up to Az.Accounts; what the signed-in account may do is decided here.

function Get-LiveSubscription {
    # @{ Tenant; Subscription; Identity } that a cmdlet works on. Throws in the caller's name.
    param([System.Management.Automation.PSCmdlet] $Caller)
    $live = & (Get-Module Az.Accounts) { param($Cmdlet) Get-LiveContext $Cmdlet } $Caller
    $subscription = $live.Tenant.subscriptions | Where-Object id -EQ $live.Context.subscription
    if (-not $subscription) {
        $Caller.ThrowTerminatingError(
            (New-ResourceError 'MissingSubscription' ("'subscriptionId' may not be null or " +
                "empty: the context has no subscription.")))
    }
    @{ Tenant = $live.Tenant; Subscription = $subscription; Identity = $live.Identity }
}

function New-ResourceError {
    param([string] $Id, [string] $Text, [string] $Category = 'CloseError')
    [System.Management.Automation.ErrorRecord]::new([System.Exception]::new($Text), $Id, $Category,
        $null)
}

function Assert-Right {
    # Readers may not change anything.
    param(
        [System.Management.Automation.PSCmdlet] $Caller,
        [hashtable] $Live,
        [string] $Action,
        [string] $Scope
    )
    if ($Live.Identity.Role -notlike '*Reader') { return }
    $person = Get-SandboxPerson $Live.Tenant |
        Where-Object UserPrincipalName -EQ $Live.Identity.Account
    $id = if ($person) { $person.Id } else { $Live.Identity.AppId }
    $Caller.ThrowTerminatingError((New-ResourceError 'AuthorizationFailed' `
        ("The client '$($Live.Identity.Account)' with object id '$id' does not have " +
            "authorization to perform action '$Action' over scope '$Scope' or the scope is " +
            'invalid. If access was recently granted, please refresh your credentials.' +
            "`nStatusCode: 403`nReasonPhrase: Forbidden")))
}
