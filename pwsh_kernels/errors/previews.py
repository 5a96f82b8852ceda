"""Commands of which nobody can say beforehand what they would change."""

from dataclasses import dataclass
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError


@dataclass(eq=False)
class CannotPreview(ProductError):
    """A dry run is not possible; none of the text was run. `pieces`: what stands in its way."""

    code: ClassVar[str] = "cannot_preview"
    status: ClassVar[int] = 422
    pieces: list[str]

    def text(self) -> str:
        return f"This cannot be previewed, and none of it was run. {' '.join(self.pieces)}"
