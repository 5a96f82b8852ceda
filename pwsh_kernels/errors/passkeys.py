"""Passkeys that do not prove anything."""

from dataclasses import dataclass
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError


@dataclass(eq=False)
class PasskeyRefused(ProductError):
    """A passkey is not taken, or proves nothing here; `problem` says why."""

    code: ClassVar[str] = "passkey_refused"
    status: ClassVar[int] = 403
    problem: str

    def text(self) -> str:
        return f"The passkey was not accepted: {self.problem}. Try it again on the page."


@dataclass(eq=False)
class UnknownPasskey(ProductError):
    """Somebody has no such passkey."""

    code: ClassVar[str] = "unknown_passkey"
    status: ClassVar[int] = 404
    passkey: str

    def text(self) -> str:
        return f"You have no passkey {self.passkey!r}; `pwsh-kernels passkey list` shows yours."


@dataclass(eq=False)
class PasskeysLocked(ProductError):
    """Sessions can read the token with which a second passkey would be added, or one removed."""

    code: ClassVar[str] = "passkeys_locked"
    status: ClassVar[int] = 403
    file: str

    def text(self) -> str:
        return (
            "Sessions of this server can read its tokens, so a token adds only the first passkey"
            " and removes none. Confine the sessions (PWSH_MANAGER_CONFINE=on), or stop the server"
            f" and delete {self.file}."
        )
