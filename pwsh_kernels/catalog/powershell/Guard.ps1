# While a session is signed in, stands in for the commands that connect and disconnect its module:
# only login and disconnect decide who is signed in. Without an account, removes the stand-ins.
param(
    [string[]] $Connects, [string[]] $Disconnects, [string] $Session, [string] $Account,
    [string[]] $Names, [string] $Site, [string] $Route
)
try {
    & {
        $answered = @(Get-ChildItem -Path Alias: | Where-Object Definition -like 'PwshKernels.*')
        $answered | ForEach-Object { Remove-Item -LiteralPath "Alias:$($_.Name)" -Force }
        if (-not $Account) { return }
        $facts = @{
            Connects = $Connects; Session = $Session; Account = $Account; Names = $Names
            Site = $Site; Route = $Route
        }
        $null = New-Module -Name PwshKernels.Guard -ArgumentList $facts -ScriptBlock {
            param($Facts)

            # The session's own preferences must not affect the functions here.
            Set-StrictMode -Off
            $ErrorActionPreference = 'Stop'
            $PSDefaultParameterValues = @{}

            $people = 'UserPrincipalName', 'AccountId', 'LoginHint'
            $applications = 'AppId', 'ApplicationId', 'ClientId'
            $tenants = 'Organization', 'DelegatedOrganization', 'Tenant', 'TenantId'
            $anyTenant = 'common', 'organizations'
            $machine = 'Identity', 'ManagedIdentity'
            # Parameters that prove an identity: a call that uses one must name the account that is
            # signed in.
            $proofs =
                '^(?:EnvironmentVariable|Credentials)$|Token|Certificate|Thumbprint|Identity|Secret'

            # The arguments of a call by parameter name, bound as the real command would bind them.
            # A second name of the command (Connect-Graph, Login-AzAccount) is an alias that leads
            # back here.
            function Get-Given([string]$Name, [object[]]$Call) {
                $real = Microsoft.PowerShell.Core\Get-Command -Name $Name, $Facts.Connects[0] `
                    -CommandType Function, Cmdlet -ErrorAction Ignore |
                    Microsoft.PowerShell.Utility\Select-Object -First 1
                $meta = [Management.Automation.CommandMetadata]::new($real)
                $proxy = [Management.Automation.ProxyCommand]
                $form = $proxy::GetCmdletBindingAttribute($meta) +
                    " param($($proxy::GetParamBlock($meta))) `$PSBoundParameters"
                & ([scriptblock]::Create($form)) @Call
            }

            # The first argument that asks for anything other than the present sign-in. Nothing if
            # the call asks for the same, or for nothing in particular.
            function Get-Difference($Given) {
                $identified = $false
                $proven = $false
                foreach ($one in $Given.GetEnumerator()) {
                    $value = $one.Value
                    if (-not $value) { continue }
                    $proof = $one.Key -match $proofs -and $one.Key -notin $people
                    $proven = $proven -or $proof
                    $wanted = if ($value -is [pscredential]) {
                        $value.UserName
                    }
                    elseif ($one.Key -in $people) {
                        [string]$value
                    }
                    if ($wanted) {
                        if ($wanted -ne $Facts.Account) { return "$($one.Key) $wanted" }
                        $identified = $true
                    }
                    if ($one.Key -in $tenants -and [string]$value -notin $Facts.Names -and
                            [string]$value -notin $anyTenant) {
                        return "$($one.Key) $value"
                    }
                    if ($one.Key -eq 'Url' -and
                            ([string]$value).TrimEnd('/') -ne $Facts.Site.TrimEnd('/')) {
                        return "$($one.Key) $value"
                    }
                    if ($one.Key -in 'Subscription', 'ReturnConnection') { return $one.Key }
                    if ($one.Key -in $machine -and $Facts.Route -eq 'managed_identity') {
                        $identified = $true
                    }
                }
                foreach ($one in $applications) {
                    if (-not $proven -or -not $Given[$one]) { continue }
                    if ([string]$Given[$one] -ne $Facts.Account) { return "$one $($Given[$one])" }
                    $identified = $true
                }
                if ($proven -and -not $identified) { return 'an identity that it does not name' }
            }

            function Assert-Same([string]$Name, [object[]]$Call) {
                $difference = Get-Difference (Get-Given $Name $Call)
                if (-not $difference) { return }
                $tenant, $module = $Facts.Session.Split(':')
                throw [Management.Automation.ErrorRecord]::new(
                    [InvalidOperationException]::new("$($Facts.Session) is signed in as " +
                        "$($Facts.Account), and $Name asks for another connection " +
                        "($difference). A command cannot change who is signed in. Sign in with " +
                        "login: to the other tenant, or here after disconnect " +
                        "(pwsh-kernels disconnect $tenant $module, then pwsh-kernels login " +
                        "TENANT $module)."),
                    'SignedInByLogin', 'InvalidOperation', $Name)
            }

            # Declares no parameters: the real command's are bound in Get-Given. A refusal points at
            # the calling line, as the real command's would.
            function Connect-Session {
                $name = $MyInvocation.InvocationName
                if ($name -notin $Facts.Connects) { $name = $Facts.Connects[0] }
                try { Assert-Same $name $args }
                catch {
                    $caller = @(Microsoft.PowerShell.Utility\Get-PSCallStack)[1]
                    $_.InvocationInfo.DisplayScriptPosition = $caller.Position
                    $global:Error.RemoveAt(0)
                    throw $_
                }
                Microsoft.PowerShell.Utility\Write-Warning ("$($Facts.Session) is already " +
                    "signed in as $($Facts.Account): $name is not needed here.")
            }

            function Disconnect-Session {
                [CmdletBinding()]
                param([Parameter(ValueFromRemainingArguments)] [object[]] $Rest)
                $name = $MyInvocation.InvocationName
                $tenant, $module = $Facts.Session.Split(':')
                $text = "$($Facts.Session) stays signed in as $($Facts.Account): it is shared, " +
                    "and $name does nothing here; the rest of the command is run. To sign out, " +
                    "use disconnect (pwsh-kernels disconnect $tenant $module)."
                $action = $PSBoundParameters['ErrorAction'] ?? 'Continue'
                Microsoft.PowerShell.Utility\Write-Error -Message $text -TargetObject $name `
                    -ErrorId SignedOutByDisconnect -Category InvalidOperation -ErrorAction $action
            }

            foreach ($name in 'Connect', 'Disconnect') {
                $block = (Get-Item "function:$name-Session").ScriptBlock
                Set-Item "function:global:PwshKernels.$name" `
                    -Value $block -Options ReadOnly -Force
            }
            Export-ModuleMember
        }
        # The module's own aliases are skipped: they lead to a command that has a stand-in.
        foreach ($one in $Connects | Where-Object { -not (Test-Path "Alias:$_") }) {
            Set-Alias -Name $one -Value PwshKernels.Connect -Scope Global -Force
        }
        foreach ($one in $Disconnects | Where-Object { -not (Test-Path "Alias:$_") }) {
            Set-Alias -Name $one -Value PwshKernels.Disconnect -Scope Global -Force
        }
    }
}
catch { throw }
finally {
    Remove-Variable -Name Connects, Disconnects, Session, Account, Names, Site, Route `
        -ErrorAction Ignore
}
