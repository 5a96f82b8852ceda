"""What a person may do who signs in at an OpenID provider: by what it says of them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pwsh_kernels.principals.principal import Grant, Kind, Principal


@dataclass(frozen=True, slots=True)
class ClaimRule:
    """A `[[claim]]` table: the grants of everybody of whom the provider says this."""

    claim: str
    value: str
    grants: tuple[Grant, ...]
    jupyter: bool = False

    def fits(self, claims: Mapping[str, object]) -> bool:
        """Return whether the provider says that of somebody, alone or in a list."""
        said = claims.get(self.claim)
        return said == self.value or (isinstance(said, list) and self.value in said)


def person_of(
    name: str,
    claims: Mapping[str, object],
    rules: Sequence[ClaimRule],
    credential: str,
    expires: datetime,
) -> Principal | None:
    """Return who somebody is, with the grants of every rule that fits; None: none does.

    `credential` stands in place of a token's hash: it is of this sign-in alone.
    """
    fitting = [one for one in rules if one.fits(claims)]
    if not fitting:
        return None
    return Principal(
        name,
        Kind.PERSON,
        tuple(grant for one in fitting for grant in one.grants),
        token_hash=credential,
        expires=expires,
        jupyter=any(one.jupyter for one in fitting),
    )
