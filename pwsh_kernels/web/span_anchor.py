"""Tells the head of the audit log to the collector of traces, as a span: who writes the log anew
cannot take back what is noted there.
"""

import asyncio
from typing import TYPE_CHECKING

from pwsh_kernels.audit.anchor import PAUSE_S
from pwsh_kernels.audit.log import AuditLog

if TYPE_CHECKING:
    from pwsh_kernels.tracing.otlp import Exporter

NAME = "audit head"
SEQ, HASH = "pwsh_kernels.audit.seq", "pwsh_kernels.audit.hash"


class SpanAnchor:
    """Sends each head once."""

    def __init__(self, log: AuditLog, traces: "Exporter") -> None:
        self._log = log
        self._traces = traces
        self._told = 0

    def tell(self) -> None:
        """Send the head, if it has changed."""
        head, last = self._log.head, self._log.last
        if last != self._told:
            self._traces.begin(NAME, None, {SEQ: last, HASH: head}).end({})
            self._told = last

    async def keep_telling(self) -> None:
        """Tell until cancelled."""
        while True:
            self.tell()
            await asyncio.sleep(PAUSE_S)
