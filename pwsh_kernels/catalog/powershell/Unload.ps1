# Unloads a module, whichever version is loaded.
param([string] $Name)
try { Remove-Module -Name $Name -Force -ErrorAction Ignore }
finally { Remove-Variable -Name Name -ErrorAction Ignore }
