"""Grants: the server's signed word that somebody may have exactly this message done in a session.

A session's kernel does what runs code only for a message that carries one. It is in the message's
metadata under `KEY`, as `CLAIMS.SIGNATURE` (base64url): who asks, for which run, the message's kind
and id, the SHA-256 of everything else that it says, and until when it may arrive.

Signed with Ed25519: the kernel knows the public half only, so that nothing that reads the kernel's
memory, environment or connection file can make one. Each start of a kernel has a key of its own, so
no other session's grant fits, nor one from before a restart.
"""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pwsh_kernels.errors import NotGranted

KEY = "pwsh_grant"
FREE = frozenset(
    {
        "history_request",
        "comm_info_request",
        "kernel_info_request",
        "connect_request",
        "shutdown_request",
        "is_complete_request",
        "interrupt_request",
        "usage_request",
        "pwsh_journal_request",
    }
)
"""The kinds of messages that run no code of anybody: they need no grant. Every other kind does."""
VALID_S = 300.0
"""How long a message may take to its kernel: one that still starts is asked early, and a network
that was cut delivers late. Within this time the kernel knows each message that it has taken.
"""
PURPOSE = b"pwsh-kernels grant 1\n"
"""Signed with the claims, so that no signature made for something else is one."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What the server has signed."""

    principal: str
    run: str
    """The run's id; "" for a message of a Jupyter client, whose run has no other name than `id`."""
    kind: str
    id: str
    digest: str
    not_after: float


def needs_grant(kind: str) -> bool:
    """Return whether a kind of message is done for nobody without a grant."""
    return kind not in FREE


def digest(message: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a message's content, of its metadata without the grant, and of the id
    of what it answers: of what they say, not of how they are written.
    """
    rest = {name: value for name, value in message["metadata"].items() if name != KEY}
    said = [message["content"], rest, (message.get("parent_header") or {}).get("msg_id", "")]
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    try:
        written = text.encode()
    except UnicodeEncodeError:  # half of a character, which a kernel reads as U+FFFD
        whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        written = whole.encode()
    return hashlib.sha256(written).hexdigest()


def _digest_or_none(message: Mapping[str, Any]) -> str | None:
    try:
        return digest(message)
    except (RecursionError, TypeError, ValueError):  # what nobody could have granted
        return None


class Signer:
    """The server's side: makes the grants for one start of a session's kernel."""

    def __init__(self, private: str, now: Callable[[], float] = time.time) -> None:
        """`private`: the key of an earlier one. Raises ValueError."""
        self._key = Ed25519PrivateKey.from_private_bytes(_bytes(private))
        self._now = now

    @classmethod
    def new(cls) -> "Signer":
        """Return one with a new key."""
        return cls(_text(Ed25519PrivateKey.generate().private_bytes_raw()))

    @property
    def private(self) -> str:
        """The key, by which a later server goes on; a secret."""
        return _text(self._key.private_bytes_raw())

    @property
    def public(self) -> str:
        """What the kernel knows of the key."""
        return _text(self._key.public_key().public_bytes_raw())

    def granted(self, message: Mapping[str, Any], principal: str, run: str = "") -> dict[str, Any]:
        """Return a message's metadata with a grant for somebody."""
        header = message["header"]
        grant = Grant(
            principal,
            run,
            header["msg_type"],
            header["msg_id"],
            digest(message),
            self._now() + VALID_S,
        )
        return {**message["metadata"], KEY: self.sign(grant)}

    def sign(self, grant: Grant) -> str:
        """Return a grant as a message carries it."""
        claims = json.dumps(asdict(grant), separators=(",", ":")).encode()
        return f"{_text(claims)}.{_text(self._key.sign(PURPOSE + claims))}"


class Verifier:
    """The kernel's side: checks each message once."""

    def __init__(self, public: str, now: Callable[[], float] = time.time) -> None:
        """`public`: of the signer; "": nobody can grant anything. Raises ValueError."""
        self._key = Ed25519PublicKey.from_public_bytes(_bytes(public)) if public else None
        self._now = now
        self._latest = 0.0
        self._taken: dict[str, float] = {}

    def admit(self, message: Mapping[str, Any]) -> Grant | None:
        """Take a message, and return its grant; None: it needs none. Raises NotGranted."""
        kind, wanted = message["msg_type"], message["header"]["msg_id"]
        if not needs_grant(kind):
            return None
        grant = self._read(message["metadata"].get(KEY))
        if (grant.kind, grant.id) != (kind, wanted):
            raise NotGranted(reason="other_message")
        if grant.digest != _digest_or_none(message):
            raise NotGranted(reason="other_content")
        self._take(grant)
        return grant

    def _read(self, text: object) -> Grant:
        if self._key is None:
            raise NotGranted(reason="no_key")
        if text is None:
            raise NotGranted(reason="missing")
        try:
            claims, signature = (_bytes(part) for part in str(text).split("."))
            self._key.verify(signature, PURPOSE + claims)
            return Grant(**json.loads(claims))
        except (ValueError, TypeError, InvalidSignature):
            raise NotGranted(reason="signature") from None

    def _take(self, grant: Grant) -> None:
        """Remember a message for as long as its grant holds; a clock that is set back brings none
        back.
        """
        self._latest = max(self._latest, self._now())
        if grant.not_after < self._latest:
            raise NotGranted(reason="expired")
        if grant.id in self._taken:
            raise NotGranted(reason="replayed")
        while self._taken and next(iter(self._taken.values())) < self._latest:
            del self._taken[next(iter(self._taken))]
        self._taken[grant.id] = grant.not_after


def principal_of(metadata: Mapping[str, Any]) -> str:
    """Return whom a message's grant names, without checking it: for one that was admitted; "" if it
    has none.
    """
    try:
        return str(json.loads(_bytes(str(metadata[KEY]).partition(".")[0]))["principal"])
    except (KeyError, ValueError, TypeError):
        return ""


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
