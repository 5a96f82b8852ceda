"""The signature of a webhook's body, as standardwebhooks.com has it. Pure."""

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"
SHORTEST = 24
"""Bytes of a secret, as the standard wants it."""


def read_secret(text: str) -> bytes:
    """Return the key in a text: base64, with or without `whsec_`. Raises ValueError."""
    try:
        key = base64.b64decode(text.strip().removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("holds no base64") from error
    if len(key) < SHORTEST:
        raise ValueError(f"holds fewer than {SHORTEST} bytes as base64")
    return key


def signature_headers(key: bytes, message_id: str, at: int, body: bytes) -> dict[str, str]:
    """Return the headers with which a receiver sees who sent a body, and when."""
    signed = b".".join((message_id.encode(), str(at).encode(), body))
    made = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{made}",
    }
