"""PowerShell modules that the product installs for its sessions: side by side by version, the same
on every server.
"""
