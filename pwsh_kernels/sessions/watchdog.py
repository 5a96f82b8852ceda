"""The watchdog: closes unused sessions, refuses unanswered prompts, marks stuck sessions, forgets
old ones.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pwsh_kernels.sessions.live import LiveSession
from pwsh_kernels.sessions.moment import now
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.settings import Settings
from pwsh_kernels.shapes import WatchdogState

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Findings:
    """What should happen to a session after one look at it."""

    close: bool = False
    refuse: bool = False
    stuck_reason: str | None = None


def look_at(live: LiveSession, settings: Settings, time: datetime) -> Findings:
    """Decide, without doing anything."""
    return Findings(
        close=_unused(live, settings.idle_timeout, time),
        refuse=_unanswered(live.active, settings.input_timeout, time),
        stuck_reason=_stuck(live.active, settings.stuck_timeout, time),
    )


def _unused(live: LiveSession, limit_s: float, time: datetime) -> bool:
    """A session that runs, signs in or starts is in use, however long that takes."""
    if limit_s == 0 or live.busy or live.session.state in ("starting", "signing_in"):
        return False
    return time - live.session.last_used > timedelta(seconds=limit_s)


def _unanswered(run: Run | None, limit_s: float, time: datetime) -> bool:
    return (
        run is not None
        and run.prompted_at is not None
        and time - run.prompted_at > timedelta(seconds=limit_s)
    )


def _stuck(run: Run | None, limit_s: float, time: datetime) -> str | None:
    if (
        run is None
        or run.cancelled_at is None
        or time - run.cancelled_at <= timedelta(seconds=limit_s)
    ):
        return None
    return (
        f"Run {run.id} was cancelled and has not ended: a call inside it cannot be stopped. POST"
        " /kill ends the session."
    )


class Watchdog:
    """Looks at every session in turn."""

    def __init__(
        self,
        settings: Settings,
        sessions: Callable[[], list[LiveSession]],
        close: Callable[[LiveSession], Awaitable[None]],
        forget: Callable[[datetime], None],
    ) -> None:
        """`close` ends a session, `forget` drops whatever is too old."""
        self._settings = settings
        self._sessions = sessions
        self._close = close
        self._forget = forget

    def view(self, *, running: bool) -> WatchdogState:
        """Return the shape of GET /watchdog, in the predecessor's names."""
        return {
            "running": running,
            "config": {
                "interval_seconds": self._settings.watchdog_interval,
                "auth_pending_timeout": self._settings.auth_timeout,
                "idle_session_timeout": self._settings.idle_timeout,
                "stuck_process_timeout": self._settings.stuck_timeout,
                "input_timeout": self._settings.input_timeout,
            },
        }

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await asyncio.sleep(self._settings.watchdog_interval)
            try:
                await self.look(now())
            except Exception:  # the outermost loop: a failed look must not end the watch
                LOG.exception("A check by the watchdog failed")

    async def look(self, time: datetime) -> None:
        """Look at every session once, do what is due, and forget what is too old."""
        for live in self._sessions():
            await self._act(live, look_at(live, self._settings, time))
        self._forget(time)

    async def _act(self, live: LiveSession, findings: Findings) -> None:
        live.session.find_stuck(findings.stuck_reason)
        if findings.refuse and live.queue and live.active:
            live.queue.refuse(
                live.active, f"nobody answered within {self._settings.input_timeout:.0f} s"
            )
        if findings.close:
            LOG.info(
                "Closing %s: nobody has used it for %.0f s", live.key, self._settings.idle_timeout
            )
            await self._close(live)
