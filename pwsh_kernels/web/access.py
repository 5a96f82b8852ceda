"""Who calls, and what they may do: the permissions of routes, the token of a request, the principal
behind it.
"""

import hmac
import re
from dataclasses import dataclass
from enum import Enum

AUTHORIZATION = re.compile(r"(?:token|bearer)[ \t]+(.+)", re.IGNORECASE)
PRODUCT = re.compile(
    r"([A-Za-z0-9._+-]{1,40})(?:/[A-Za-z0-9._+-]{1,40}(?: \(([A-Za-z0-9._+-]{1,40})\))?)?"
)
"""The first product of a User-Agent header and, in brackets after its version, one word for the
program that it calls for; anything else is ignored.
"""


class Permission(Enum):
    """What a route lets its caller do. Every route declares one; OPEN needs no token."""

    OPEN = "open"
    READ = "read"
    SIGN_IN = "sign_in"
    RUN = "run"
    END = "end"


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: the holder of the server's token.

    `client` is the calling program, by the name that it gives itself.
    """

    name: str
    client: str


TOKEN_HOLDER = "token"  # noqa: S105 - the name of a principal


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


def find_principal(authorization: str, user_agent: str, token: str) -> Principal | None:
    """Return who sends these headers, or None when they carry no valid token."""
    if not same_token(read_token(authorization), token):
        return None
    return Principal(TOKEN_HOLDER, client_label(user_agent))
