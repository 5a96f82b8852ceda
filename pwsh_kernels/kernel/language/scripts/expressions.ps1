# "ok" and the value's text. If the expression fails, the last three are "error", the exception's
# name and its message.
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
