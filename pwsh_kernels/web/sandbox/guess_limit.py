"""A limit on wrong guesses, so that device codes cannot be tried in bulk."""

from collections import deque
from dataclasses import dataclass, field

MAX_WRONG = 10
"""Wrong codes within WINDOW seconds, from all callers together: the page only answers this one
machine.
"""
WINDOW = 60.0


@dataclass(slots=True)
class Attempts:
    """The times of the latest wrong guesses, in seconds of any steady clock."""

    wrong: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_WRONG))

    def wait(self, now: float) -> float:
        """Return the seconds until another guess is allowed; 0: now."""
        if len(self.wrong) < MAX_WRONG:
            return 0.0
        return max(0.0, self.wrong[0] + WINDOW - now)

    def add_wrong(self, now: float) -> None:
        self.wrong.append(now)
