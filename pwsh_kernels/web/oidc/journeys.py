"""The sign-ins that are under way at the provider: each comes back once, soon, and to the browser
that left.
"""

import hmac
import time
from collections.abc import Callable

from pwsh_kernels.errors import PersonRefused
from pwsh_kernels.web.oidc.provider import Journey

LIFE_S = 600.0
MOST = 1000
"""Sign-ins at the same time; of more, the oldest are forgotten. Starting one needs no token."""


class Journeys:
    """What is remembered of people who are at the provider."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._open: dict[str, tuple[Journey, float]] = {}

    def begin(self, journey: Journey) -> None:
        """Remember somebody who leaves."""
        self._open[journey.state] = journey, self._now() + LIFE_S
        while len(self._open) > MOST:
            del self._open[next(iter(self._open))]

    def end(self, state: str, browser: str) -> Journey:
        """Somebody comes back; nobody does so twice. Raises PersonRefused."""
        journey, until = self._open.pop(state, (None, 0.0))
        if journey is None or self._now() >= until:
            raise PersonRefused(problem="this sign-in was not begun here, or is over")
        if not hmac.compare_digest(journey.browser.encode(), browser.encode()):
            raise PersonRefused(problem="this sign-in was begun in another browser")
        return journey
