# Which of the hosts cannot be reached from here: one object for each, nothing if all can. If the
# environment names a proxy for a host, read the way the modules' own HTTP client does (HTTPS_PROXY,
# HTTP_PROXY, ALL_PROXY, NO_PROXY), the proxy has to be reachable instead.
param([string[]] $Hosts, [double] $Seconds)
try {
    & {
        $ErrorActionPreference = 'Stop'
        $proxies = [System.Net.Http.HttpClient]::DefaultProxy
        $clock = [System.Diagnostics.Stopwatch]::StartNew()
        $attempts = @(foreach ($name in $Hosts) {
            $address = [uri] "https://$name/"
            $proxy = if (-not $proxies.IsBypassed($address)) { $proxies.GetProxy($address) }
            $socket = [System.Net.Sockets.TcpClient]::new()
            $goal = $proxy ?? $address
            @{
                Host = $name
                Proxy = $proxy.Authority
                Socket = $socket
                Task = $socket.ConnectAsync($goal.Host, $goal.Port)
            }
        })
        # In steps, so that a stop takes effect in between.
        while (@($attempts.Task.IsCompleted) -contains $false -and
                $clock.Elapsed.TotalSeconds -lt $Seconds) {
            [System.Threading.Thread]::Sleep(5)
        }
        foreach ($one in $attempts) {
            $problem = if (-not $one.Task.IsCompleted) { "no answer within $Seconds s" }
            elseif ($one.Task.IsFaulted) {
                $one.Task.Exception.GetBaseException().Message -replace ' \S+:\d+$'
            }
            if ($problem) {
                [pscustomobject] @{ host = $one.Host; proxy = $one.Proxy; problem = $problem }
            }
            $one.Socket.Dispose()
        }
    }
}
catch { throw }
finally { Remove-Variable -Name Hosts, Seconds -ErrorAction Ignore }
