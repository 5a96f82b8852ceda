"""Brings the audit log to the disk every second, and tries again when it could not be written."""

import asyncio
import logging
import os

from pwsh_kernels.audit.trail import AuditTrail

LOG = logging.getLogger(__name__)
PAUSE_S = 1.0
"""What a power cut can lose of the audit log; the end of the process loses nothing."""


async def keep_synced(audit: AuditTrail) -> None:
    """Look until cancelled."""
    while True:
        await asyncio.sleep(PAUSE_S)
        audit.retry()
        try:
            descriptor = audit.log.descriptor_to_sync() if audit.log else None
            if descriptor is not None:
                await asyncio.to_thread(_sync, descriptor)
        except OSError as error:
            LOG.warning("The audit log was not brought to the disk: %s", error)


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
