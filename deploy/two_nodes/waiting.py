"""Waiting for what was started, with the end of the logs where it does not come."""

import time
from collections.abc import Callable
from pathlib import Path

START_WAIT = 240.0
"""Seconds; a busy machine takes more than one minute to the API server."""
PAUSE = 0.3
SHOWN = 1500


class DidNotStartError(Exception):
    """A part of the cluster did not start; the text says which, and shows the logs."""


def until(what: str, find: Callable[[], object], logs: Path) -> None:
    """Ask until the answer is true. Raises DidNotStartError."""
    deadline = time.monotonic() + START_WAIT
    while not find():
        if time.monotonic() > deadline:
            ends = (
                f"{file}:\n{file.read_text(errors='replace')[-SHOWN:]}"
                for file in sorted(logs.glob("*.log"))
            )
            raise DidNotStartError("\n".join([f"{what} did not start", *ends]))
        time.sleep(PAUSE)
