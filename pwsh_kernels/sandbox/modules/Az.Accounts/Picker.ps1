# Which subscription a new sign-in works with. The picker of Az 12 and later asks through the host,
# and waits.

function Select-Subscription {
    # The one named, otherwise the configured one, otherwise what a person picks, otherwise the
    # first enabled one.
    param(
        [System.Management.Automation.PSCmdlet] $Caller,
        [hashtable] $Asked,
        [object] $Tenant,
        [bool] $MayAsk
    )
    $wanted = if ($Asked.Subscription) {
        $Asked.Subscription
    }
    else {
        (Get-ConfigValue 'DefaultSubscriptionForLogin').Value
    }
    if ($wanted) {
        $found = $Tenant.subscriptions | Where-Object { $wanted -in $_.id, $_.name } |
            Select-Object -First 1
        if ($found) { return $found }
        return New-AzError ("Subscription $wanted was not found in tenant $($Tenant.tenant_id). " +
            "Please verify that the subscription exists in this tenant.")
    }
    $open = @($Tenant.subscriptions | Where-Object state -EQ 'Enabled')
    $byRule = $MayAsk -and $open.Count -gt 1 -and
        (Get-ConfigValue 'LoginExperienceV2').Value -eq 'On'
    if ($open -and ($byRule -or (Get-SandboxTrap 'picker'))) {
        return Read-Choice $Caller $Tenant $open
    }
    $open | Select-Object -First 1
}

function Read-Choice {
    param([System.Management.Automation.PSCmdlet] $Caller, [object] $Tenant, [object[]] $Open)
    Write-HostRecord $Caller ("Retrieving subscriptions for the selection...`n`n[Tenant and " +
        "subscription selection]`n")
    Write-HostRecord $Caller ('{0,-7} {1,-39} {2,-39} {3}' -f
        'No', 'Subscription name', 'Subscription ID', 'Tenant name')
    for ($number = 1; $number -le $Open.Count; $number++) {
        Write-HostRecord $Caller ('{0,-7} {1,-39} {2,-39} {3}' -f
            "[$number]", $Open[$number - 1].name, $Open[$number - 1].id, $Tenant.display_name)
    }
    while ($true) {
        Write-HostRecord $Caller "`nSelect a tenant and subscription: " $true
        $typed = $Caller.Host.UI.ReadLine()
        if (-not $typed) { return $Open[0] }
        $index = 0
        if ([int]::TryParse($typed, [ref] $index) -and $index -ge 1 -and $index -le $Open.Count) {
            return $Open[$index - 1]
        }
        Write-HostRecord $Caller "The value '$typed' is not in the list."
    }
}
