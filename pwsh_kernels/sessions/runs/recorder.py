"""Turns a kernel's messages into a run's output, records, progress and prompts."""

from collections.abc import Callable, Mapping
from typing import Any

from pwsh_kernels.messages import PROMPT_ASKED, our_facts, unpacked
from pwsh_kernels.records import Progress, Prompt, Record, Summary
from pwsh_kernels.sessions.runs.output_log import Stream
from pwsh_kernels.sessions.runs.run import Run

Message = Mapping[str, Any]
STOPPED = "PipelineStopped"
"""The kernel's name for the error of an interrupted run."""


class Recorder:
    """Writes the events of an execution into its run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.question: Message | None = None
        self.error_name = ""

    def receive(self, message: Message) -> None:
        """Take one message of the execution; kinds that do not concern a run are ignored."""
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
        """Complete the output before the run ends; return the summary without secrets."""
        return summary

    def _stream(self, message: Message) -> None:
        for name, text, facts in unpacked(message):
            stream: Stream = "stderr" if name == "stderr" else "stdout"
            self.write(stream, str(facts.get("kind", "text")), text, _record(facts))

    def _error(self, message: Message) -> None:
        content = message["content"]
        self.error_name = content["ename"]
        lines = content["traceback"] or [f"{content['ename']}: {content['evalue']}"]
        self.write("stderr", "error", "\n".join(lines) + "\n", _record(our_facts(message)))

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


def _record(facts: Mapping[str, Any]) -> Record | None:
    record = facts.get("record")
    return Record.from_json(record) if record else None
