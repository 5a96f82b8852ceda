"""What a run writes, as iopub messages: text in sensible pieces, records with their facts, tables,
pictures, progress.
"""

import asyncio
import itertools
import json
from collections.abc import Mapping
from typing import Any

from pwsh_kernels.kernel.display.open_view import OpenView, Publish, Reader
from pwsh_kernels.kernel.display.packer import Packer
from pwsh_kernels.kernel.display.progress_bars import Bars, ProgressForest
from pwsh_kernels.kernel.display.rendering import ErrorContent, progress_bundle, record_text
from pwsh_kernels.kernel.display.sign_in_hint import SignInHint
from pwsh_kernels.kernel.display.terminal import coloured, screens
from pwsh_kernels.messages import (
    TextKind,
    progress_metadata,
    record_metadata,
    text_metadata,
    view_metadata,
)
from pwsh_kernels.powershell import Displayed, HostText
from pwsh_kernels.records import Progress, Record, Style, View
from pwsh_kernels.screens import screen_advice

FLUSH_S = 0.02
"""Text waits at most this long for more text of its kind."""
MAX_PIECE = 65_536
"""Characters of one stream message."""
MAX_RECORDS = 1000
"""Records of a run that get a message each, with their facts; further ones cost no more than
text.
"""
_STDOUT: frozenset[TextKind] = frozenset({"text", "host", "console"})


class Output:
    """One run's output.

    Text of different kinds, text and records, text and tables keep their order and are never
    merged.
    """

    def __init__(
        self,
        publish: Publish,
        run_id: str,
        reader: Reader | None,
        hint: SignInHint,
        *,
        packed: bool = False,
    ) -> None:
        """`reader`: the client that gets tables and pictures as such; None: as text. `packed`: the
        asker reads messages of several pieces.
        """
        self._packer = Packer(publish) if packed else None
        self._publish = self._packer or publish
        self._run_id = run_id
        self._reader = reader
        self._hint = hint
        self._kind: TextKind = "text"
        self._pieces: list[str] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._numbers = itertools.count(1)
        self._view: OpenView | None = None
        self._progress = ProgressForest()
        self._bars: set[int] = set()
        self._advised: set[str] = set()
        self._records = 0
        self.style = Style()
        """How records are shown from here on."""

    def text(self, kind: TextKind, text: str) -> None:
        """Write text to stdout, that of records to stderr.

        Small pieces of one kind that come within a moment are sent together. Where text clears the
        screen, a person's output is cleared; a program does not notice.
        """
        first, *later = screens(text)
        self._add(kind, first)
        for screen in later:
            self._clear()
            self._add(kind, screen)

    def _add(self, kind: TextKind, text: str) -> None:
        if not text:
            return
        if kind != self._kind or self._view:
            self.flush()
            self._kind = kind
        self._pieces.append(text)
        self._size += len(text)
        if self._size >= MAX_PIECE:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self.flush)

    def host(self, event: HostText) -> None:
        """Write host text: for a person in its colours."""
        if event.error:
            self.text("error", f"{event.text}\n")
            return
        text = (
            event.text
            if self._reader is None
            else coloured(event.text, event.foreground, event.background)
        )
        self.text("host", f"{text}\n" if event.newline else text)

    def _clear(self) -> None:
        if self._reader is None:
            return
        self.flush()
        self._bars.clear()
        self._publish("clear_output", {"wait": False}, {})

    def flush(self) -> None:
        """Send what is waiting; an open table is complete now."""
        if self._view:
            self._view.close()
            self._view = None
        self._flush_text()

    def settle(self) -> None:
        """Send everything that is waiting, before something else is sent by another way."""
        self.flush()
        if self._packer:
            self._packer.flush()

    def _flush_text(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        text, self._pieces, self._size = "".join(self._pieces), [], 0
        for start in range(0, len(text), MAX_PIECE):
            piece = text[start : start + MAX_PIECE]
            name = "stdout" if self._kind in _STDOUT else "stderr"
            self._publish("stream", {"name": name, "text": piece}, text_metadata(self._kind))

    def record(self, record: Record) -> None:
        """Write a record to stderr as PowerShell's console shows it."""
        self._records += 1
        if self._records > MAX_RECORDS:
            self.text(record.kind, record_text(record, self.style))
            return
        self.flush()
        self._publish(
            "stream",
            {"name": "stderr", "text": record_text(record, self.style)},
            record_metadata(record),
        )
        if self._reader is not None:  # a program gets it as the suggestion of its run's error
            self._advise(screen_advice(record))
            self._advise(self._hint.of(record))

    def _advise(self, sentence: str) -> None:
        if sentence and sentence not in self._advised:
            self._advised.add(sentence)
            self.note(sentence)

    def note(self, text: str) -> None:
        """Write one of the kernel's own lines to stderr."""
        self.flush()
        self._publish("stream", {"name": "stderr", "text": f"{text}\n"}, text_metadata("host"))

    def view(self, view: View) -> None:
        """Show a piece of a table or list."""
        if self._reader is None:
            self.text("text", view.text)
        elif self._view and self._view.belongs(view):
            self._view.add(view)
        elif not (view.rows or view.more):
            self.text("text", view.text if view.text.strip() else "")
        else:
            self.flush()
            self._view = OpenView(
                self._publish, f"{self._run_id}-view-{next(self._numbers)}", self._reader, view
            )

    def display(self, shown: Displayed) -> None:
        """Show a picture, HTML, Markdown or JSON."""
        text = f"[{shown.mime}, {shown.size:,} bytes]" if shown.size else shown.data
        if self._reader is None:
            self.text("text", f"{text}\n")
            return
        self.flush()
        data = {"text/plain": text, **_rich_data(shown)}
        self._publish(
            "display_data",
            {"data": data, "metadata": {}, "transient": {}},
            view_metadata(f"{text}\n"),
        )

    def progress(self, progress: Progress) -> None:
        """Show the state of an activity, in the display of the outermost activity that it belongs
        to.
        """
        self._flush_text()
        self._show_bars(self._progress.take(progress), progress)

    def end_progress(self) -> None:
        """Remove the bars: the command has ended."""
        self._show_bars(self._progress.clear(), None)

    def _show_bars(self, changed: Mapping[int, Bars], progress: Progress | None) -> None:
        for root, bars in changed.items():
            content: dict[str, Any] = {
                "data": progress_bundle(bars),
                "metadata": {},
                "transient": {"display_id": f"{self._run_id}-progress-{root}"},
            }
            kind = "update_display_data" if root in self._bars else "display_data"
            self._bars.add(root)
            self._publish(kind, content, progress_metadata(progress))

    def error(self, content: ErrorContent, record: Record | None = None) -> None:
        """Write the one error that ended the run."""
        self.settle()
        self._publish("error", content.to_json(), record_metadata(record) if record else {})
        if record and self._reader is not None:
            self._advise(self._hint.of(record))
            self.settle()


def _rich_data(shown: Displayed) -> dict[str, Any]:
    """Return the data to show besides the text; JSON is sent as a value, and invalid JSON only as
    text.
    """
    if shown.mime != "application/json":
        return {shown.mime: shown.data}
    try:
        return {shown.mime: json.loads(shown.data)}
    except ValueError:
        return {}
