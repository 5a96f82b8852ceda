# The user's own certificates; on Linux .NET keeps them in a folder of HOME.

function Find-SandboxCertificate {
    # The newest one that fits, or nothing.
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
