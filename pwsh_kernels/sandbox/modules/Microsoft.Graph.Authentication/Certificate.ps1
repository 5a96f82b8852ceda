# Where Connect-MgGraph takes an application's certificate from: a parameter, the user's store, a
# file.

function Find-Certificate {
    param([System.Collections.IDictionary] $Given)
    if ($Given['Certificate']) { return $Given['Certificate'] }
    $thumbprint, $subject = $Given['CertificateThumbprint'], $Given['CertificateSubjectName']
    if ($thumbprint -and $thumbprint.Length -ne 40) {
        return New-AuthenticationError ("'CertificateThumbprint' must have a length of 40. " +
            "Ensure you have the right certificate thumbprint then try again.")
    }
    if ($thumbprint) { return Read-Store 'FindByThumbprint' $thumbprint }
    if ($subject) { return Read-Store 'FindBySubjectDistinguishedName' $subject }
    New-AuthenticationError ("Parameter 'CertificateThumbprint or CertificateSubjectName or " +
        "Certificate' cannot be null or empty.")
}

function Read-Store {
    param([string] $By, [string] $Value)
    $found = Find-SandboxCertificate -By $By -Value $Value
    if ($found) {
        $found
    }
    else {
        New-AuthenticationError "$Value certificate was not found or has expired."
    }
}

function Read-CertificateFile {
    param([string] $File, [string] $Password)
    if (-not [System.IO.File]::Exists($File)) {
        return New-AuthenticationError ("EnvironmentCredential authentication failed: Could not " +
            "find file '$File'.")
    }
    try {
        if ($File -like '*.pem') {
            return [System.Security.Cryptography.X509Certificates.X509Certificate2]::CreateFromPemFile($File)
        }
        [System.Security.Cryptography.X509Certificates.X509Certificate2]::new($File, $Password,
            'EphemeralKeySet')
    }
    catch [System.Security.Cryptography.CryptographicException] {
        New-AuthenticationError ("EnvironmentCredential authentication failed: " +
            "$($_.Exception.GetBaseException().Message)")
    }
}
