"""The sandbox: a simulated Microsoft 365 tenant, its PowerShell modules and the authority that holds device codes."""

from pathlib import Path

from pwsh_kernels.sandbox.authority import Authority, SignIn
from pwsh_kernels.sandbox.company import Account, Company, CompanyTenant

__all__ = ["Account", "Authority", "Company", "CompanyTenant", "SignIn", "module_path"]


def module_path() -> Path:
    """Return the folder that goes first on PSModulePath of a sandbox session."""
    return Path(__file__).parent / "modules"
