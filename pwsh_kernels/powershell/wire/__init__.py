"""The bytes between us and PowerShell: packets, protocol, templates, conversion."""
