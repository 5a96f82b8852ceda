"""What the read tier refuses."""

from dataclasses import dataclass
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError

ELSEWHERE = {
    True: ", or run it in the other tier (without --read, tier: write), where you may",
    False: "; in the other tier you may not run it",
    None: ", or run it in the write tier if you may",
}
"""By whether the caller may run a text in the other tier."""


@dataclass(eq=False)
class ReaderNotConfigured(ProductError):
    """A session of the read tier has no account of its own that may only read."""

    code: ClassVar[str] = "reader_not_configured"
    status: ClassVar[int] = 409
    tenant: str
    module: str

    def text(self) -> str:
        return (
            f"Nobody may read in {self.tenant}:{self.module}:read yet, and the account of"
            f" {self.tenant}:{self.module} is not used instead. A person gives an account or an"
            f" application a role that only reads, and names it in [tenant.read.{self.module}] of"
            f" {self.tenant} in the tenants file: expected_account, or a route with its client_id"
            " (docs/tenants.md#the-read-tier)."
        )


@dataclass(eq=False)
class NotCarried(ProductError):
    """A text for the read tier reads, and cannot be put into commands and parameters."""

    code: ClassVar[str] = "not_carried"
    status: ClassVar[int] = 400
    tenant: str
    module: str
    line: int
    column: int
    piece: str
    instead: str
    may_write: bool | None = None
    """Whether the caller may run it in the other tier; None: nobody has asked."""

    def text(self) -> str:
        return (
            f"Nothing was run: {self.tenant}:{self.module}:read takes commands with parameters"
            f" and no other text, and line {self.line}, column {self.column} is more:"
            f" {self.piece} {self.instead} Write it in another way{ELSEWHERE[self.may_write]}."
        )


@dataclass(eq=False)
class NotOnlyReading(ProductError):
    """A text for the read tier does more than read, or nobody can tell."""

    code: ClassVar[str] = "not_only_reading"
    status: ClassVar[int] = 400
    tenant: str
    module: str
    kind: str
    pieces: list[str]
    may_write: bool | None = None
    """Whether the caller may run it in the other tier; None: nobody has asked."""

    def text(self) -> str:
        pieces = " ".join(self.pieces)
        return (
            f"Nothing was run: {self.tenant}:{self.module}:read runs only what certainly reads, and"
            f" this is {self.kind}. {pieces} Write it in another way{ELSEWHERE[self.may_write]}."
        )
