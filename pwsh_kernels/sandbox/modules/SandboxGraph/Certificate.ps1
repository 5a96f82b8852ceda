# The user's own certificates, which .NET keeps in a folder under HOME on Linux.

function Find-SandboxCertificate {
    # The newest one that matches, or nothing.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [System.Security.Cryptography.X509Certificates.X509FindType] $By,
        [Parameter(Mandatory)] [string] $Value
    )
    $store = [System.Security.Cryptography.X509Certificates.X509Store]::new('My', 'CurrentUser')
    try {
        $store.Open('ReadOnly')
        $store.Certificates.Find($By, $Value, $false) | Sort-Object NotAfter -Descending |
            Select-Object -First 1
    }
    finally { $store.Dispose() }
}
