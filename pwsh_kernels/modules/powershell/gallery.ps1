# The part of `pwsh-kernels modules` that only PowerShell can do: find packages, download them,
# import modules. Each line of one pipe is a request, answered by one line on another. Values arrive
# as JSON and never become code.
param([int] $Requests, [int] $Answers)
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

function Open-Pipe([int] $Number, [IO.FileAccess] $Access) {
    [IO.FileStream]::new("/dev/fd/$Number", [IO.FileMode]::Open, $Access, [IO.FileShare]::ReadWrite)
    # Otherwise the programs that a module starts would inherit the descriptor.
    [Microsoft.Win32.SafeHandles.SafeFileHandle]::new([IntPtr] $Number, $true).Dispose()
}

function Get-Chain([exception] $Exception) {
    for ($one = $Exception; $one; $one = $one.InnerException) {
        @{
            type = $one.GetType().Name
            message = $one.Message
            status = [int] ($one.PSObject.Properties['StatusCode']?.Value ?? 0)
        }
    }
}

function Find-Package($Request) {
    $wanted = @{ Name = $Request.name; Repository = $Request.repository }
    if ($Request.version) { $wanted.Version = $Request.version }
    if ($Request.prerelease) { $wanted.Prerelease = $true }
    foreach ($one in Find-PSResource @wanted) {
        @{
            name = $one.Name
            version = [string] $one.Version
            prerelease = [string] $one.Prerelease
            type = [string] $one.Type
            dependencies = @(
                foreach ($other in $one.Dependencies) {
                    @{ name = $other.Name; range = [string] $other.VersionRange }
                }
            )
        }
    }
}

function Save-Package($Request) {
    $wanted = @{
        Name = $Request.name
        Version = $Request.version
        Repository = $Request.repository
        Path = $Request.folder
    }
    Save-PSResource @wanted -TemporaryPath $Request.temporary -TrustRepository -SkipDependencyCheck
}

function Find-OwnModule {
    $before = $env:PSModulePath
    $env:PSModulePath = "$PSHOME/Modules"
    try {
        Get-Module -ListAvailable |
            ForEach-Object { @{ name = $_.Name; version = [string] $_.Version } }
    }
    finally {
        $env:PSModulePath = $before
    }
}

function Import-Package($Request) {
    # A module that only complains may still work.
    $problem = try {
        Import-Module -Name $Request.name -RequiredVersion $Request.version `
            -ErrorAction SilentlyContinue -ErrorVariable said *> $null
    }
    catch {
        "$_"
    }
    if (-not (Get-Module -Name $Request.name)) {
        [string] @($problem, $said, 'it gave no reason' | Where-Object { $_ })[0]
    }
}

function Get-Answer($Request) {
    switch ($Request.do) {
        'register' {
            Register-PSResourceRepository -Name $Request.repository -Uri $Request.address -Trusted
        }
        'repositories' {
            Get-PSResourceRepository |
                ForEach-Object { @{ name = $_.Name; address = [string] $_.Uri } }
        }
        'find' { Find-Package $Request }
        'save' { Save-Package $Request }
        'own' { Find-OwnModule }
        'look' {
            $folders = @($Request.folders) + $env:PSModulePath
            $env:PSModulePath = $folders -join [IO.Path]::PathSeparator
        }
        'import' { Import-Package $Request }
        'begin' { }
    }
}

# A module that is being imported may read stdin and write to stdout, so neither is used here.
$asked = [IO.StreamReader]::new((Open-Pipe $Requests Read))
$told = [IO.StreamWriter]::new((Open-Pipe $Answers Write))
$told.AutoFlush = $true
while ($null -ne ($line = $asked.ReadLine())) {
    $answer = try {
        @{ answer = @(Get-Answer (ConvertFrom-Json -InputObject $line)) }
    }
    catch {
        @{
            error = @{
                id = ([string] $_.FullyQualifiedErrorId).Split(',')[0]
                chain = @(Get-Chain $_.Exception)
            }
        }
    }
    $told.WriteLine((ConvertTo-Json -InputObject $answer -Depth 6 -Compress))
}
