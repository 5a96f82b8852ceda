"""One look a second at the kernels of all sessions, which costs a kernel some microseconds."""

from typing import Any, Protocol

from tornado.ioloop import PeriodicCallback

DEATH_POLL_S = 1.0
"""How often kernels are looked at: a death is noticed well within 3 s."""


class Watched(Protocol):
    """What looks after one kernel."""

    def looks_dead(self) -> bool:
        """Return whether its kernel has probably ended; at next to no cost."""
        ...

    async def poll(self) -> Any:
        """Find out whether its kernel has ended, and act on it."""
        ...


class DeathWatch:
    """Looks while there is something to look at."""

    def __init__(self) -> None:
        self._watched: list[Watched] = []
        self._timer = PeriodicCallback(self.look, 1000 * DEATH_POLL_S)

    def add(self, one: Watched) -> None:
        if one not in self._watched:
            self._watched.append(one)
        if not self._timer.is_running():
            self._timer.start()

    def remove(self, one: Watched) -> None:
        if one in self._watched:
            self._watched.remove(one)
        if not self._watched:
            self._timer.stop()

    async def look(self) -> None:
        for one in [one for one in self._watched if one.looks_dead()]:
            await one.poll()
