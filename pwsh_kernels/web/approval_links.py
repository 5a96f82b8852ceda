"""The link of a notification to the page of one approval. It tells that its bearer was told of it,
and nothing more: it signs nobody in and approves nothing.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

KEY_BITS = 256
ALGORITHM = "HS256"
ARGUMENT = "link"
"""The argument of the page's address that holds the seal."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ApprovalLinks:
    """Makes and checks links; the key is new with each server, as its approvals are."""

    def __init__(self, now: Callable[[], datetime] = _utc_now) -> None:
        self._now = now
        self._key = OctKey.generate_key(KEY_BITS)

    def address(self, base: str, approval_id: str, expires_at: datetime) -> str:
        """Return the address of an approval's page, sealed until the approval expires."""
        claims = {"sub": approval_id, "exp": int(expires_at.timestamp())}
        seal = jwt.encode({"alg": ALGORITHM}, claims, self._key)
        return f"{base}/approvals/{quote(approval_id, safe='')}?{urlencode({ARGUMENT: seal})}"

    def until(self, approval_id: str, seal: str) -> datetime | None:
        """Return when a seal of this approval expires; None: it is not one, or has expired."""
        registry = jwt.JWTClaimsRegistry(
            now=int(self._now().timestamp()),
            leeway=0,
            sub={"essential": True, "value": approval_id},
            exp={"essential": True},
        )
        try:
            claims = jwt.decode(seal, self._key, algorithms=[ALGORITHM]).claims
            registry.validate(claims)
        except (JoseError, ValueError):
            return None
        return datetime.fromtimestamp(int(claims["exp"]), UTC)
