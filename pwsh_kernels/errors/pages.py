"""Refusals of the pages for people."""

from dataclasses import dataclass
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError


@dataclass(eq=False)
class PageForPeople(ProductError):
    """An agent or a script asked for the page."""

    code: ClassVar[str] = "page_for_people"
    status: ClassVar[int] = 403
    principal: str

    def text(self) -> str:
        return (
            f"{self.principal} is no person: the page is for people only. Use the REST API, MCP or"
            " the pwsh-kernels command."
        )


@dataclass(eq=False)
class PageCodeRefused(ProductError):
    """A code for the page is wrong, was used, or is too old; nobody is told which."""

    code: ClassVar[str] = "page_code_refused"
    status: ClassVar[int] = 403

    def text(self) -> str:
        return (
            "This code is wrong, was used already, or has expired. Run `pwsh-kernels page` for"
            " another one."
        )
