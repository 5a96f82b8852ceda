"""What stands in the way of a command because of what a session is like just now."""

from dataclasses import dataclass
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError


@dataclass(eq=False)
class StateChanged(ProductError):
    """The session is not as it was when somebody agreed to a command there; none of it was run."""

    code: ClassVar[str] = "state_changed"
    status: ClassVar[int] = 409
    differences: list[str]

    def text(self) -> str:
        return (
            "Not run: the session is not what the approver saw."
            f" {' '.join(self.differences)} Find out who changed it, then ask again."
        )


@dataclass(eq=False)
class StateUnknown(ProductError):
    """Nobody can tell how a session resolves commands."""

    code: ClassVar[str] = "state_unknown"
    status: ClassVar[int] = 409
    reason: str

    def text(self) -> str:
        return (
            f"Not run: how the session resolves commands cannot be told ({self.reason}). A session"
            " of PowerShell 7.6 or newer that this version of the server began can tell: end this"
            " one (`pwsh-kernels disconnect`) and sign in again."
        )
