# Does for `pwsh-kernels modules` what only PowerShell can: looks for packages, fetches them,
# imports modules. Each line of stdin is a request, answered by one line on stdout; values come as
# JSON and never become code.
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

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

function Import-Package($Request) {
    $env:PSModulePath = @($Request.folders) + $env:PSModulePath -join [IO.Path]::PathSeparator
    foreach ($one in $Request.modules) {
        # What a module only complains about does not keep it from working.
        $problem = try {
            Import-Module -Name $one.name -RequiredVersion $one.version `
                -ErrorAction SilentlyContinue -ErrorVariable said *> $null
        }
        catch {
            "$_"
        }
        if (-not (Get-Module -Name $one.name)) {
            @{
                name = $one.name
                reason = [string] @($problem, $said, 'it gave no reason' | Where-Object { $_ })[0]
            }
        }
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
        'import' { Import-Package $Request }
    }
}

while ($null -ne ($line = [Console]::In.ReadLine())) {
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
    [Console]::Out.WriteLine((ConvertTo-Json -InputObject $answer -Depth 6 -Compress))
}
