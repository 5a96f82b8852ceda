"""Turns the errors of PowerShell's package manager into ours. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pwsh_kernels.errors import (
    PackageBroken,
    PackageInstallFailed,
    PackageNotFound,
    ProductError,
    RepositoryUnreachable,
    RepositoryWantsCredentials,
)

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
_REFUSED = re.compile(r"\b401\b|\b403\b|Unauthorized|Forbidden", re.IGNORECASE)
_FULL = re.compile(r"No space left on device|not enough space on the disk", re.IGNORECASE)
_CUT = re.compile(
    r"[Cc]entral [Dd]irectory|ended prematurely|Unexpected end|unexpected"
    r" EOF|InvalidDataException|corrupt"
)
_NETWORK = re.compile(
    r"Name or service not known|Connection refused|Connection reset|actively refused|No route to"
    r" host|"
    r"Network is unreachable|"
    r"temporar\w+ failure in name resolution|nodename nor servname|timed? ?out|SSL"
    r" connection|HttpClient\.Timeout|"
    r"error occurred while sending the request|proxy tunnel",
    re.IGNORECASE,
)
_NETWORK_TYPES = {
    "HttpRequestException",
    "SocketException",
    "AuthenticationException",
    "WebException",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """An error of the engine: its id, and its exceptions from the outer to the inner one."""

    id: str
    chain: Sequence[Mapping[str, Any]]

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "Failure":
        """Read an error from the output of gallery.ps1."""
        return cls(str(facts["id"]), facts["chain"])

    @property
    def text(self) -> str:
        """All of its messages and types, for searching."""
        return "\n".join(f"{one['type']}: {one['message']}" for one in self.chain)

    @property
    def reason(self) -> str:
        """The innermost message: what happened, without the address of the request."""
        message = str(self.chain[-1]["message"]) if self.chain else self.id
        return re.sub(r"\s*Request sent: .*", "", message).strip().strip("'")

    @property
    def is_full_disk(self) -> bool:
        """Whether the disk had no room left for it."""
        return bool(_FULL.search(self.text))

    @property
    def is_refusal(self) -> bool:
        """Whether a repository asked for credentials."""
        return any(one.get("status") in (401, 403) for one in self.chain) or bool(
            _REFUSED.search(self.text)
        )

    @property
    def is_network(self) -> bool:
        """Whether a host did not answer."""
        return bool(_NETWORK.search(self.text)) or any(
            one["type"] in _NETWORK_TYPES for one in self.chain
        )


def refusal(
    failure: Failure, name: str, repository: str, address: str, environment: Mapping[str, str]
) -> ProductError:
    """Return the error for a failure with a package of a repository."""
    host = urlsplit(address).hostname or address
    if failure.is_refusal:
        return RepositoryWantsCredentials(repository, host)
    if _CUT.search(failure.text):
        return PackageBroken(name, repository, failure.reason)
    if failure.is_network:
        proxies = [one for one in PROXIES if environment.get(one) or environment.get(one.lower())]
        return RepositoryUnreachable(repository, host, failure.reason, proxies)
    if failure.id == "PackageNotFound":
        return PackageNotFound(name, repository)
    return PackageInstallFailed(name, repository, failure.reason)
