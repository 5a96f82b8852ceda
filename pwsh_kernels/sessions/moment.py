"""Wall-clock time for people, together with a clock that cannot be set, which measures durations.

A step of the machine's clock (a correction, somebody's mistake of two days) must not close a
session, end a sign-in or forget a run.
"""

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any


def ticks() -> float:
    """Return the seconds since the machine started.

    They count while it sleeps, and nobody can set them.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Moment(datetime):
    """A time of the wall clock and the ticks of the same moment.

    Between two moments the ticks decide: which is later, and by how much. With any other `datetime`
    it is an ordinary one.
    """

    ticks: float | None = None

    @classmethod
    def at(cls, wall: datetime, tick: float) -> "Moment":
        """Return the moment made of both."""
        one = cls.combine(wall.date(), wall.timetz())
        one.ticks = tick
        return one

    def __add__(self, other: timedelta) -> "Moment":
        later: Moment = super().__add__(other)
        later.ticks = None if self.ticks is None else self.ticks + other.total_seconds()
        return later

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, timedelta):
            return self + -other
        gap = self._gap(other)
        return super().__sub__(other) if gap is None else timedelta(seconds=gap)

    def __lt__(self, other: date) -> bool:
        gap = self._gap(other)
        return super().__lt__(other) if gap is None else gap < 0  # type: ignore[operator]

    def __le__(self, other: date) -> bool:
        return not self > other

    def __gt__(self, other: date) -> bool:
        gap = self._gap(other)
        return super().__gt__(other) if gap is None else gap > 0  # type: ignore[operator]

    def __ge__(self, other: date) -> bool:
        return not self < other

    def _gap(self, other: object) -> float | None:
        """Return the seconds since another moment, or None for an ordinary `datetime`."""
        if not isinstance(other, Moment) or self.ticks is None or other.ticks is None:
            return None
        return self.ticks - other.ticks


def now() -> Moment:
    """Return this moment, in UTC."""
    return Moment.at(datetime.now(UTC), ticks())
