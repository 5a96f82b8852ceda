"""Tells the head of the log to syslog: who writes the log anew cannot take back what is noted
there.
"""

import asyncio
import logging
from datetime import UTC, datetime
from logging.handlers import SYSLOG_UDP_PORT, SysLogHandler
from pathlib import Path
from typing import NamedTuple

from pwsh_kernels.audit.log import AuditLog

LOG = logging.getLogger(__name__)
PAUSE_S = 300.0
"""How often a head that has changed is told."""
SAID = "pwsh-kernels audit head seq={seq} hash={hash}"
Address = str | tuple[str, int]


class Told(NamedTuple):
    """A head that syslog was told: number and hash of the record, and when."""

    seq: int
    hash: str
    at: datetime


def address_of(text: str) -> Address:
    """Return where syslog is: a path of a socket, or HOST:PORT (UDP)."""
    if text.startswith("/"):
        return text
    host, _, port = text.rpartition(":")
    if not port.isdecimal():
        host, port = text, str(SYSLOG_UDP_PORT)
    return host.strip("[]"), int(port)


class _Handler(SysLogHandler):
    """A handler that raises what it cannot send."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's name
        raise  # noqa: PLE0704 - logging calls it while it handles the error


class SyslogAnchor:
    """Sends each head once."""

    def __init__(self, log: AuditLog, address: Address) -> None:
        self._log = log
        self._address = address
        self.to = address if isinstance(address, str) else ":".join(map(str, address))
        """Where syslog is, for people."""
        self.told: Told | None = None
        self.problem = ""
        """Why the newest head was not told; "" if it was."""

    def tell(self) -> None:
        """Send the head, if it has changed; may block."""
        self._tell(self._log.head, self._log.last)

    def _tell(self, head: str, last: int) -> None:
        if not last or (self.told and head == self.told.hash):
            return
        try:
            self._send(SAID.format(seq=last, hash=head))
        except OSError as error:  # it is tried again the next time
            LOG.warning("The audit log's head was not told to syslog: %s", error)
            self.problem = error.strerror or str(error)
        else:
            self.told, self.problem = Told(last, head, datetime.now(UTC)), ""

    def _send(self, text: str) -> None:
        if isinstance(self._address, str) and not Path(self._address).exists():
            raise FileNotFoundError(2, f"there is no {self._address}")
        handler = _Handler(self._address, SysLogHandler.LOG_AUTH)
        try:
            handler.emit(logging.LogRecord("audit", logging.INFO, "", 0, text, None, None))
        finally:
            handler.close()

    async def keep_telling(self) -> None:
        """Tell until cancelled."""
        while True:
            await asyncio.to_thread(self._tell, self._log.head, self._log.last)
            await asyncio.sleep(PAUSE_S)
