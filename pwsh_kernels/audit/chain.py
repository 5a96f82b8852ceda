"""The chain: each record carries the SHA-256 of the hash before it and of itself in canonical JSON
(RFC 8785). Pure.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import rfc8785

from pwsh_kernels.audit.event import Value

BEGINNING = "0" * 64
"""The hash before the first record."""


class Sealed(NamedTuple):
    """A record as the line of a file, and its hash."""

    line: bytes
    hash: str


def canonical(facts: Mapping[str, Any]) -> bytes:
    """Return the one way to write these facts. Raises ValueError for what has none."""
    return rfc8785.dumps(facts)


def hash_after(previous: str, record: Mapping[str, Any]) -> str:
    """Return the hash of a record, given the one before it: `printf %s%s PREVIOUS RECORD |
    sha256sum`.
    """
    return hashlib.sha256(previous.encode() + canonical(record)).hexdigest()


def seal(previous: str, record: Mapping[str, Value]) -> Sealed:
    """Return the line of a record that follows the one with the hash `previous`."""
    own = hash_after(previous, record)
    return Sealed(canonical({**record, "hash": own}) + b"\n", own)
