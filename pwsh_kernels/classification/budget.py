"""How much one caller may have classified: the parser takes one text at a time, for everybody.

Pure.
"""

from collections.abc import Callable

CHARS_PER_MINUTE = 300_000
"""Of one caller: ten texts of the greatest length, or a thousand of an ordinary one; the parser
needs 20 s for either (`benchmarks/classification.py`).
"""
EACH = 250
"""Characters as which a text counts besides its own."""
PER_SECOND = CHARS_PER_MINUTE / 60
MOST_CALLERS = 1000
"""Callers that are remembered before those are forgotten who have asked nothing for a minute."""
AGENT = "/agent:"


class Budget:
    """What each caller has used of late; it comes back evenly within a minute."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._used: dict[str, tuple[float, float]] = {}

    def wait_s(self, caller: str, chars: int) -> float:
        """Return 0 and count a text, or return in how many seconds it may be asked again.

        All agents that act for one caller share a budget: their names are their own words.
        """
        owner, agent, _ = caller.partition(AGENT)
        who, now = owner + agent, self._clock()
        used = self._left(who, now) + chars + EACH
        if used > CHARS_PER_MINUTE:
            return (used - CHARS_PER_MINUTE) / PER_SECOND
        if len(self._used) >= MOST_CALLERS:
            self._used = {one: it for one, it in self._used.items() if self._left(one, now)}
        self._used[who] = (used, now)
        return 0.0

    def _left(self, who: str, now: float) -> float:
        used, at = self._used.get(who, (0.0, now))
        return max(0.0, used - (now - at) * PER_SECOND)
