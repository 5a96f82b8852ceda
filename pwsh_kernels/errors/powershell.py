"""PowerShell that is not found, does not start, has died, or does not answer."""

from dataclasses import dataclass
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError


@dataclass(eq=False)
class PowerShellNotFound(ProductError):
    """No PowerShell was found in any of the named places."""

    code: ClassVar[str] = "powershell_not_found"
    status: ClassVar[int] = 503
    looked_in: list[str]

    def text(self) -> str:
        return (
            f"No PowerShell was found (looked in: {'; '.join(self.looked_in)}). Install PowerShell"
            " 7.4 or newer (https://aka.ms/powershell), name one in PWSH_MANAGER_PWSH, or install"
            " the embedded one (vendor/README.md)."
        )


@dataclass(eq=False)
class PowerShellTooOld(ProductError):
    """The PowerShell that was found is older than the product supports, or reports no version."""

    code: ClassVar[str] = "powershell_too_old"
    status: ClassVar[int] = 503
    path: str
    version: str
    minimum: str = "7.4"

    def text(self) -> str:
        return (
            f"{self.path} is PowerShell {self.version or '(unknown)'}; {self.minimum} or newer is"
            " needed. Install one (https://aka.ms/powershell) or name another in"
            " PWSH_MANAGER_PWSH."
        )


@dataclass(eq=False)
class PowerShellStartFailed(ProductError):
    """PowerShell was found but did not open a runspace."""

    code: ClassVar[str] = "powershell_start_failed"
    status: ClassVar[int] = 503
    path: str
    reason: str

    def text(self) -> str:
        return (
            f"{self.path} did not start: {self.reason}. `pwsh-kernels doctor` checks the"
            " installation."
        )


@dataclass(eq=False)
class PowerShellDied(ProductError):
    """The PowerShell process ended while it was needed."""

    code: ClassVar[str] = "powershell_died"
    status: ClassVar[int] = 502
    exit_status: int | None
    signal: str | None
    reason: str = ""
    """Why the product ended it; empty if it did not."""

    def how(self) -> str:
        """Return how it ended, as a part of a sentence."""
        if self.reason:
            return self.reason
        return f"killed by {self.signal}" if self.signal else f"exit status {self.exit_status}"

    def text(self) -> str:
        return (
            f"PowerShell has ended ({self.how()}); its variables and sign-ins are gone. Start a new"
            " session."
        )


@dataclass(eq=False)
class PowerShellQueryFailed(ProductError):
    """PowerShell did not answer one of the product's own queries."""

    code: ClassVar[str] = "powershell_query_failed"
    status: ClassVar[int] = 502
    reason: str

    def text(self) -> str:
        return (
            f"PowerShell did not answer an internal question: {self.reason}. Try again; the"
            " server's log may say more."
        )
