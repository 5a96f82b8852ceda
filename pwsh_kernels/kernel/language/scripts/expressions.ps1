# "ok" and the value's text; when the expression fails, "error", the exception's name and its
# message come last.
param([string]$Expression)
try {
    'ok'
    (. ([scriptblock]::Create($Expression)) | Microsoft.PowerShell.Utility\Out-String).TrimEnd()
}
catch {
    'error'
    $_.Exception.GetType().Name
    $_.Exception.Message
}
