"""The pipe that carries raw console text: PowerShell's stderr, to which the bootstrap redirects
[Console] too.

Native children inherit it, so its end proves nothing.
"""

import asyncio
import codecs
import contextlib
import os
from collections.abc import Callable

READ_SIZE = 1 << 16
DRAIN_READS = 64
"""Reads (of up to 64 KiB) of one drain: a background thread that writes for ever must not hold up
the end of a run.
"""


class ConsolePipe:
    """Reads the pipe on the event loop and hands each text to a callback."""

    def __init__(self, fd: int, on_text: Callable[[str], None]) -> None:
        self._fd = fd
        self._on_text = on_text
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._loop = asyncio.get_running_loop()
        self._open = True
        self.resume()

    @classmethod
    def open(cls, on_text: Callable[[str], None]) -> tuple["ConsolePipe", int]:
        """Return the pipe and the descriptor of its writing end, which the caller gives to the
        child and closes.
        """
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        return cls(read_end, on_text), write_end

    def pause(self) -> None:
        """Stop reading because the consumer is behind. The writers block when the pipe is full."""
        if self._open:
            self._loop.remove_reader(self._fd)

    def resume(self) -> None:
        if self._open:
            self._loop.add_reader(self._fd, self._read)

    def drain(self) -> None:
        """Hand over the present content of the pipe."""
        for _ in range(DRAIN_READS):
            if not self._open or not self._read():
                return

    def close(self) -> None:
        """Close our end."""
        if self._open:
            self.pause()
            self._open = False
            with contextlib.suppress(OSError):
                os.close(self._fd)

    def _read(self) -> bool:
        try:
            data = os.read(self._fd, READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return False
        text = self._decoder.decode(data, final=not data)
        if text:
            self._on_text(text)
        if not data:
            self.close()
        return bool(data)
