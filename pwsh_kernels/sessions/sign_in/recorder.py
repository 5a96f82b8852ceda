"""Turns a kernel's messages into a sign-in's device code and its errors, without secrets."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace

from pwsh_kernels.messages import our_facts
from pwsh_kernels.records import Record, Summary
from pwsh_kernels.sessions.redaction import hide_in_record, hide_secrets
from pwsh_kernels.sessions.runs.output_log import Stream
from pwsh_kernels.sessions.runs.recorder import Message, Recorder
from pwsh_kernels.sessions.runs.run import Run
from pwsh_kernels.sessions.session import DeviceCode

QUIET_S = 0.5
"""Output that ends in a code counts as complete if nothing follows for this time."""
READ_CHARS = 200_000
"""How much output of a sign-in is searched for a code; the rest is dropped."""


class SignInRecorder(Recorder):
    """Finds the device code, and keeps only the errors of a sign-in, without codes and secrets.

    Warnings are kept as hints why it failed, except those that showed a code, which say nothing
    else.
    """

    def __init__(
        self,
        run: Run,
        find: Callable[[str, bool], DeviceCode | None],
        on_code: Callable[[DeviceCode], None],
        secrets: Collection[str] = (),
    ) -> None:
        """`find(output, complete)` looks for a code; `on_code` gets each; `secrets` were given to
        the script.
        """
        super().__init__(run)
        self._find = find
        self._on_code = on_code
        self._records: list[tuple[str, Record]] = []
        self._text = ""
        self._hidden: set[str] = set(secrets)
        self._shown: set[str] = set()
        self._quiet: asyncio.TimerHandle | None = None

    def write(self, stream: Stream, kind: str, text: str, record: Record | None) -> None:  # noqa: ARG002 - Recorder's shape
        """Look for a code. Output is not kept; records wait for the end, when every code in them is
        known and can be hidden.
        """
        if len(self._text) + len(text) > READ_CHARS:
            return
        self._text += text
        if record and record.kind in ("error", "warning"):
            self._records.append((text, record))
        self._look(complete=False)
        self._cancel_timer()
        self._quiet = asyncio.get_running_loop().call_later(
            QUIET_S, lambda: self._look(complete=True)
        )

    def finish(self, summary: Summary | None) -> Summary | None:
        """Write the errors and keep the hints, without the codes."""
        self._cancel_timer()
        self._look(complete=True)
        for text, record in self._records:
            hidden = hide_in_record(record, self._hidden)
            if record.kind == "error":
                super().write("stderr", "error", hide_secrets(text, self._hidden), hidden)
            elif not self._shows_code(record):
                self.run.hint(hidden)
        self._records, self._text = [], ""
        error = summary.terminating_error if summary else None
        return (
            replace(summary, terminating_error=hide_in_record(error, self._hidden))
            if summary and error
            else summary
        )

    def _display(self, message: Message) -> None:
        """Progress is not kept: a code could be in it."""
        if "progress" not in our_facts(message):
            super()._display(message)

    def _look(self, *, complete: bool) -> None:
        code = self._find(self._text, complete)
        if code and code.code not in self._shown:
            self._shown.add(code.code)
            self._hidden.add(code.code)
            self._on_code(code)

    def _shows_code(self, record: Record) -> bool:
        return hide_secrets(record.message, self._shown) != hide_secrets(record.message, ())

    def _cancel_timer(self) -> None:
        if self._quiet:
            self._quiet.cancel()
