"""What exactly is approved: a command with its values, where, as whom, in which form.

Pure.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import rfc8785


@dataclass(frozen=True, slots=True)
class Change:
    """One change. Another value anywhere in it is another change."""

    command: str
    tenant: str
    module: str
    account: str
    """Who is signed in where it is to run."""
    tier: str = "write"
    format: str = "text"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """The values that are bound to the command's parameters, as JSON."""

    def digest(self) -> str:
        """Return the SHA-256 of it as canonical JSON (RFC 8785)."""
        return hashlib.sha256(rfc8785.dumps(asdict(self))).hexdigest()
