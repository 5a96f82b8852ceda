"""Services of the catalog that are not known, not supported, or lack their PowerShell module."""

from dataclasses import dataclass, field
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError


@dataclass(eq=False)
class UnknownModule(ProductError):
    """The catalog has no module of that key."""

    code: ClassVar[str] = "unknown_module"
    status: ClassVar[int] = 400
    module: str
    known: list[str]
    nearest: list[str] = field(default_factory=list)

    def text(self) -> str:
        meant = f". Did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        return f"Unknown module: {self.module}. Known modules: {', '.join(self.known)}{meant}"


@dataclass(eq=False)
class UnsupportedModule(ProductError):
    """A service that cannot be used here."""

    code: ClassVar[str] = "unsupported_module"
    status: ClassVar[int] = 400
    module: str
    reason: str
    instead: str

    def text(self) -> str:
        return f"{self.module} is not supported: {self.reason} {self.instead}"


@dataclass(eq=False)
class ModuleNotReady(ProductError):
    """A service's PowerShell module is missing, or no installed version works.

    `found`: the installed version, or ""; `reason`: why it is known to be bad, "" if it is too old.
    """

    code: ClassVar[str] = "module_not_ready"
    status: ClassVar[int] = 409
    module: str
    powershell_module: str
    minimum: str
    found: str
    install: str
    reason: str = ""

    def text(self) -> str:
        what = f"The PowerShell module {self.powershell_module}"
        if self.reason:
            return (
                f"{what} {self.found} is known not to work: {self.reason}. Install another version:"
                f" {self.install}"
            )
        if not self.found:
            return f"{what} {self.minimum} or newer is not installed. Install it: {self.install}"
        return (
            f"{what} is too old: {self.found} is installed, {self.minimum} or newer is needed."
            f" Install it: {self.install}"
        )
