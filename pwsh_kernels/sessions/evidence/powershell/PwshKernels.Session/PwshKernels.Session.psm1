function Get-SessionHistory {
    <#
    .SYNOPSIS
    Shows what was run in this session: by whom, when, how long, and how it ended.

    .DESCRIPTION
    A session is shared by agents (MCP), scripts (REST, the command line) and notebooks. The server
    notes each command when it has ended; this function reads these notes, the oldest first. Secrets
    in commands are shown as dots, output is not kept here: `pwsh-kernels notebook` exports commands
    with their output. What runs now is not listed.

    .PARAMETER Last
    How many runs at most, counted from the newest.

    .PARAMETER Principal
    Only what this principal ran: `token` for MCP, REST and the command line, `jupyter` for
    notebooks. Takes wildcards.

    .PARAMETER Failed
    Only runs that did not succeed.

    .EXAMPLE
    Get-SessionHistory
    The last 20 commands.

    .EXAMPLE
    Get-SessionHistory -Principal token -Last 5 | Format-List
    Everything about the last five commands of agents and scripts.

    .EXAMPLE
    (Get-SessionHistory -Last 1).Command
    The last command as text.
    #>
    [CmdletBinding()]
    [OutputType('PwshKernels.Run')]
    param(
        [ValidateRange(1, 1000)] [int] $Last = 20,
        [SupportsWildcards()] [string] $Principal = '*',
        [switch] $Failed
    )
    $file = $env:PWSH_KERNELS_HISTORY
    if (-not $file) {
        throw 'This PowerShell is not a session of a pwsh-kernels server, so there is no history.'
    }
    if (-not (Test-Path -LiteralPath $file)) { return }
    # Always UTF-8: a byte order mark of another encoding, which a command may have written, would
    # hide every line.
    $text = [Text.UTF8Encoding]::new($false).GetString([IO.File]::ReadAllBytes($file))
    $lines = @($text -split "`n" | Where-Object { $_.Trim() })
    $runs = @($lines | ForEach-Object { ConvertFrom-HistoryLine $_ })
    $damaged = $lines.Count - $runs.Count
    if ($damaged) {
        $said = $damaged -eq 1 ? 'line of {0} is', 'was' : 'lines of {0} are', 'were'
        Write-Warning ("$damaged $($said[0]) damaged and $($said[1]) skipped." -f $file)
    }
    $runs |
        Where-Object {
            $_.principal -like $Principal -and (-not $Failed -or $_.state -ne 'succeeded')
        } |
        Select-Object -Last $Last | ForEach-Object { ConvertTo-SessionRun $_ }
}

function ConvertFrom-HistoryLine([string] $Text) {
    try {
        $run = ConvertFrom-Json -InputObject $Text -DateKind Utc
        if ($run.run_id -is [string]) { $run }
    }
    catch {
        # Left out; the caller counts such lines.
    }
}

function ConvertTo-SessionRun([object] $Line) {
    $seconds = if ($Line.started_at -is [datetime] -and $Line.ended_at -is [datetime]) {
        [math]::Round(($Line.ended_at - $Line.started_at).TotalSeconds, 3)
    }
    [pscustomobject]@{
        PSTypeName = 'PwshKernels.Run'
        Started    = $Line.started_at
        Who        = if ($Line.client) {
            "$($Line.principal) ($($Line.client))"
        }
        else {
            $Line.principal
        }
        State      = $Line.state
        Seconds    = $seconds
        Command    = $Line.command
        Error      = $Line.error
        Account    = $Line.account
        Principal  = $Line.principal
        Client     = $Line.client
        RunId      = $Line.run_id
    }
}

Export-ModuleMember -Function Get-SessionHistory
