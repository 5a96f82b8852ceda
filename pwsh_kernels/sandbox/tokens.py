"""Sandbox tokens: JWTs that anybody can read and make (alg none), good only inside the sandbox."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

SIGNATURE = "sandbox"
_HEADER = {"alg": "none", "typ": "JWT"}


@dataclass(frozen=True, slots=True)
class Token:
    """Who an access token is for (`upn`: a person, `app_id`: an application), which service takes
    it, and until when.
    """

    tenant_id: str
    audience: str
    issued_at: datetime
    expires_at: datetime
    upn: str | None = None
    app_id: str | None = None

    @classmethod
    def issue(
        cls, tenant_id: str, audience: str, now: datetime, lifetime_s: float, **who: str
    ) -> "Token":
        """Return a token that is good from now on. `who`: upn, app_id or both."""
        return cls(tenant_id, audience, now, now + timedelta(seconds=lifetime_s), **who)

    @classmethod
    def decode(cls, text: str) -> "Token":
        """Read a token's text.

        Raises ValueError, which shows no part of it, if it is not a sandbox token.
        """
        try:
            _, claims, signature = text.split(".")
            token = cls._from_claims(json.loads(_decode(claims)))
        except (ValueError, TypeError, KeyError, OverflowError, binascii.Error):
            raise ValueError("not a sandbox token") from None
        if signature != SIGNATURE or not token.account:
            raise ValueError("not a sandbox token")
        return token

    @classmethod
    def _from_claims(cls, claims: Mapping[str, Any]) -> "Token":
        issued_at, expires_at = (
            datetime.fromtimestamp(float(claims[name]), UTC) for name in ("iat", "exp")
        )
        return cls(
            str(claims["tid"]),
            str(claims["aud"]),
            issued_at,
            expires_at,
            claims.get("upn"),
            claims.get("appid"),
        )

    @property
    def account(self) -> str:
        """The person's name, else the application's id; empty when the token names neither."""
        return self.upn or self.app_id or ""

    def encode(self) -> str:
        """Return the text that is handed to a module."""
        claims = {
            "aud": self.audience,
            "tid": self.tenant_id,
            "upn": self.upn,
            "appid": self.app_id,
        }
        times = {"iat": self.issued_at.timestamp(), "exp": int(self.expires_at.timestamp())}
        known = {name: value for name, value in claims.items() if value}
        return f"{_encode(_HEADER)}.{_encode({**known, **times})}.{SIGNATURE}"

    def is_for(self, audience: str) -> bool:
        """Return whether a service accepts the token: https://x/.default, https://x/ and https://x
        mean the same.
        """
        return _plain(self.audience) == _plain(audience)

    def expired(self, now: datetime) -> bool:
        """Return whether the token can no longer be used."""
        return now >= self.expires_at

    def __repr__(self) -> str:
        """Never show the text: a real token would be a secret."""
        return f"Token(account={self.account!r}, audience={self.audience!r})"


def _plain(audience: str) -> str:
    return audience.removesuffix("/.default").rstrip("/")


def _encode(value: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
