"""The PowerShell process: how it is found, started, watched and ended."""
