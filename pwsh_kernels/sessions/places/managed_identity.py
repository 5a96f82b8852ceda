"""Where a machine gives out tokens of its own identity: what a confined session needs to reach it.

Pure. https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview
"""

from collections.abc import Mapping
from pathlib import Path

METADATA = "http://169.254.169.254"
"""The service of a virtual machine in Azure."""
ENDPOINTS = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT")
"""Variables with which App Service, Container Apps, Functions and Azure Arc name another one."""
VARIABLES = (
    *ENDPOINTS,
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_SECRET",
)
"""What the modules read to find it, and to be let in."""
CHALLENGES = Path("/var/opt/azcmagent/tokens")
"""Where Azure Arc puts a file whose reader proves that it is on this machine."""


def endpoint(environment: Mapping[str, str]) -> str:
    """Return the address of the service that gives tokens to programs with this environment."""
    named = (environment.get(name) for name in ENDPOINTS)
    return next(filter(None, named), METADATA)


def variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a session with the machine's identity gets of an environment."""
    return {name: environment[name] for name in VARIABLES if environment.get(name)}
