"""Tables and lists as display messages: pieces that belong together become one display, which may
grow.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from pwsh_kernels.kernel.display.tables import view_html
from pwsh_kernels.messages import view_metadata
from pwsh_kernels.records import View

FIRST_WAIT_S = 0.02
"""A client that updates displays sees the first rows this soon."""
UPDATE_WAIT_S = 0.25
MAX_WAIT_S = 5.0
"""Between two updates of one table the wait doubles up to this: what is sent grows with
the table.
"""
PIECE_WAIT_S = 0.5
"""A client that may not update displays gets the rows of this period as one table."""
UNATTENDED_WAIT_S = 30.0
"""For programs, which do not watch: a table is sent when it is complete, or after this time."""
MAX_TEXT = 1_000_000
"""Characters of the text of one display."""

Reader = Literal["notebook", "other", "unattended"]


class Publish(Protocol):
    """Sends one iopub message."""

    def __call__(
        self, kind: str, content: Mapping[str, Any], metadata: Mapping[str, Any], /
    ) -> None:
        """Send it: type, content, metadata."""


def reader_of(content: Mapping[str, Any], metadata: Mapping[str, Any]) -> Reader:
    """Return who reads the output of an execute request.

    Notebooks name the cell and update its displays. jupyter console and qtconsole ignore updates,
    and a client that names no cell may be one of them. A client that takes no input (nbclient,
    papermill) is a program that reads the output at the end.
    """
    if "cellId" in metadata:
        return "notebook"
    return "other" if content.get("allow_stdin") else "unattended"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long rows wait for more: before the first message, then before each further one, doubling
    up to a maximum.
    """

    first: float
    next: float
    most: float


PACES: Mapping[Reader, Pace] = {
    "notebook": Pace(FIRST_WAIT_S, UPDATE_WAIT_S, MAX_WAIT_S),
    "other": Pace(PIECE_WAIT_S, PIECE_WAIT_S, PIECE_WAIT_S),
    "unattended": Pace(UNATTENDED_WAIT_S, UNATTENDED_WAIT_S, UNATTENDED_WAIT_S),
}


def joined(view: View, piece: View) -> View:
    """Return a view extended by another piece."""
    return replace(
        view, text=view.text + piece.text, rows=view.rows + piece.rows, more=view.more + piece.more
    )


def bundle(view: View) -> dict[str, str]:
    """Return the MIME bundle of a view."""
    text = view.text if len(view.text) <= MAX_TEXT else f"{view.text[:MAX_TEXT]}\n…"
    return {"text/plain": text.strip("\r\n"), "text/html": view_html(view)}


class OpenView:
    """One table or list that may still grow.

    Lives on the event loop; `close` sends the rest.
    """

    def __init__(self, publish: Publish, display_id: str, reader: Reader, first: View) -> None:
        self._publish = publish
        self._display_id = display_id
        self._updates = reader == "notebook"
        self._pace = PACES[reader]
        self._view = first
        self._unsent = first.text
        self._dirty = True
        self._wait = self._pace.next
        self._shown = False
        self._timer: asyncio.TimerHandle | None = None
        self._wait_for(self._pace.first)

    def belongs(self, piece: View) -> bool:
        """Return whether a piece continues this view."""
        return piece.group == self._view.group and piece.kind == self._view.kind

    def add(self, piece: View) -> None:
        """Take another piece."""
        self._view = joined(self._view, piece)
        self._unsent += piece.text
        self._dirty = True
        if not self._updates and len(self._unsent) > MAX_TEXT:
            self._send()
        elif self._timer is None:
            self._wait_for(self._wait)

    def close(self) -> None:
        """Send what is waiting; nothing more will come."""
        if self._dirty:
            self._send()
        if self._timer is not None:
            self._timer.cancel()

    def _wait_for(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._due)

    def _due(self) -> None:
        self._timer = None
        if self._updates or self._view.text:  # a piece that is never updated waits for its text
            self._send()

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        content = {
            "data": bundle(self._view),
            "metadata": {},
            "transient": {"display_id": self._display_id},
        }
        again = self._updates and self._shown
        self._publish(
            "update_display_data" if again else "display_data", content, view_metadata(self._unsent)
        )
        self._wait = min(2 * self._wait, self._pace.most) if again else self._wait
        self._shown, self._unsent, self._dirty = True, "", False
        if not self._updates:
            self._view = replace(self._view, text="", rows=(), more=0)
