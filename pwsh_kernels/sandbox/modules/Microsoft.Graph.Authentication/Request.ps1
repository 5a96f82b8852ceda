# Invoke-MgGraphRequest: sends a request and returns its answer as a hashtable, an object or JSON.

function Invoke-MgGraphRequest {
    [CmdletBinding()]
    param(
        [Parameter(Position = 1)] [ValidateSet('GET', 'POST', 'PUT', 'PATCH', 'DELETE')]
        [string] $Method = 'GET',
        [Parameter(Position = 2, Mandatory)] [uri] $Uri,
        [Parameter(Position = 3, ValueFromPipeline)] [object] $Body,
        [Parameter(Position = 4)] [System.Collections.IDictionary] $Headers = @{},
        [string] $ContentType,
        [ValidateSet('HashTable', 'PSObject', 'Json', 'HttpResponseMessage')]
        [string] $OutputType = 'HashTable',
        [string] $OutputFilePath,
        [string] $InputFilePath,
        [Alias('RHV')] [string] $ResponseHeadersVariable,
        [string] $StatusCodeVariable,
        [switch] $SkipHttpErrorCheck,
        [switch] $SkipHeaderValidation,
        [switch] $PassThru,
        [string] $UserAgent
    )
    process {
        $unsupported = Find-Unsupported $PSBoundParameters
        if ($unsupported) {
            $PSCmdlet.ThrowTerminatingError(
                (New-SandboxNotSimulatedError -What $unsupported -Instead 'Leave it out.'))
        }
        $request = Read-Uri $Uri
        if ($request -is [System.Management.Automation.ErrorRecord]) {
            $PSCmdlet.ThrowTerminatingError($request)
        }
        $answer = Invoke-SandboxGraph -Caller $PSCmdlet -Method $Method -Path $request.Path `
            -Query $request.Query -Body $Body `
            -Advanced:($Headers['ConsistencyLevel'] -eq 'eventual')
        if ($answer.Status -eq 0) {
            $PSCmdlet.ThrowTerminatingError((New-AuthenticationNeeded $answer))
        }
        if ($StatusCodeVariable) {
            $PSCmdlet.SessionState.PSVariable.Set($StatusCodeVariable, $answer.Status)
        }
        if ($answer.Refused -and -not $SkipHttpErrorCheck) {
            $PSCmdlet.ThrowTerminatingError((New-HttpError $answer $Method $request))
        }
        if ($answer.Status -eq 204) { return }
        ConvertTo-Output (ConvertTo-Payload $answer $request) $OutputType
    }
}

function Find-Unsupported {
    param([System.Collections.IDictionary] $Given)
    foreach ($name in 'OutputFilePath', 'InputFilePath', 'ResponseHeadersVariable') {
        if ($Given[$name]) { return "-$name" }
    }
    if ($Given['OutputType'] -eq 'HttpResponseMessage') { '-OutputType HttpResponseMessage' }
}

function Read-Uri {
    # @{ Version; Path; Query; Address } of /v1.0/me, v1.0/me or
    # https://graph.microsoft.com/v1.0/me.
    param([uri] $Uri)
    $whole = if ($Uri.IsAbsoluteUri -and $Uri.Scheme -ne 'file') {
        $Uri
    }
    else {
        [uri] "https://graph.microsoft.com/$($Uri.OriginalString.TrimStart('/'))"
    }
    if ($whole.Host -ne 'graph.microsoft.com') {
        return [System.Management.Automation.ErrorRecord]::new([System.ArgumentException]::new(
            "Invalid host. The Uri '$whole' is not of graph.microsoft.com."),
            'InvokeGraphRequestInvalidHost', 'InvalidArgument', $whole)
    }
    if ($whole.AbsolutePath -notmatch '^/(?<version>v1\.0|beta)(?<path>/.+?)/?$') {
        $Matches = @{ version = ''; path = $whole.AbsolutePath }
    }
    @{
        Version = $Matches.version
        Path = $Matches.path
        Query = Read-Query $whole.Query
        Address = $whole.AbsoluteUri
    }
}

