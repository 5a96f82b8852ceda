"""The runs of a session as a notebook: what was run, by whom, and with which result.

Each cell is written in a thread, because the whole output of a run is searched for secrets. The run
itself, which may still be going on, is read on the event loop.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nbformat import v4

from pwsh_kernels.sessions.evidence.literals import with_parameters
from pwsh_kernels.sessions.key import SessionKey
from pwsh_kernels.sessions.redaction import Known, redacted, secrets_of
from pwsh_kernels.sessions.runs.output_log import Entry, Page
from pwsh_kernels.sessions.runs.run import Run, utc
from pwsh_kernels.sessions.session import Session
from pwsh_kernels.sessions.views.run_views import run_view
from pwsh_kernels.sessions.views.title import heading, session_title
from pwsh_kernels.shapes import ForeignJson

OUTPUT_CHARS = 200_000
"""Characters of one run's output in the notebook; browsers become slow beyond that."""
FACTS = (
    "run_id", "principal", "client", "account", "state",
    "created_at", "started_at", "ended_at", "duration_s",
    "exit_code", "format", "total_chars", "trace_id",
)  # fmt: skip
"""Fields of the Run shape (docs/rest.md) that go into a cell's metadata."""
RUN_KEY = "pwsh_run"
"""Of a cell's metadata.

Not messages.KEY: JupyterLab sends a cell's metadata with it, and the kernel reads options there.
"""
LANGUAGE = {
    "name": "powershell",
    "file_extension": ".ps1",
    "mimetype": "application/x-powershell",
    "pygments_lexer": "powershell",
    "codemirror_mode": "powershell",
}
STOPPED = "PipelineStopped"


@dataclass(frozen=True, slots=True)
class Told:
    """The part of a run that a notebook shows, as of one moment."""

    facts: Mapping[str, Any]
    parameters: Mapping[str, Any]
    page: Page


async def evidence(
    key: SessionKey, session: Session | None, runs: Iterable[Run], time: datetime
) -> ForeignJson:
    """Return an .ipynb of the commands that have begun, oldest first; `session` is None for one
    that is closed.
    """
    begun = [run for run in runs if run.purpose == "command" and run.started_at]
    cells = [
        await asyncio.to_thread(_cell, number, _told(run)) for number, run in enumerate(begun, 1)
    ]
    title = session_title(session) if session else f"{heading(key)} · closed"
    notebook: ForeignJson = v4.new_notebook(
        cells=[
            v4.new_markdown_cell(_heading(key, title, len(begun), time), id="about"),
            *cells,
        ],
        metadata={
            "kernelspec": {
                "name": key.kernelspec,
                "display_name": title,
                "language": LANGUAGE["name"],
            },
            "language_info": LANGUAGE,
            "pwsh": {
                "session": str(key),
                "title": title,
                "exported_at": utc(time),
                "runs": len(begun),
            },
        },
    )
    return notebook


def _heading(key: SessionKey, title: str, count: int, time: datetime) -> str:
    return (
        f"# {heading(key)}\n\n{title}\n\n{count} runs that the server of pwsh-kernels"
        f" kept, exported at {utc(time)}. Who ran a cell, when and for how long is in its metadata"
        " (`pwsh_run`). Secrets are shown as `•••`; output is the session's own text."
    )


def _told(run: Run) -> Told:
    return Told(run_view(run), run.options.parameters, run.log.read(0, OUTPUT_CHARS))


def _cell(number: int, run: Told) -> ForeignJson:
    facts = run.facts
    secrets = Known(secrets_of(facts["command"], run.parameters))
    source = redacted(with_parameters(facts["command"], run.parameters), secrets)
    timing = {
        "iopub.execute_input": facts["started_at"],
        "shell.execute_reply": facts["ended_at"],
    }
    cell: ForeignJson = v4.new_code_cell(
        source,
        id=facts["run_id"],
        execution_count=number,
        outputs=list(_outputs(run, secrets)),
        metadata={
            RUN_KEY: {name: facts[name] for name in FACTS},
            "execution": {name: value for name, value in timing.items() if value},
        },
    )
    return cell


def _outputs(run: Told, secrets: Known) -> Iterator[ForeignJson]:
    page = run.page
    for group in _grouped(page.entries):
        text = redacted("".join(entry.text for entry in group), secrets)
        if _ended_by(group[0]):
            yield _error(group[0], text, secrets)
        elif text:
            yield v4.new_output("stream", name=group[0].stream, text=text)
    if page.more:
        text = (
            f"… {run.facts['total_chars'] - page.next_cursor} more characters: GET"
            f" /runs/{run.facts['run_id']}?cursor={page.next_cursor}\n"
        )
        yield v4.new_output("stream", name="stderr", text=text)


def _grouped(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """Yield groups of adjacent entries of one stream; the entry that ended the run is a group of
    its own.
    """
    group: list[Entry] = []
    for entry in entries:
        if group and (group[0].stream != entry.stream or _ended_by(entry) or _ended_by(group[0])):
            yield group
            group = []
        group.append(entry)
    if group:
        yield group


def _ended_by(entry: Entry) -> bool:
    """Return whether this is the error that ended the run; the kernel's own errors have
    no record.
    """
    return entry.kind == "error" and (entry.record is None or entry.record.terminating)


def _error(entry: Entry, text: str, secrets: Known) -> ForeignJson:
    record = entry.record
    name = (
        record.exception_type.rsplit(".", 1)[-1] or record.error_id.split(",", 1)[0]
        if record
        else STOPPED
    )
    value = redacted(record.message, secrets) if record else text.strip()
    error: ForeignJson = v4.new_output(
        "error", ename=name or "Error", evalue=value, traceback=text.rstrip("\n").split("\n")
    )
    return error
