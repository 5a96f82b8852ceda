"""The Jupyter kernel: messages of the Jupyter protocol on one side, a PowerShell object on the
other.
"""
