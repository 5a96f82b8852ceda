"""What a kernel's messages mean for a run: output, records, progress, prompts."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pwsh_kernels.messages import our_facts
from pwsh_kernels.records import Progress, Prompt, Record, Summary
from pwsh_kernels.sessions.log import Stream
from pwsh_kernels.sessions.run import Run
from pwsh_kernels.sessions.signin import DeviceCode, hide_code, hide_in_record

Message = Mapping[str, Any]
QUIET_S = 0.5
"""Output that ends in a code and is followed by nothing for this time has ended there."""
HELD_CHARS = 200_000
"""Output of a sign-in that is held back; what is beyond is dropped."""
STOPPED = "PipelineStopped"
"""The kernel's name for the error of a run that was interrupted."""


class Recorder:
    """Writes what happens in an execution into its run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.question: Message | None = None
        self.error_name = ""

    def receive(self, message: Message) -> None:
        """Take one message of the execution; kinds that mean nothing for a run are ignored."""
        readers: Mapping[str, Callable[[Message], None]] = {
            "stream": self._stream,
            "error": self._error,
            "display_data": self._display,
            "update_display_data": self._display,
            "execute_result": self._display,
            "input_request": self._input_request,
        }
        reader = readers.get(message["msg_type"])
        if reader:
            reader(message)

    def write(self, stream: Stream, kind: str, text: str, record: Record | None) -> None:
        """Add output."""
        self.run.log.append(stream, kind, text, record)
        if record:
            self.run.add_record(record)
        self.run.changes.notify()

    def finish(self, summary: Summary | None) -> Summary | None:
        """Complete the output before the run ends; return the summary as it may be kept."""
        return summary

    def _stream(self, message: Message) -> None:
        content, record = message["content"], _record(message)
        stream: Stream = "stderr" if content["name"] == "stderr" else "stdout"
        self.write(stream, str(our_facts(message).get("kind", "text")), content["text"], record)

    def _error(self, message: Message) -> None:
        content = message["content"]
        self.error_name = content["ename"]
        lines = content["traceback"] or [f"{content['ename']}: {content['evalue']}"]
        self.write("stderr", "error", "\n".join(lines) + "\n", _record(message))

    def _display(self, message: Message) -> None:
        progress = our_facts(message).get("progress")
        if progress:
            self.run.show_progress(Progress.from_json(progress))
        elif message["msg_type"] != "update_display_data" and "text/plain" in message["content"]["data"]:
            self.write("stdout", "text", message["content"]["data"]["text/plain"] + "\n", None)

    def _input_request(self, message: Message) -> None:
        self.question = message
        facts = our_facts(message).get("prompt")
        content = message["content"]
        plain = Prompt("secret" if content["password"] else "line", message=content["prompt"])
        self.run.ask(Prompt.from_json(facts) if facts else plain)


class SignInRecorder(Recorder):
    """Finds the device code, and holds all output back until the end, when every code in it can be hidden."""

    def __init__(
        self, run: Run, find: Callable[[str, bool], DeviceCode | None], on_code: Callable[[DeviceCode], None]
    ) -> None:
        """`find(output, complete)` looks for a code; `on_code` gets each that is found."""
        super().__init__(run)
        self._find = find
        self._on_code = on_code
        self._held: list[tuple[Stream, str, str, Record | None]] = []
        self._text = ""
        self._codes: set[str] = set()
        self._quiet: asyncio.TimerHandle | None = None

    def write(self, stream: Stream, kind: str, text: str, record: Record | None) -> None:
        """Hold output back and look for a code in it."""
        if len(self._text) + len(text) > HELD_CHARS:
            return
        self._held.append((stream, kind, text, record))
        self._text += text
        self._look(complete=False)
        self._cancel_timer()
        self._quiet = asyncio.get_running_loop().call_later(QUIET_S, lambda: self._look(complete=True))

    def finish(self, summary: Summary | None) -> Summary | None:
        """Write what was held back, without the codes."""
        self._cancel_timer()
        self._look(complete=True)
        for stream, kind, text, record in self._held:
            super().write(stream, kind, self._hide(text), self._hide_record(record))
        self._held, self._text = [], ""
        return replace(summary, terminating_error=self._hide_record(summary.terminating_error)) if summary else None

    def _display(self, message: Message) -> None:
        """Progress is not kept: a code could be in it."""
        if "progress" not in our_facts(message):
            super()._display(message)

    def _look(self, *, complete: bool) -> None:
        code = self._find(self._text, complete)
        if code and code.code not in self._codes:
            self._codes.add(code.code)
            self._on_code(code)

    def _hide(self, text: str) -> str:
        for code in self._codes:
            text = hide_code(text, code)
        return text

    def _hide_record(self, record: Record | None) -> Record | None:
        for code in self._codes:
            record = hide_in_record(record, code) if record else None
        return record

    def _cancel_timer(self) -> None:
        if self._quiet:
            self._quiet.cancel()


def _record(message: Message) -> Record | None:
    facts = our_facts(message).get("record")
    return Record.from_json(facts) if facts else None
