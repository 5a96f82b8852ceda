# Unloads a module, in whatever version it is loaded.
param([string] $Name)
try { Remove-Module -Name $Name -Force -ErrorAction Ignore }
finally { Remove-Variable -Name Name -ErrorAction Ignore }
