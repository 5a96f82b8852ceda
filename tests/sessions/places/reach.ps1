# What a session reaches of another session's: each attempt by name, with "got" or the reason of the
# refusal.
param([hashtable] $Of)
function Test-Reach([scriptblock] $Attempt) {
    try {
        $null = & $Attempt
        'got'
    }
    catch { "refused: $($_.Exception.InnerException.Message ?? $_.Exception.Message)" }
}
$ErrorActionPreference = 'Stop'
[pscustomobject] @{
    'token'           = Test-Reach { Get-Content -LiteralPath $Of.token }
    'connection file' = Test-Reach { Get-Content -LiteralPath $Of.connection }
    'kernel'          = Test-Reach { [Net.Sockets.TcpClient]::new('127.0.0.1', $Of.kernel_port).Dispose() }
    'environ'         = Test-Reach { [IO.File]::ReadAllBytes("/proc/$($Of.process)/environ") }
    'memory'          = Test-Reach { [IO.File]::OpenRead("/proc/$($Of.process)/mem").Dispose() }
    'open files'      = Test-Reach {
        /bin/readlink "/proc/$($Of.process)/fd/0" 2>$null
        if ($LASTEXITCODE) { throw 'not permitted' }
    }
    'packets'         = Test-Reach { [Net.Sockets.Socket]::new('InterNetwork', 'Raw', 'Tcp').Dispose() }
    'HOME'            = Test-Reach { Get-ChildItem -LiteralPath $Of.home }
    'working folder'  = Test-Reach { Set-Content -LiteralPath "$($Of.files)/planted" -Value 'x' }
    'certificate'     = Test-Reach { Get-Content -LiteralPath $Of.certificate }
    'kill'            = Test-Reach {
        /bin/sh -c "kill -0 $($Of.process)" 2>$null
        if ($LASTEXITCODE) { throw 'not permitted' }
    }
    'own kernel'      = Test-Reach { [IO.File]::ReadAllBytes("/proc/$($Of.own_kernel)/environ") }
    'PSHost pipe'     = Test-Reach {
        $folders = @('/tmp', "$($Of.home)/.tmp").Where({ Test-Path -LiteralPath $_ })
        $pipe = Get-ChildItem -Path $folders -Filter "CoreFxPipe_PSHost*.$($Of.process).*"
        if (-not $pipe) { throw 'there is none' }
    }
    'server''s port'  = Test-Reach { [Net.Sockets.TcpClient]::new('127.0.0.1', $Of.port).Dispose() }
    'tenants file'    = Test-Reach { Add-Content -LiteralPath $Of.tenants -Value '# changed' }
    'history'         = Test-Reach { Get-Content -LiteralPath $Of.history }
}
