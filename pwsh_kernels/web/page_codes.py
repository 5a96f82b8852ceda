"""Codes with which a person does one thing in a browser, such as getting its cookie: made by the
command line, used once, within minutes.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pwsh_kernels.approvals.approval import Approval
from pwsh_kernels.errors import PageCodeRefused, PageForPeople
from pwsh_kernels.principals.principal import Kind, Principal
from pwsh_kernels.principals.tokens import hash_of

LIFE = timedelta(minutes=5)
MOST = 100
"""Codes that are remembered; the oldest go first."""
SIGN_IN = "sign in"
"""What a code is for, unless something else is said: its browser gets the cookie."""
ADD_PASSKEY = "add a passkey"
PEOPLE = frozenset({Kind.OWNER, Kind.PERSON})
RANDOM_BYTES = 24


@dataclass(frozen=True, slots=True)
class GivenCode:
    """A code that is shown once; only its hash is kept."""

    code: str = field(repr=False)
    expires: datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


class PageCodes:
    """The codes that were given and not used yet: hash → for whom, and until when. Each is good for
    its purpose only.

    A code is 192 random bits, so nobody can guess it, and wrong ones need no limit.
    """

    def __init__(self, now: Callable[[], datetime] = _utc_now) -> None:
        self._now = now
        self._open: dict[str, tuple[Principal, datetime]] = {}

    def issue(self, principal: Principal, purpose: str = SIGN_IN) -> GivenCode:
        """Return a new code for a person. Raises PageForPeople."""
        if principal.kind not in PEOPLE or principal.acts_for:
            raise PageForPeople(principal=principal.id)
        given = GivenCode(secrets.token_urlsafe(RANDOM_BYTES), self._now() + LIFE)
        self._open[_name(given.code, purpose)] = principal, given.expires
        for oldest in list(self._open)[:-MOST]:
            del self._open[oldest]
        return given

    def whose(self, code: str, purpose: str = SIGN_IN) -> Principal:
        """Return the principal for whom a code was made, as it was then; the code stays unused.

        Raises PageCodeRefused.
        """
        principal, expires = self._open.get(_name(code, purpose), (None, self._now()))
        if principal is None or self._now() >= expires:
            raise PageCodeRefused
        return principal

    def redeem(self, code: str, purpose: str = SIGN_IN) -> Principal:
        """Return whose code it is, which is invalid from then on. Raises PageCodeRefused."""
        principal = self.whose(code, purpose)
        del self._open[_name(code, purpose)]
        return principal


def approving(one: Approval) -> str:
    """Return the purpose of a code that approves this change and no other."""
    return f"approve {one.id} {one.digest}"


def _name(code: str, purpose: str) -> str:
    return hash_of(f"{purpose}\n{code}")
