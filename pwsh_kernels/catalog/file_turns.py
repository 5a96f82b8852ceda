"""Turns of commands that change the same file: each reads what the one before it has written."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pwsh_kernels.errors import FileNotWritten

TURN_WAIT_S = 10.0
"""A change takes milliseconds; a command that holds a file for longer hangs."""
LOOK_PAUSE_S = 0.02


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Have a file for oneself among our commands, whether or not it exists.

    What is locked is its folder, because the file itself is replaced. Raises FileNotWritten.
    """
    path = path.resolve()  # two names of one file have one turn
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _wait(descriptor, path)
        yield
    finally:
        os.close(descriptor)  # and with it the lock


def _wait(descriptor: int, path: Path) -> None:
    for _ in range(round(TURN_WAIT_S / LOOK_PAUSE_S)):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(LOOK_PAUSE_S)
        else:
            return
    raise FileNotWritten(str(path), f"another command has held it for {TURN_WAIT_S:.0f} s")
