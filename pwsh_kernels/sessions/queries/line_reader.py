"""Reads lines of outputs in threads: a few at a time, each for a bounded time, so that the event
loop stays free.
"""

import asyncio
import threading
import time

from pwsh_kernels.sessions.queries.lines import LinesPage, LinesQuery, read_lines
from pwsh_kernels.sessions.runs.output_log import LogTexts, OutputLog

READ_LIMIT_S = 20.0
"""Time limit of one reading, in seconds; the answer is what was found by then, and says where to
continue (measured: 20 MB take 1 s).
"""
READERS = 2


class LineReader:
    """Reads at most READERS outputs at the same time."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(READERS)

    async def read(self, log: OutputLog, query: LinesQuery) -> LinesPage:
        """Return a page of lines of an output as it is now.

        Raises InvalidRequest for a bad pattern.
        """
        async with self._turns:
            left = threading.Event()
            try:
                return await asyncio.to_thread(_read, log.texts(), query, left)
            finally:
                left.set()


def _read(texts: LogTexts, query: LinesQuery, left: threading.Event) -> LinesPage:
    """Read until READ_LIMIT_S have passed, or the caller has `left`."""
    ends = time.monotonic() + READ_LIMIT_S
    with texts:
        return read_lines(texts, query, lambda: left.is_set() or time.monotonic() > ends)
