"""What a run writes, as iopub messages: text in sensible pieces, records with their facts, one display per progress bar."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from pwsh_kernels.kernel.rendering import ErrorContent, progress_bundle, record_text
from pwsh_kernels.messages import TextKind, progress_metadata, record_metadata, text_metadata
from pwsh_kernels.records import Progress, Record

Publish = Callable[[str, Mapping[str, Any], Mapping[str, Any]], None]
"""Send one iopub message: its type, content and metadata."""

FLUSH_S = 0.02
"""Text waits at most this long for more text of its kind."""
MAX_PIECE = 65_536
"""Characters of one stream message."""


class Output:
    """One run's output. Text of different kinds, and text and records, keep their order and are never merged."""

    def __init__(self, publish: Publish, run_id: str) -> None:
        self._publish = publish
        self._run_id = run_id
        self._kind: TextKind = "text"
        self._pieces: list[str] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._displays: set[int] = set()

    def text(self, kind: TextKind, text: str) -> None:
        """Write text to stdout; small pieces of one kind that come within a moment are sent together."""
        if not text:
            return
        if kind != self._kind:
            self.flush()
            self._kind = kind
        self._pieces.append(text)
        self._size += len(text)
        if self._size >= MAX_PIECE:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self.flush)

    def flush(self) -> None:
        """Send the text that waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        text, self._pieces, self._size = "".join(self._pieces), [], 0
        for start in range(0, len(text), MAX_PIECE):
            piece = text[start : start + MAX_PIECE]
            self._publish("stream", {"name": "stdout", "text": piece}, text_metadata(self._kind))

    def record(self, record: Record) -> None:
        """Write a record to stderr as PowerShell's console shows it."""
        self.flush()
        self._publish("stream", {"name": "stderr", "text": record_text(record)}, record_metadata(record))

    def progress(self, progress: Progress) -> None:
        """Show the state of an activity in its one display."""
        self.flush()
        known = progress.activity_id in self._displays
        self._displays.add(progress.activity_id)
        content = {
            "data": progress_bundle(progress),
            "metadata": {},
            "transient": {"display_id": f"{self._run_id}-progress-{progress.activity_id}"},
        }
        self._publish("update_display_data" if known else "display_data", content, progress_metadata(progress))

    def error(self, content: ErrorContent, record: Record | None = None) -> None:
        """Write the one error that ended the run."""
        self.flush()
        self._publish("error", content.to_json(), record_metadata(record) if record else {})
