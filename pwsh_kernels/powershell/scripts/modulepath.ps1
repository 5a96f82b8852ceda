# Puts the folders that a launch names first, then the machine's, or none of them (modulepath.py).
# PowerShell puts its own folders before an inherited PSModulePath unless they are already in it;
# its settings decide which folders those are.
param([string]$First, [bool]$Machine)

# Without cmdlets and list operators, which would add 0.1 s to a session's start (measured).
$folders = [Collections.Generic.List[string]]::new()
if ($First) { $folders.Add($First) }
$own = "$PSHOME/Modules"
if (-not $Machine) { $folders.Add($own) }
foreach ($one in [Environment]::GetEnvironmentVariable('PSModulePath').Split([IO.Path]::PathSeparator)) {
    # A PowerShell started from this one (a job) puts its usual folders in front unless it finds
    # them here, in upper or lower case. So they are listed in upper case, which names no folder on
    # a case-sensitive file system.
    $name = $Machine ? $one : $one.ToUpperInvariant()
    if ($one -and ($Machine -or ($one -ne $own -and -not [IO.Directory]::Exists($name)))) {
        $folders.Add($name)
    }
}
[Environment]::SetEnvironmentVariable('PSModulePath',
    [string]::Join([IO.Path]::PathSeparator, $folders))
