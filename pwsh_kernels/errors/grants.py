"""Messages that a session's kernel does not act on, because the server did not grant them."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pwsh_kernels.errors.product_error import ProductError

GrantProblem = Literal[
    "missing", "signature", "other_message", "other_content", "expired", "replayed", "no_key"
]
_PROBLEMS: dict[GrantProblem, str] = {
    "missing": "the message did not come through the server",
    "signature": "its grant was not signed by the session's server, for this start of its kernel",
    "other_message": "its grant is for another message",
    "other_content": "its grant is for other code, or for other options of it",
    "expired": "its grant had run out before the message arrived",
    "replayed": "the message was here before",
    "no_key": "the server that started this kernel is older than it; start the server again, and"
    " then the session",
}


@dataclass(eq=False)
class NotGranted(ProductError):
    """A message to a session's kernel carries no grant that is good for it."""

    code: ClassVar[str] = "not_granted"
    status: ClassVar[int] = 403
    reason: GrantProblem

    def text(self) -> str:
        return (
            f"Nothing was run: {_PROBLEMS[self.reason]}. This kernel is a session, which runs only"
            " what its server grants: attach through the server (`pwsh-kernels console TENANT"
            " MODULE`, `pwsh-kernels lab`, or any Jupyter client with the server's address and a"
            " token), not with the connection file."
        )
