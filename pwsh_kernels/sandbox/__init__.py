"""The sandbox: a simulated Microsoft 365 tenant, its PowerShell modules and the authority that
holds device codes.
"""

from pathlib import Path

from pwsh_kernels.sandbox.authority import Authority, SignIn
from pwsh_kernels.sandbox.company import Account, Application, Company, CompanyTenant, Environment
from pwsh_kernels.sandbox.tokens import Token

__all__ = [
    "Account",
    "Application",
    "Authority",
    "Company",
    "CompanyTenant",
    "Environment",
    "SignIn",
    "Token",
    "module_path",
]


def module_path() -> Path:
    """Return the folder that goes first on PSModulePath of a sandbox session."""
    return Path(__file__).parent / "modules"
