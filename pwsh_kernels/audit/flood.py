"""Bounds how many refusals are recorded: strangers must not be able to fill the disk. Pure."""

from dataclasses import dataclass


@dataclass(slots=True)
class FloodLimit:
    """At most so many in each window of seconds; the others are counted."""

    most: int = 60
    window: float = 60.0
    began: float = 0.0
    taken: int = 0
    left_out: int = 0

    def take(self, at: float) -> int | None:
        """Return how many were left out since the last that was taken; None: leave this one out."""
        if at - self.began >= self.window:
            self.began, self.taken = at, 0
        if self.taken >= self.most:
            self.left_out += 1
            return None
        self.taken += 1
        left_out, self.left_out = self.left_out, 0
        return left_out
