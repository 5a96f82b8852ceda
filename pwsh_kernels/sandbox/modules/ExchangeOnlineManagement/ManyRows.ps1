# The trap many_rows: a tenant with so many mailboxes that an answer has to be cut, streamed or
# stopped.

$script:Selecting = 'Identity', 'Anr', 'Filter', 'RecipientTypeDetails', 'SortBy', 'Archive',
    'ExternalDirectoryObjectId', 'UserPrincipalName',
    'PrimarySmtpAddress'

function Get-ManyCount {
    # How many mailboxes an unfiltered cmdlet finds under the trap; nothing without it.
    param([System.Collections.IDictionary] $Given)
    if (-not ($script:Selecting | Where-Object { $Given.ContainsKey($_) })) {
        Get-SandboxTrap 'many_rows'
    }
}

function Write-ManyMailbox {
    # One at a time, so that nothing is kept: the tenant's first mailboxes, with numbers appended to
    # their names.
    param([hashtable] $Organization, [int] $Count, [int] $Limit, [bool] $Asked)
    Expand-Organization $Organization 100
    $real = $Organization.Mailboxes
    $domain = $Organization.Facts.name
    for ($number = 0; $number -lt [math]::Min($Count, $Limit); $number++) {
        $mailbox = ConvertTo-Mailbox $real[$number % $real.Count]
        $mailbox.Name =
            $mailbox.DisplayName = $mailbox.Identity = $mailbox.Id = "$($mailbox.Name) $number"
        $mailbox.Alias = "$($mailbox.Alias).$number"
        $mailbox.UserPrincipalName =
            $mailbox.PrimarySmtpAddress = $mailbox.WindowsEmailAddress = "$($mailbox.Alias)@$domain"
        $mailbox.EmailAddresses = @("SMTP:$($mailbox.PrimarySmtpAddress)")
        $mailbox.Guid = [guid]::NewGuid()
        $mailbox.ExchangeGuid = [guid]::NewGuid()
        $mailbox.ExternalDirectoryObjectId = [guid]::NewGuid().ToString()
        $mailbox
    }
    if ($Count -gt $Limit) { Write-TruncationWarning $Asked }
}
