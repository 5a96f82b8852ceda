"""What a kernel's messages mean for a run: output, records, progress, prompts."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from pwsh_kernels.messages import PROMPT_ASKED, our_facts
from pwsh_kernels.records import Progress, Prompt, Record, Summary
from pwsh_kernels.sessions.runs.output_log import Stream
from pwsh_kernels.sessions.runs.run import RECORDS_KEPT, Run
from pwsh_kernels.sessions.sign_in.device_code import DeviceCode, hide_in_record, hide_secrets

Message = Mapping[str, Any]
QUIET_S = 0.5
"""Output that ends in a code and is followed by nothing for this time has ended there."""
READ_CHARS = 200_000
"""Output of a sign-in in which a code is looked for; what is beyond is dropped."""
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
        }
        reader = readers.get(message["msg_type"])
        if reader:
            reader(message)

    def prompt(self, event: Message) -> None:
        """Take the kernel's word that the execution asks something, or no longer does.

        It comes on iopub, behind the output that leads to the question. The input_request itself
        comes on another socket and can be here before the execution's `busy` (measured: once in
        some 600 prompts).
        """
        facts = event["content"]
        if facts["event"] == PROMPT_ASKED:
            self.question = {"header": facts["request"]}
            self.run.ask(Prompt.from_json(facts["prompt"]))
        else:
            self.question = None
            self.run.become("running")

    def write(self, stream: Stream, kind: str, text: str, record: Record | None) -> None:
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
        facts = our_facts(message)
        if "progress" in facts:
            self.run.show_progress(Progress.from_json(facts["progress"]))
        elif "text" in facts:
            self.write("stdout", "text", str(facts["text"]), None)
        elif (
            message["msg_type"] != "update_display_data"
            and "text/plain" in message["content"]["data"]
        ):
            self.write("stdout", "text", message["content"]["data"]["text/plain"] + "\n", None)


class SignInRecorder(Recorder):
    """Finds the device code, and keeps of what a sign-in says only its errors, without codes and
    secrets.

    Warnings are hints for whoever explains why it failed, but for those that showed a code: they
    tell nothing else.
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
        """Look for a code; output is forgotten, records wait for the end, when every code in them
        can be hidden.
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
            elif len(self.run.hints) < RECORDS_KEPT and not self._shows_code(record):
                self.run.hints.append(hidden)
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


def _record(message: Message) -> Record | None:
    facts = our_facts(message).get("record")
    return Record.from_json(facts) if facts else None
