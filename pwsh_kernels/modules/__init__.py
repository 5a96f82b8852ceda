"""PowerShell modules that the product installs for its sessions: by name and version, side by side, the same on every server."""
