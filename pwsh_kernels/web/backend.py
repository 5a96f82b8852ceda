"""What the routes work on: the sessions facade, the catalog, the settings, and whether the server is ready."""

import asyncio
from dataclasses import dataclass, field

from pwsh_kernels.catalog import Catalog
from pwsh_kernels.errors import ServerStarting
from pwsh_kernels.sessions import Sessions
from pwsh_kernels.settings import Settings
from pwsh_kernels.web.health import Health

READY_WAIT = 15.0
"""Seconds that a request waits for a server that still looks for its living kernels."""


@dataclass(frozen=True, slots=True)
class Backend:
    """Everything that an answer needs; made once for a server."""

    settings: Settings
    sessions: Sessions
    catalog: Catalog
    health: Health
    token: str = field(repr=False)
    ready: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_until_ready(self) -> None:
        """Wait until the sessions have started. Raises ServerStarting."""
        if self.ready.is_set():
            return
        try:
            await asyncio.wait_for(self.ready.wait(), READY_WAIT)
        except TimeoutError:
            raise ServerStarting from None

    def capped(self, wait_s: float | None) -> float | None:
        """Return the wait that a call asked for, at most the setting `max_wait`."""
        return None if wait_s is None else min(wait_s, self.settings.max_wait)
