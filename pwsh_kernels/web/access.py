"""Who calls, and what a route needs: the token of a request, the caller behind it, permissions."""

import hmac
import re
from dataclasses import dataclass
from enum import StrEnum

from pwsh_kernels.principals.principal import Principal
from pwsh_kernels.principals.verbs import Verb

AUTHORIZATION = re.compile(r"(?:token|bearer)[ \t]+(.+)", re.IGNORECASE)
PRODUCT = re.compile(
    r"([A-Za-z0-9._+-]{1,40})(?:/[A-Za-z0-9._+-]{1,40}(?: \(([A-Za-z0-9._+-]{1,40})\))?)?"
)
"""The first product of a User-Agent header and, in brackets after its version, one word for the
program that it calls for; anything else is ignored.
"""


class Scope(StrEnum):
    """Which places a route's verb must be granted in."""

    ANYWHERE = "anywhere"
    """In some place; the answer shows only what its caller may see."""
    BODY = "body"
    """In the session that the body names."""
    TENANTS = "tenants"
    """In each tenant that the body names; one that is refused does not affect the others."""
    PATH = "path"
    """In the session that the path names, `tenant:module`."""
    SERVER = "server"
    """On the server as a whole."""
    RUN = "run"
    """In the session of the run that the path names."""
    APPROVAL = "approval"
    """In every session that the approval is about that the path names."""


@dataclass(frozen=True, slots=True)
class Permission:
    """What the caller of a route needs; every route declares one. Without a verb it is open."""

    verb: Verb | None
    scope: Scope = Scope.ANYWHERE
    of_others: Verb | None = None
    """The verb that is needed instead for the run of somebody else."""


OPEN = Permission(None)
"""A route that needs no token."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request. `client` is the calling program, by the name that it gives itself."""

    principal: Principal
    client: str

    @property
    def name(self) -> str:
        """The principal's name in runs."""
        return self.principal.id


def read_token(authorization: str) -> str:
    """Return the token of an Authorization header (`Bearer TOKEN` or `token TOKEN`), or
    empty text.
    """
    match = AUTHORIZATION.fullmatch(authorization.strip())
    return match.group(1) if match else ""


def same_token(given: str, token: str) -> bool:
    """Compare in constant time.

    `given` is a header as Tornado decodes it: one character for each byte (latin-1).
    """
    if not token:
        return False
    return hmac.compare_digest(given.encode("latin-1", "replace"), token.encode())


def client_label(user_agent: str) -> str:
    """Return a short, harmless name of the calling program: `pwsh-kernels-cli/0.1 httpx/0.28` →
    `pwsh-kernels-cli`, `pwsh-kernels-mcp/0.1 (claude-code)` → `pwsh-kernels-mcp:claude-code`.
    """
    match = PRODUCT.match(user_agent)
    return ":".join(filter(None, match.groups())) if match else ""
