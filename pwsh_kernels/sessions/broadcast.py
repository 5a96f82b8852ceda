"""Waiting for a change of something that lives on the event loop."""

import asyncio
from collections.abc import Callable


class Broadcast:
    """Wakes everyone who waits, whenever something has changed."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()
        self._whole: Broadcast | None = None

    def be_part_of(self, whole: "Broadcast") -> None:
        """Pass every later change on to the broadcast of the whole."""
        self._whole = whole

    def notify(self) -> None:
        """Wake everyone who waits now."""
        if self._whole is not None:
            self._whole.notify()
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def wait_for(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until `condition` holds, at most `timeout` seconds; return whether it holds."""
        deadline = asyncio.get_running_loop().time() + timeout
        while not condition():
            remaining = deadline - asyncio.get_running_loop().time()
            if remaining <= 0 or not await self._changed(remaining):
                return condition()
        return True

    async def _changed(self, timeout: float) -> bool:
        change: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(change)
        try:
            done, _ = await asyncio.wait((change,), timeout=timeout)
            return bool(done)
        finally:
            self._waiting.discard(change)
