"""Tells notices on every channel, again after a failure, and holds nobody up."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pwsh_kernels.audit.event import Event, Kind
from pwsh_kernels.audit.trail import AuditTrail
from pwsh_kernels.errors import NotificationFailed, NotificationsOff
from pwsh_kernels.notifications.channel import SEND_S, Channel
from pwsh_kernels.notifications.notice import Notice

LOG = logging.getLogger(__name__)
PAUSES_S = (2.0, 10.0, 60.0)
"""How long it waits after each failure; after the last of as many more attempts it gives up."""
MOST_WAITING = 100
"""Messages that are under way at the same time; more are not sent."""
AT_ONCE = 4
"""Connections of one channel."""
FULL = f"{MOST_WAITING} others are under way"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a test on one channel; "": it was sent."""

    channel: str
    problem: str


class Notifier:
    """Lives on the event loop."""

    def __init__(
        self,
        channels: Sequence[Channel] = (),
        audit: AuditTrail | None = None,
        pauses: Sequence[float] = PAUSES_S,
    ) -> None:
        self._channels = channels
        self._audit = audit or AuditTrail()
        self._pauses = pauses
        self._under_way: set[asyncio.Task[None]] = set()
        self._turns = {one.name: asyncio.Semaphore(AT_ONCE) for one in channels}

    @property
    def is_on(self) -> bool:
        """Whether there is anybody to tell."""
        return bool(self._channels)

    def tell(self, notice: Notice) -> None:
        """Begin to tell people; never waits, never fails."""
        for channel in self._channels:
            if len(self._under_way) >= MOST_WAITING:
                self._note(channel, notice, FULL)
                continue
            task = asyncio.get_running_loop().create_task(self._deliver(channel, notice))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def test(self, notice: Notice) -> list[Outcome]:
        """Send a notice once on each channel, and return what became of it.

        Raises NotificationsOff.
        """
        if not self._channels:
            raise NotificationsOff
        problems = await asyncio.gather(*(self._attempt(one, notice) for one in self._channels))
        for channel, failed in zip(self._channels, problems, strict=True):
            self._note(channel, notice, failed.problem if failed else "")
        return [
            Outcome(one.name, failed.problem if failed else "")
            for one, failed in zip(self._channels, problems, strict=True)
        ]

    async def stop(self) -> None:
        """Give up what is under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _deliver(self, channel: Channel, notice: Notice) -> None:
        failed = await self._attempt(channel, notice)
        for pause in self._pauses:
            if failed is None or not failed.again or datetime.now(UTC) >= notice.expires_at:
                break
            await asyncio.sleep(pause)
            failed = await self._attempt(channel, notice)
        self._note(channel, notice, failed.problem if failed else "")

    async def _attempt(self, channel: Channel, notice: Notice) -> NotificationFailed | None:
        """Send once; return why it failed."""
        async with self._turns[channel.name]:
            try:
                await asyncio.wait_for(channel.send(notice), SEND_S)
            except NotificationFailed as failed:
                return failed
            except TimeoutError:
                return NotificationFailed(channel.name, f"no answer within {SEND_S:.0f} s")
        return None

    def _note(self, channel: Channel, notice: Notice, problem: str) -> None:
        """Record and log what became of it."""
        kind = Kind.NOTIFICATION_FAILED if problem else Kind.NOTIFICATION_SENT
        tenant = notice.tenants[0] if len(notice.tenants) == 1 else ""
        facts = {"channel": channel.name, "approval": notice.approval}
        self._audit.note(
            Event(kind, tenant=tenant, module=notice.module, outcome=problem, more=facts)
        )
        if problem:
            LOG.warning("Nobody was told of %s by %s: %s", notice.approval, channel.name, problem)
