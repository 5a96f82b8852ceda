"""Unknown tenants, and tenants' secrets that cannot be read."""

from dataclasses import dataclass, field
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError


@dataclass(eq=False)
class InvalidTenant(ProductError):
    """The tenant is neither a domain name nor an alias."""

    code: ClassVar[str] = "invalid_tenant"
    status: ClassVar[int] = 400
    tenant: str
    nearest: list[str] = field(default_factory=list)

    def text(self) -> str:
        start = f"{self.tenant!r} is not a tenant: give its domain name, such as contoso.com"
        return f"{start}. Nearest: {', '.join(self.nearest)}" if self.nearest else start


@dataclass(eq=False)
class UnknownTenant(ProductError):
    """The tenant is not a known one, or looks like a mistyped one."""

    code: ClassVar[str] = "unknown_tenant"
    status: ClassVar[int] = 400
    tenant: str
    nearest: list[str]

    def text(self) -> str:
        nearest = f" Nearest: {', '.join(self.nearest)}." if self.nearest else ""
        return (
            f"Unknown tenant: {self.tenant}.{nearest} `pwsh-kernels tenants` lists the known ones; "
            f"if it is another one, a person adds it with `pwsh-kernels tenants add {self.tenant}`."
        )


@dataclass(eq=False)
class BadSecret(ProductError):
    """A secret cannot be read from its place.

    `name` is that of the file or variable; the content is never shown.
    """

    code: ClassVar[str] = "bad_secret"
    status: ClassVar[int] = 500
    name: str
    problem: str

    def text(self) -> str:
        return f"The secret in {self.name} cannot be used: {self.problem}."
