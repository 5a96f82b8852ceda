"""Whether cells may run in a signed-in session: not from a change of its module's connection until
the server has checked who is signed in.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from pwsh_kernels.errors import ConnectionUnchecked
from pwsh_kernels.messages import guards, is_own

LOOK_WAIT_S = 60.0
"""How long after a change cells are refused if no server comes to check."""


class ConnectionGate:
    """Open until a cell changes the connection of a session that the server has found signed in."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guarded = False
        self._closed_at: float | None = None

    def enter(self, metadata: Mapping[str, Any]) -> None:
        """Let an execution in. Raises ConnectionUnchecked; the server's own scripts always pass."""
        if self._closed_at is None or is_own(metadata):
            return
        if self._clock() - self._closed_at < LOOK_WAIT_S:
            raise ConnectionUnchecked
        self._closed_at = None

    def leave(self, metadata: Mapping[str, Any], *, changed: bool) -> None:
        """Record that an execution has ended, and whether it changed the connection."""
        guarded = guards(metadata)
        if guarded is not None:
            self._guarded, self._closed_at = guarded, None
        elif changed and self._guarded and not is_own(metadata):
            self._closed_at = self._clock()
