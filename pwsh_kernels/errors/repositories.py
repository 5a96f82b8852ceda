"""Repositories of PowerShell modules that are unknown or cannot be reached."""

from dataclasses import dataclass
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError


@dataclass(eq=False)
class RepositoryUnreachable(ProductError):
    """A repository's host does not answer.

    `proxies` are the names of the proxy settings in force.
    """

    code: ClassVar[str] = "repository_unreachable"
    status: ClassVar[int] = 502
    repository: str
    host: str
    reason: str
    proxies: list[str]

    def text(self) -> str:
        proxies = f"set: {', '.join(self.proxies)}" if self.proxies else "none is set"
        return (
            f"The repository {self.repository} cannot be reached: {self.host}"
            f" ({self.reason.rstrip('. ')}). Behind a proxy set HTTPS_PROXY or HTTP_PROXY, with"
            f" NO_PROXY for hosts of your own ({proxies}); without a network install from a folder"
            " of .nupkg files: --from FOLDER."
        )


@dataclass(eq=False)
class RepositoryWantsCredentials(ProductError):
    """A repository requires credentials."""

    code: ClassVar[str] = "repository_wants_credentials"
    status: ClassVar[int] = 502
    repository: str
    host: str

    def text(self) -> str:
        return (
            f"The repository {self.repository} ({self.host}) requires credentials, or refuses"
            " those that it got. Set them in PowerShell: `Set-PSResourceRepository -Name"
            f" {self.repository} -CredentialInfo …` (a secret of a SecretManagement vault), or"
            " install from a folder of .nupkg files: --from FOLDER."
        )


@dataclass(eq=False)
class UnknownRepository(ProductError):
    """PowerShell has no repository of that name, and there is no such folder."""

    code: ClassVar[str] = "unknown_repository"
    status: ClassVar[int] = 404
    repository: str
    known: list[str]
    address: str = ""

    def text(self) -> str:
        return (
            f"{self.repository} is neither a folder nor a repository that PowerShell knows"
            f" ({', '.join(self.known)}). Register it in PowerShell: `Register-PSResourceRepository"
            f" -Name {self.repository} -Uri {self.address or 'ADDRESS'}`, or name another with"
            " --from."
        )
