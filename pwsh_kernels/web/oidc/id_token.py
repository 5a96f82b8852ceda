"""Whether an ID token says who has signed in, here and now. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from pwsh_kernels.errors import PersonRefused

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
"""Signatures by a key that only the provider has: not `none`, nor one with a secret of ours."""
LEEWAY_S = 60
"""By how much the clocks of provider and server may differ."""
MOST_NAME = 120
FORBIDDEN = frozenset("/: ")
"""They separate the parts of an id."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token must be for, and when it is read."""

    issuer: str
    client_id: str
    nonce: str
    now: float


def read_id_token(token: str, keys: KeySet, expected: Expected) -> Mapping[str, Any]:
    """Return the claims of an ID token that was made for this sign-in. Raises PersonRefused;
    JoseError and ValueError for one that is not signed so, InvalidKeyIdError for an unknown key.
    """
    claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
    wanted = jwt.JWTClaimsRegistry(
        now=int(expected.now),
        leeway=LEEWAY_S,
        iss={"essential": True, "value": expected.issuer},
        sub={"essential": True},
        aud={"essential": True, "value": expected.client_id},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": expected.nonce},
    )
    try:
        wanted.validate(claims)
    except JoseError as error:
        raise PersonRefused(problem=f"its ID token is not valid here ({error})") from error
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != expected.client_id:
        raise PersonRefused(problem="its ID token was made for another program (azp)")
    return claims


def name_of(claims: Mapping[str, Any], claim: str, issuer_host: str) -> str:
    """Return the name of a person: it has an @, as no name of the principals file does.

    A name without one is followed by the provider's. Raises PersonRefused.
    """
    said = claims.get(claim)
    if not isinstance(said, str) or not said.isprintable() or not 0 < len(said) <= MOST_NAME:
        raise PersonRefused(problem=f"it says no usable name ({claim})")
    name = said.lower()
    if set(name) & FORBIDDEN:
        raise PersonRefused(problem=f"it says no usable name ({claim})")
    return name if "@" in name else f"{name}@{issuer_host}"
