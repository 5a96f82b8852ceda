"""Errors of clients: the server does not answer, or refuses."""

from dataclasses import dataclass
from typing import Any, ClassVar

from pwsh_kernels.errors.product_error import ProductError


@dataclass(eq=False)
class ServerUnreachable(ProductError):
    """A client found no server: nothing was sent."""

    code: ClassVar[str] = "server_unreachable"
    status: ClassVar[int] = 503
    url: str
    reason: str

    def text(self) -> str:
        return (
            f"No pwsh-kernels server answers at {self.url} ({self.reason}). "
            "Start one with `pwsh-kernels serve`, or name another in PWSH_MANAGER_URL."
        )


@dataclass(eq=False)
class AnswerLost(ProductError):
    """The server accepted a request, but no answer arrived: the request may have been carried
    out.
    """

    code: ClassVar[str] = "answer_lost"
    status: ClassVar[int] = 502
    url: str
    reason: str

    def text(self) -> str:
        return (
            f"The server at {self.url} did not answer ({self.reason}), but may still carry out the"
            " request. `pwsh-kernels runs` shows what it is doing; PWSH_MANAGER_TIMEOUT sets the"
            " longest wait."
        )


@dataclass(eq=False)
class NotOurServer(ProductError):
    """Something answers at the address, but it is not a pwsh-kernels server."""

    code: ClassVar[str] = "not_our_server"
    status: ClassVar[int] = 502
    url: str
    problem: str

    def text(self) -> str:
        return (
            f"What answers at {self.url} is not a pwsh-kernels server ({self.problem}). Name the"
            " right address in PWSH_MANAGER_URL, or start a server on another port with"
            " PWSH_MANAGER_PORT."
        )


@dataclass(eq=False)
class RequestRefused(ProductError):
    """The server answered with an error: its status, its stable code, its sentence and
    its facts.
    """

    code: ClassVar[str] = "request_refused"
    status: ClassVar[int] = 502
    http_status: int
    error_code: str
    message: str
    details: dict[str, Any]

    def text(self) -> str:
        return self.message

    def to_json(self) -> dict[str, Any]:
        return {"success": False, "error": self.message, "code": self.error_code, **self.details}
