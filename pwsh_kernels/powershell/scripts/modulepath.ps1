# Puts the folders that a launch names first, then the machine's or none of them (modulepath.py).
# PowerShell puts its own folders before an inherited PSModulePath unless they are in it; which
# these are, its settings decide.
param([string]$First, [bool]$Machine)

# Without cmdlets and operators on lists: these take 0.1 s of a session's start (measured).
$folders = [Collections.Generic.List[string]]::new()
if ($First) { $folders.Add($First) }
$own = "$PSHOME/Modules"
if (-not $Machine) { $folders.Add($own) }
foreach ($one in [Environment]::GetEnvironmentVariable('PSModulePath').Split([IO.Path]::PathSeparator)) {
    # A PowerShell that this one starts (a job) puts its usual folders in front, unless it finds
    # them here, in small or capital letters. So they are named in a way that is no folder where
    # letters matter.
    $name = $Machine ? $one : $one.ToUpperInvariant()
    if ($one -and ($Machine -or ($one -ne $own -and -not [IO.Directory]::Exists($name)))) {
        $folders.Add($name)
    }
}
[Environment]::SetEnvironmentVariable('PSModulePath',
    [string]::Join([IO.Path]::PathSeparator, $folders))
