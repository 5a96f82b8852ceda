# "name=version" of each module that a session would find, newest version of a name first.
param([string[]] $Name)
foreach ($one in Get-Module -ListAvailable -Name $Name) { "$($one.Name)=$($one.Version)" }
