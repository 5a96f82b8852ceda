"""Requests that are refused before they reach a session, because of who sends them, from where, or
what they ask for.
"""

from dataclasses import dataclass
from typing import ClassVar

from pwsh_kernels.errors.product_error import ProductError


@dataclass(eq=False)
class InvalidRequest(ProductError):
    """A value of a request is missing or wrong."""

    code: ClassVar[str] = "invalid_request"
    status: ClassVar[int] = 400
    field: str
    problem: str

    def text(self) -> str:
        return f"{self.field} {self.problem}"


@dataclass(eq=False)
class Unauthorized(ProductError):
    """The request carries no valid token."""

    code: ClassVar[str] = "unauthorized"
    status: ClassVar[int] = 401

    def text(self) -> str:
        return (
            "A valid token is required: send `Authorization: Bearer TOKEN`. `pwsh-kernels serve`"
            " prints it on a terminal, `jupyter server list` shows it; the pwsh-kernels command and"
            " mcp_server.py find it on their own."
        )


@dataclass(eq=False)
class Forbidden(ProductError):
    """The caller is known and may not do that there. `why` is the decision as a sentence; `instead`
    is a tier in which the caller may run what only reads, "" if there is none.
    """

    code: ClassVar[str] = "forbidden"
    status: ClassVar[int] = 403
    principal: str
    verb: str
    tenant: str
    module: str
    reason: str
    why: str
    instead: str = ""

    def text(self) -> str:
        told = f"Not allowed: {self.why} Who owns this server decides that."
        if not self.instead:
            return told
        return f"{told} You may run what only reads in the read tier: `--read`, or tier: read."


@dataclass(eq=False)
class TooManyClassifications(ProductError):
    """The caller has had as much text judged as one caller may at a time."""

    code: ClassVar[str] = "too_many_classifications"
    status: ClassVar[int] = 429
    retry_after_s: int

    def text(self) -> str:
        return (
            "You have had much text judged of late, and others wait for the same parser. Nothing"
            f" was run: ask again in {self.retry_after_s} s."
        )


@dataclass(eq=False)
class ForeignHost(ProductError):
    """The request names a host that is not this machine: a web page may have rebound a domain name
    to us.
    """

    code: ClassVar[str] = "foreign_host"
    status: ClassVar[int] = 403
    host: str

    def text(self) -> str:
        return f"{self.host!r} is not a name of this machine: use 127.0.0.1 or localhost."


@dataclass(eq=False)
class ForeignOrigin(ProductError):
    """A web page of another site sent the request."""

    code: ClassVar[str] = "foreign_origin"
    status: ClassVar[int] = 403
    origin: str

    def text(self) -> str:
        return (
            f"Requests from web pages of {self.origin!r} are refused: only this server's own pages"
            " may call it."
        )


@dataclass(eq=False)
class UnknownRoute(ProductError):
    """The server has no such path."""

    code: ClassVar[str] = "unknown_route"
    status: ClassVar[int] = 404
    path: str

    def text(self) -> str:
        return f"There is nothing at {self.path}. docs/rest.md lists every route."


@dataclass(eq=False)
class MethodNotAllowed(ProductError):
    """The path exists, for other methods."""

    code: ClassVar[str] = "method_not_allowed"
    status: ClassVar[int] = 405
    method: str
    allowed: list[str]

    def text(self) -> str:
        return f"{self.method} is not possible here, only {', '.join(self.allowed)}."


@dataclass(eq=False)
class BodyTooLarge(ProductError):
    """The request's body is larger than the server accepts."""

    code: ClassVar[str] = "body_too_large"
    status: ClassVar[int] = 413
    size: int
    limit: int

    def text(self) -> str:
        return (
            f"The body has {self.size} bytes; at most {self.limit} are accepted. Put large data"
            " into a file and let the command read it."
        )


@dataclass(eq=False)
class CommandTooLarge(ProductError):
    """A command, with its parameters, is longer than the server accepts."""

    code: ClassVar[str] = "command_too_large"
    status: ClassVar[int] = 413
    size: int
    limit: int

    def text(self) -> str:
        return (
            f"The command and its parameters have {self.size} characters; at most {self.limit} are"
            " accepted (PWSH_MANAGER_COMMAND_SIZE). Nothing was run. Put large data into a file and"
            " let the command read it."
        )
