# The versions of a module, in the order in which PowerShell would pick them.
param([string] $Name)
try { Get-Module -ListAvailable -Name $Name | ForEach-Object { "$($_.Version)" } }
finally { Remove-Variable -Name Name -ErrorAction Ignore }