function Read-Query {
    param([string] $Text)
    $query = @{}
    foreach ($pair in $Text.TrimStart('?').Split('&').Where({ $_ })) {
        $name, $value = $pair.Split('=', 2) |
            ForEach-Object { [uri]::UnescapeDataString($_.Replace('+', ' ')) }
        $query[$name] = $value
    }
    $query
}

function New-AuthenticationNeeded {
    param([hashtable] $Answer)
    $class = 'Microsoft.Graph.PowerShell.Authentication.Cmdlets.InvokeMgGraphRequest'
    if ($Answer.Exception) { return New-SandboxErrorRecord -Exception $Answer.Exception -Id $class }
    New-SandboxErrorRecord -Exception ([System.Exception]::new($Answer.Message)) `
        -Id "AuthenticationError,$class" -Category AuthenticationError
}

function New-HttpError {
    # The exception carries the status; the service's whole answer is in the details.
    param([hashtable] $Answer, [string] $Method, [hashtable] $Request)
    $words = $Answer.Reason -creplace '(?<=[a-z])(?=[A-Z])', ' '
    $problem = [System.Net.Http.HttpRequestException]::new(
        "Response status code does not indicate success: $($Answer.Reason) ($words).", $null,
        $Answer.Status)
    $record = [System.Management.Automation.ErrorRecord]::new($problem,
        "$($Answer.Reason),Microsoft.Graph.PowerShell.Authentication.Cmdlets.InvokeMgGraphRequest",
        'InvalidOperation', "$Method $($Request.Address)")
    $payload = ConvertTo-Json (ConvertTo-Payload $Answer $Request) -Depth 5 -Compress
    $record.ErrorDetails = "$Method $($Request.Address)`nHTTP/1.1 $($Answer.Status) " +
        "$words`nContent-Type: application/json`n`n$payload"
    $record
}

function ConvertTo-Payload {
    # The JSON document of an answer, as ordered hashtables.
    param([hashtable] $Answer, [hashtable] $Request)
    $kind = $Request.Path.Trim('/').Split('/')[0]
    $context = "https://graph.microsoft.com/$($Request.Version)/`$metadata#$kind"
    if ($Answer.Refused) {
        $id = [guid]::NewGuid().ToString()
        $inner = [ordered] @{
            date = [datetime]::UtcNow.ToString('s')
            'request-id' = $id
            'client-request-id' = $id
        }
        return [ordered] @{
            error = [ordered] @{
                code = $Answer.Code
                message = $Answer.Message
                innerError = $inner
            }
        }
    }
    if ($Answer.One) {
        return [ordered] @{
            '@odata.context' = "$context/`$entity"
        } + (Select-Property $Answer.One $Answer.Selection)
    }
    $size = $Answer.PageSize
    $start = [int] $Request.Query['$skiptoken']
    $payload = [ordered] @{ '@odata.context' = $context }
    if ($Request.Query['$count'] -eq 'true') { $payload['@odata.count'] = $Answer.Items.Count }
    if ($Answer.Items.Count -gt $start + $size) {
        $payload['@odata.nextLink'] = Get-NextLink $Request ($start + $size)
    }
    $payload.value = @(
        foreach ($one in $Answer.Items | Select-Object -Skip $start -First $size) {
            Select-Property $one $Answer.Selection
        }
    )
    $payload
}

function Get-NextLink {
    param([hashtable] $Request, [int] $Start)
    $rest = $Request.Query.GetEnumerator().Where({ $_.Key -ne '$skiptoken' }) |
        ForEach-Object { "$($_.Key)=$([uri]::EscapeDataString($_.Value))" }
    "https://graph.microsoft.com/$($Request.Version)$($Request.Path)?" +
        (@($rest) + "`$skiptoken=$Start" | Where-Object { $_ } | Join-String -Separator '&')
}

function Select-Property {
    param([hashtable] $Resource, [string[]] $Names)
    $facts = [ordered] @{}
    foreach ($name in $Names) { $facts[$name] = $Resource[$name] }
    $facts
}

function ConvertTo-Output {
    param([System.Collections.IDictionary] $Payload, [string] $Type)
    $json = ConvertTo-Json $Payload -Depth 10
    switch ($Type) {
        'Json' { $json }
        'PSObject' { $json | ConvertFrom-Json }
        default { $json | ConvertFrom-Json -AsHashtable }
    }
}
