"""People whom an OpenID provider sends, and who are not let in."""

from dataclasses import dataclass
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError


@dataclass(eq=False)
class PersonRefused(ProductError):
    """A sign-in through the OpenID provider came to nothing."""

    code: ClassVar[str] = "person_refused"
    status: ClassVar[int] = 403
    problem: str

    def text(self) -> str:
        return (
            f"The sign-in through the provider was refused: {self.problem}. Sign in again, or with"
            " `pwsh-kernels page`; whoever administers the server finds the reason in"
            " docs/governance.md, Signing in with OpenID Connect."
        )
