"""What browsers are asked to sign: good once, for two minutes, for one person and purpose."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pwsh_kernels.errors import PasskeyRefused

LIFE = timedelta(minutes=2)
MOST = 1000
"""Challenges that are remembered; the oldest go first."""
RANDOM_BYTES = 32
TOO_LATE = "it answers nothing that was asked here within two minutes"


@dataclass(frozen=True, slots=True)
class Purpose:
    """For what a challenge was made."""

    principal: str
    approval: str = ""
    """The id of an approval; "": a new passkey."""
    digest: str = ""
    """What exactly is approved, in hexadecimal digits. They are a part of the challenge, and so of
    what is signed.
    """


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Challenges:
    """The challenges that nobody has answered yet."""

    def __init__(self, now: Callable[[], datetime] = _utc_now) -> None:
        self._now = now
        self._open: dict[bytes, tuple[Purpose, datetime]] = {}

    def issue(self, purpose: Purpose) -> bytes:
        """Return a new challenge."""
        challenge = secrets.token_bytes(RANDOM_BYTES) + bytes.fromhex(purpose.digest)
        self._open[challenge] = purpose, self._now() + LIFE
        while len(self._open) > MOST:
            del self._open[next(iter(self._open))]
        return challenge

    def take(self, challenge: bytes, purpose: Purpose) -> None:
        """Use a challenge up. Raises PasskeyRefused for one that was made for something else."""
        made_for, until = self._open.pop(challenge, (None, self._now()))
        if made_for != purpose or self._now() >= until:
            raise PasskeyRefused(problem=TOO_LATE)
