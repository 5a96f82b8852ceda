"""Where the doors and the sessions tell what happens: recorded, or refused if it cannot be."""

import logging
from collections.abc import Callable
from typing import Literal

from pwsh_kernels.audit.anchor import SyslogAnchor
from pwsh_kernels.audit.event import Event, Kind
from pwsh_kernels.audit.log import AuditLog
from pwsh_kernels.audit.verifier import Verifier
from pwsh_kernels.errors import AuditUnavailable

LOG = logging.getLogger(__name__)
State = Literal["on", "off", "failed"]


class AuditTrail:
    """An audit log that may be off, or out of order. Lives on the event loop."""

    def __init__(
        self, log: AuditLog | None = None, heard: Callable[[Event], None] = lambda _: None
    ) -> None:
        """`log`: None: nothing is recorded. `heard` gets every event, recorded or not."""
        self.log = log
        self.verifier = Verifier(log) if log else None
        self.anchor: SyslogAnchor | None = None
        """Tells syslog the newest hash, if it is to be told."""
        self.failures = 0
        self.problem = ""
        """Why the last record was not written; "" if it was."""
        self._unrecorded = 0
        self._heard = heard

    @property
    def state(self) -> State:
        """Whether what happens is recorded."""
        if self.log is None:
            return "off"
        return "failed" if self.problem else "on"

    def require(self, event: Event) -> None:
        """Record what is about to be done. Raises AuditUnavailable: then it must not be done."""
        self._record(event)
        if self.log is not None and self.problem:
            raise AuditUnavailable(folder=str(self.log.folder), problem=self.problem)
        self._heard(event)

    def note(self, event: Event) -> None:
        """Record what has happened, or must not be held up."""
        self._record(event)
        if self.problem:
            self._unrecorded += 1
        self._heard(event)

    def retry(self) -> None:
        """Try to record again, after a failure."""
        if self.problem:
            self._record(None)

    def close(self) -> None:
        """Let go of the log."""
        if self.log is not None:
            self.log.close()

    def _record(self, event: Event | None) -> None:
        if self.log is None:
            return
        try:
            if self.problem:
                self.log.append(Event(Kind.LOG_RESUMED, more={"unrecorded": self._unrecorded}))
                self._unrecorded = 0
            if event is not None:
                self.log.append(event)
        except OSError as error:
            self._fail(error)
        else:
            if self.problem:
                LOG.warning("The audit log is written again.")
            self.problem = ""

    def _fail(self, error: OSError) -> None:
        if not self.problem:
            LOG.critical("The audit log cannot be written: %s", error)
        self.problem = error.strerror or str(error)
        self.failures += 1
