"""The people who have signed in through the provider, and what they may do now."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pwsh_kernels.principals.claims import person_of
from pwsh_kernels.principals.principal import Kind, Principal
from pwsh_kernels.principals.roll import Roll

LIFE = timedelta(hours=8)
"""How long somebody stays signed in: as long as the cookie."""
FRESH = timedelta(minutes=5)
"""How long after it a sign-in shows that the person is there."""
MOST = 10_000
"""People who are remembered; of more, those who signed in first go."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What the provider said of somebody."""

    name: str
    claims: Mapping[str, Any]
    credential: str
    expires: datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SignedInPeople:
    """Kept in memory: everybody signs in again after a restart of the server.

    Rights are made anew for each question from the principals file as it is then.
    """

    def __init__(
        self, roll: Callable[[], Roll] = Roll, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._roll = roll
        self._now = now
        self._known: dict[str, SignedIn] = {}

    def sign_in(self, name: str, claims: Mapping[str, Any]) -> Principal | None:
        """Somebody has signed in; an earlier sign-in of theirs ends. Return who it is; None: no
        rule of the principals file is about them.
        """
        one = SignedIn(name, claims, secrets.token_hex(32), self._now() + LIFE)
        found = self._principal(one)
        if found is None:
            return None
        self._known.pop(found.id, None)
        self._known[found.id] = one
        while len(self._known) > MOST:
            del self._known[next(iter(self._known))]
        return found

    def sign_out(self, name: str) -> None:
        """End somebody's sign-in: their cookie is good for nothing any more."""
        self._known.pop(name, None)

    def is_fresh(self, name: str) -> bool:
        """Return whether somebody has signed in just now."""
        one = self._known.get(name)
        return one is not None and self._now() < one.expires - LIFE + FRESH

    def principal(self, name: str) -> Principal | None:
        """Return who has this id, as the file has it now; None: nobody who is signed in."""
        one = self._known.get(name)
        return self._principal(one) if one else None

    def _principal(self, one: SignedIn) -> Principal | None:
        found = person_of(one.name, one.claims, self._roll().claims, one.credential, one.expires)
        return found if found and found.kind is Kind.PERSON else None
