# Mail flow rules and accepted domains.

function Get-TransportRule {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0, ValueFromPipeline, ValueFromPipelineByPropertyName)]
        [object] $Identity,
        [ValidateSet('Enabled', 'Disabled')] [string] $State,
        [object] $ResultSize
    )
    begin { $organization = Get-ActiveOrganization $PSCmdlet -WithoutMailboxes }
    process {
        $rules = @(Get-Rule $organization)
        if ($PSBoundParameters.ContainsKey('Identity')) {
            $text = Get-IdentityText $Identity
            $rules = @($rules | Where-Object { $_.Name -like $text -or "$($_.Guid)" -eq $text })
            if (-not $rules) {
                Write-ErrorMessage (New-NotFoundError 'Get-TransportRule' $text)
                return
            }
        }
        if ($State) { $rules = @($rules | Where-Object State -EQ $State) }
        try { $limit = Read-ResultSize $ResultSize } catch [System.ArgumentException] {
            $PSCmdlet.ThrowTerminatingError((New-ArgumentError $_.Exception.Message))
        }
        $rules | Select-Object -First $limit
        if ($rules.Count -gt $limit) {
            Write-TruncationWarning $PSBoundParameters.ContainsKey('ResultSize')
        }
    }
}

function Get-Rule {
    param([hashtable] $Organization)
    $random = [System.Random]::new($Organization.Facts.seed)
    $priority = 0
    foreach ($facts in $Organization.Extra.Rules) {
        $guid = New-SandboxGuid $random
        $rule = [pscustomobject] [ordered] @{
            Name = $facts.Name
            State = $facts.State
            Mode = $facts.Mode
            Priority = $priority++
            Comments = ''
            Description = $facts.Description
            RuleErrorAction = 'Ignore'
            SenderAddressLocation = 'Header'
            Guid = $guid
            ImmutableId = $guid
            Identity = $facts.Name
            DistinguishedName = "CN=$($facts.Name),CN=TransportVersioned,CN=Rules," +
                "CN=$($Organization.Facts.initial_domain)"
            WhenChanged = [datetime]::new(2025, 3, 3, 9, 30, 0,
                [System.DateTimeKind]::Utc).AddDays($priority * 11)
        }
        $rule.PSObject.TypeNames.Insert(0, 'Microsoft.Exchange.MessagingPolicies.Rules.Tasks.Rule')
        $rule
    }
}

function Get-AcceptedDomain {
    [CmdletBinding()]
    param(
        [Parameter(Position = 0, ValueFromPipeline, ValueFromPipelineByPropertyName)]
        [object] $Identity,
        [object] $ResultSize
    )
    begin { $organization = Get-ActiveOrganization $PSCmdlet -WithoutMailboxes }
    process {
        $domains = @($organization.Facts.domains)
        if ($PSBoundParameters.ContainsKey('Identity')) {
            $text = Get-IdentityText $Identity
            $domains = @($domains | Where-Object { $_ -like $text })
            if (-not $domains) {
                Write-ErrorMessage (New-NotFoundError 'Get-AcceptedDomain' $text)
                return
            }
        }
        foreach ($name in $domains) {
            $domain = [pscustomobject] [ordered] @{
                Name = $name
                DomainName = $name
                DomainType = 'Authoritative'
                Default = $name -eq $organization.Facts.name
                InitialDomain = $name -eq $organization.Facts.initial_domain
                MatchSubDomains = $false
                Identity = $name
                Id = $name
            }
            $domain.PSObject.TypeNames.Insert(0,
                'Microsoft.Exchange.Data.Directory.SystemConfiguration.AcceptedDomain')
            $domain
        }
    }
}
