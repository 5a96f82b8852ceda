"""One signed-in PowerShell session per tenant and module, shared by agents, people and scripts."""

__version__ = "0.1.0"
