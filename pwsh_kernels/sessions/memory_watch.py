"""The watch over the memory of sessions: it notes what each uses, and ends one that uses more than
its limit.
"""

import asyncio
import logging
from collections.abc import Callable

from pwsh_kernels.limits import MB
from pwsh_kernels.sessions.live import LiveSession
from pwsh_kernels.sessions.places.places import Places
from pwsh_kernels.settings import Settings

LOG = logging.getLogger(__name__)
PAUSE_S = 2.0
"""Pause between two looks; one takes some milliseconds for all sessions (docs/places.md)."""
GB = 1000 * MB


def excess(used: int, limit_mb: int) -> str:
    """Return why a session that uses so many bytes is ended; "" if it is not. Pure."""
    if not limit_mb or used <= limit_mb * MB:
        return ""
    return (
        f"the session used {used / GB:.3g} GB of memory; its limit is {limit_mb * MB / GB:.3g} GB"
        " (PWSH_MANAGER_SESSION_MEMORY_MB)"
    )


class MemoryWatch:
    """Looks at all sessions together."""

    def __init__(
        self,
        settings: Settings,
        places: Places,
        sessions: Callable[[], list[LiveSession]],
        end: Callable[[LiveSession, str], None],
    ) -> None:
        """`end` ends a session for a reason."""
        self._settings = settings
        self._places = places
        self._sessions = sessions
        self._end = end

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(PAUSE_S)
            try:
                await self.look()
            except Exception:  # the outermost loop: a failed look must not end the watch
                LOG.exception("A look at the memory of sessions failed")

    async def look(self) -> None:
        """Note the memory of every session, and end those that use too much."""
        for place in self._places:
            there = {
                live.key: live
                for live in self._sessions()
                if live.session.place == place.name and not live.session.gone
            }
            used = await place.memory(there)
            for key, live in there.items():
                self._note(live, used.get(key))

    def _note(self, live: LiveSession, used: int | None) -> None:
        if live.session.gone or live.ending:  # it ended while we looked
            return
        live.session.measure(used)
        if reason := excess(used or 0, self._settings.session_memory_mb):
            self._end(live, reason)
