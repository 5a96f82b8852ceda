"""The output of one run: decoded messages in, events and finally a summary out. Pure."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeGuard, cast

import psrpcore
from psrpcore.types import ErrorCategory, HostMethodIdentifier, PSInvocationState

from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.powershell.events import (
    Displayed,
    Event,
    HostText,
    ProgressChanged,
    PromptAsked,
    RecordWritten,
    StyleChanged,
    Text,
    ViewWritten,
)
from pwsh_kernels.powershell.host_calls import (
    ExitCalled,
    Question,
    StreamLine,
    Unsupported,
    read_call,
)
from pwsh_kernels.powershell.wire.conversion import (
    brief_error,
    error_record,
    progress,
    psrp_error,
    psrp_message,
    to_psrp,
    view,
)
from pwsh_kernels.powershell.wire.happenings import Command, Ended, PsrpEvent
from pwsh_kernels.records import Outcome, Record, RecordKind, RunOptions, Style, Summary

_OUTCOMES: dict[PSInvocationState, Outcome] = {
    PSInvocationState.Completed: "completed",
    PSInvocationState.Failed: "failed",
    PSInvocationState.Stopped: "stopped",
}

MARK_BYTES = 16
"""Random bytes of the mark that begins a host text which is output that waited too long for more
(bootstrap.ps1).
"""

STOPPED = Ended(PSInvocationState.Stopped, None)
"""The end of a run that was stopped before it began."""

RUNSPACES = ("-parallel", "-job", "threadjob", "-asjob", "runspace", "powershell]", ".ps1", ".psm1")
"""Words in the first script of a session that may start other runspaces, or load a file that does:
then the search for their stops begins at once, not with the second run.
"""


RUN_FILE = "& (PwshKernels.Get-SessionFile) @args"
"""Runs what `file_commands` has handed over. Parameters that are bound to a script without a
param block are its `$args`, names and all.
"""
CHECK_REQUIREMENTS = (
    "param($Path, $Script) $ErrorActionPreference = 'Stop';"
    " & (PwshKernels.Get-SessionRequirement $Path $Script)"
)
"""A script, so that required modules are imported to where the session's commands are."""
MUCH_PROGRESS = 100
"""Progress messages of a session after which PowerShell itself thins those of each run: to load
what does that takes it 0.04 s (measured), as long as it takes to write 200 of them.
"""
NO_FILE = "/command"
"""The engine's name, in refusals, for a script that is not the text of a file."""


def new_mark() -> str:
    """Return a mark that no text of a script can begin with: only one PowerShell and we know it."""
    return f"\x1b{secrets.token_hex(MARK_BYTES)} "


def run_commands(script: str, options: RunOptions) -> list[Command]:
    """Return the pipeline of a run: the script with its parameters bound, all streams merged, into
    Out-Session.
    """
    formatting = {
        "Format": options.format,
        "Width": options.width,
        "MaxChars": -1 if options.max_chars is None else options.max_chars,
    }
    key = {"Key": options.keep_as} if options.keep_as else {}
    watch = {"Watch": True} if starts_runspaces(script) else {}
    shown = Command("PwshKernels.Out-Display", {"Width": options.width, **key, **watch})
    last = (
        shown
        if options.shows_views
        else Command("PwshKernels.Out-Session", {**formatting, **key, **watch})
    )
    text = RUN_FILE if options.file else script
    return [Command(text, bound(options.parameters), is_script=True, merge=True), last]


def thinned(commands: Sequence[Command]) -> list[Command]:
    """Return the pipeline of a run whose progress PowerShell itself thins."""
    *first, last = commands
    return [*first, replace(last, parameters={**last.parameters, "Thin": True})]


def file_commands(script: str, file: str) -> list[Command]:
    """Return the pipeline that hands PowerShell the text which RUN_FILE runs as a file."""
    values = {"Path": file, "Script": script}
    # In a scope of its own: what files.ps1 sets would otherwise hold for every later run.
    return [Command("PwshKernels.Set-SessionFile", values, local=True)]


def requires_something(script: str) -> bool:
    """Return whether a script may have a `#Requires`, judging by its text."""
    return "#requires" in script.lower()


def requirement_commands(script: str, file: str) -> list[Command]:
    """Return the pipeline that carries out a script's `#Requires`, or fails in the engine's words:
    the engine itself checks only those of files.
    """
    values = {"Path": file or NO_FILE, "Script": script}
    return [Command(CHECK_REQUIREMENTS, values, is_script=True, local=True)]


def checks(script: str, options: RunOptions) -> list[list[Command]]:
    """Return the pipelines that precede a run; if one fails, the run ends."""
    wanted = [check_commands(script, options)] if options.parameters else []
    if requires_something(script):
        wanted.append(requirement_commands(script, options.file))
    if options.file:
        wanted.append(file_commands(script, options.file))
    return wanted


def starts_runspaces(script: str) -> bool:
    """Return whether a script may start other runspaces, judging by its text."""
    lowered = script.lower()
    return any(one in lowered for one in RUNSPACES)


def check_commands(script: str, options: RunOptions) -> list[Command]:
    """Return the pipeline that fails, in the engine's words, if the script lacks one of the
    parameters.
    """
    return [
        Command(
            "PwshKernels.Test-SessionParameter",
            {"Script": script, "Name": list(options.parameters)},
        )
    ]


def rest_commands(ended: Ended, script: str) -> list[Command]:
    """Return the pipeline that fetches the output which Out-Session could not send because of a
    throw, a stop or an exit.
    """
    failed = ended.state == PSInvocationState.Failed
    syntax = (
        ended.reason is not None and ended.reason.CategoryInfo.Category == ErrorCategory.ParserError
    )
    return [
        Command(
            "PwshKernels.Get-SessionRest", {"Failed": failed, "Script": script if syntax else ""}
        )
    ]


def bound(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the wire values of parameters. Raises InvalidRequest that names the bad one."""
    for name in parameters:
        if not name or not isinstance(name, str):
            raise InvalidRequest(field="parameters", problem="must have names")
    return {name: to_psrp(value, name) for name, value in parameters.items()}


_SHOWN: Mapping[str, Callable[[Sequence[Any]], Event]] = {
    "host": lambda facts: HostText(facts[0], newline=facts[1]),
    "view": lambda facts: ViewWritten(view(facts)),
    "style": lambda facts: StyleChanged(Style(*facts)),
    "display": lambda facts: Displayed(*facts),
}
"""Entries that are not records."""


class Run:
    """Turns the messages of a run's pipeline into events, and counts for the summary."""

    def __init__(self, mark: str, *, is_file: bool = False) -> None:
        """`mark`: of this PowerShell (`new_mark`); `is_file`: it runs a file, which ends with its
        `exit` and not with that of a program.
        """
        self._mark = mark
        self._is_file = is_file
        self._errors = 0
        self._warnings = 0
        self._exit_called: int | None = None
        self._native_exit: int | None = None
        self._truncated = 0
        self._kept_objects = 0
        self._connection_changed = False
        self._left_out: dict[str, int] = {}
        self._reason: Record | None = None
        self._has_ending = False
        self._echo: str | None = None
        self._beside: Record | None = None

    @property
    def has_ending(self) -> bool:
        """True once Out-Session (or the fetching of the rest) has sent everything."""
        return self._has_ending

    def take(self, event: PsrpEvent) -> list[Event | Question | Unsupported]:
        """Return what a message means.

        Questions and unsupported calls are still to be answered on the wire.
        """
        if isinstance(event, psrpcore.PipelineOutputEvent):
            return [*self._output(event.data)]
        if isinstance(event, psrpcore.ProgressRecordEvent):
            return [ProgressChanged(progress(event.record))]
        if (
            isinstance(event, psrpcore.PipelineHostCallEvent)
            and event.method_identifier == HostMethodIdentifier.WriteProgress
        ):
            return [ProgressChanged(progress(event.method_parameters[1]))]
        if isinstance(event, psrpcore.PipelineHostCallEvent | psrpcore.RunspacePoolHostCallEvent):
            return self._call(event)
        if isinstance(event, psrpcore.ErrorRecordEvent):
            return [self._record(psrp_error(event.record))]
        self._beside = _beside(event)
        return []

    def _call(
        self, event: psrpcore.PipelineHostCallEvent | psrpcore.RunspacePoolHostCallEvent
    ) -> list[Any]:
        call = read_call(event)
        if isinstance(call, ExitCalled):
            self._exit_called = call.code
            return []
        if isinstance(call, HostText) and call.text.startswith(self._mark):
            return [*self._output(call.text.removeprefix(self._mark))]
        beside, self._beside = self._beside, None
        if isinstance(call, StreamLine):
            return [self._record(beside)] if _says(beside, call.kind, call.text) else []
        if isinstance(call, HostText):
            return self._host_text(call, beside)
        return [call] if call is not None else []

    def _host_text(self, call: HostText, beside: Record | None) -> list[Event]:
        told, self._echo = self._echo, None
        if call.text == told:
            return []
        if _says(beside, "information", call.text) and "PSHOST" not in beside.tags:
            return [self._record(beside)]
        return [call]

    def _output(self, data: object) -> list[Event]:
        """Read one text of Out-Session: a JSON array of texts and of arrays that begin with their
        kind.
        """
        events: list[Event] = []
        for entry in _entries(str(data)):
            self._echo = _echo(entry)
            if isinstance(entry, str):
                events.append(Text(entry))
            else:
                events += self._entry(entry[0], entry[1:])
        return events

    def _entry(self, kind: str, facts: Sequence[Any]) -> list[Event]:
        if kind == "end":
            self._truncated, self._native_exit, *more = facts
            self._kept_objects, left_out = (*more, 0, None)[:2]
            self._left_out = {name: count for name, count in (left_out or {}).items() if count}
            self._has_ending = True
            return []
        if kind == "connection":
            self._connection_changed = True
            return []
        if kind == "reason":
            self._reason = error_record(facts, terminating=True)
            return []
        return [self._shown(kind, facts)]

    def _shown(self, kind: str, facts: Sequence[Any]) -> Event:
        read = _SHOWN.get(kind)
        if read:
            return read(facts)
        if kind == "error":
            return self._record(error_record(facts))
        if kind == "brief":
            return self._record(brief_error(*facts))
        tags = tuple(facts[1]) if len(facts) > 1 and facts[1] else ()
        return self._record(Record(kind=cast(RecordKind, kind), message=facts[0], tags=tags))

    def _record(self, record: Record) -> RecordWritten:
        self._errors += record.kind == "error" and not record.native
        self._warnings += record.kind == "warning"
        return RecordWritten(record)

    def refuse(self, ended: Ended) -> None:
        """Take the end of a check before the script: its error counts as the script's own, so it
        has no position in our code.
        """
        if ended.reason is not None:
            error = psrp_error(ended.reason, terminating=True)
            plain_id = error.error_id.partition(",")[0]
            self._reason = replace(
                error,
                error_id=plain_id,
                command="",
                line=None,
                column=None,
                position="",
                script_stack="",
            )
        self._has_ending = True

    def summary(self, ended: Ended, duration_s: float) -> Summary:
        """Return how the run ended.

        A terminating error is reported here, once, and counted as one error.
        """
        error = self._terminating_error(ended)
        exited = self._exit_called is not None
        return Summary(
            outcome=_OUTCOMES[ended.state],
            errors=self._errors + (error is not None),
            warnings=self._warnings,
            exit_code=self._exit_called if exited or self._is_file else self._native_exit,
            exit_called=exited,
            duration_s=duration_s,
            truncated=self._truncated,
            terminating_error=error,
            kept_objects=self._kept_objects,
            connection_changed=self._connection_changed,
            left_out=self._left_out,
        )

    def _terminating_error(self, ended: Ended) -> Record | None:
        if ended.state != PSInvocationState.Failed:
            return None
        wire = psrp_error(ended.reason, terminating=True) if ended.reason else None
        # The engine's own $Error[0] has more facts; it is only trusted when it is the same error.
        if self._reason and (wire is None or wire.error_id.startswith(self._reason.error_id)):
            return self._reason
        return wire or Record(
            "error", "The pipeline failed and PowerShell gave no reason.", terminating=True
        )


def _entries(text: str) -> list[Any]:
    try:
        return cast(list[Any], json.loads(text))
    except ValueError:
        return [text]


def _beside(event: PsrpEvent) -> Record | None:
    """Return the record in a message outside the output, where streams are not merged; None for any
    other message.

    It is shown only if a host call follows: otherwise the script has sent it to $null (3>$null,
    *>$null), which the engine sends to its clients all the same.
    """
    kinds: list[tuple[type[Any], RecordKind]] = [
        (psrpcore.WarningRecordEvent, "warning"),
        (psrpcore.VerboseRecordEvent, "verbose"),
        (psrpcore.DebugRecordEvent, "debug"),
        (psrpcore.InformationRecordEvent, "information"),
    ]
    for event_type, kind in kinds:
        if isinstance(event, event_type):
            return psrp_message(kind, event.record)
    return None


def _says(record: Record | None, kind: RecordKind, text: str) -> TypeGuard[Record]:
    return record is not None and (record.kind, record.message) == (kind, text)


def _echo(entry: Any) -> str | None:
    """Return the text that a call of the host may say again: a job's own process sends both
    (bootstrap.ps1).
    """
    told = entry[0] in ("host", "information") and len(entry) > 3
    return entry[3] if told else None


class Query:
    """Gathers the output of an internal question."""

    def __init__(self) -> None:
        self.objects: list[Any] = []
        self.errors: list[Record] = []

    def take(self, event: PsrpEvent) -> list[Event | Question | Unsupported]:
        """Keep output and errors; return only what needs an answer on the wire."""
        if isinstance(event, psrpcore.PipelineOutputEvent):
            self.objects.append(event.data)
        elif isinstance(event, psrpcore.ErrorRecordEvent):
            self.errors.append(psrp_error(event.record))
        elif isinstance(event, psrpcore.PipelineHostCallEvent | psrpcore.RunspacePoolHostCallEvent):
            call = read_call(event)
            return [call] if isinstance(call, Question | Unsupported) else []
        return []


def asked(question: Question) -> PromptAsked:
    """Return the event of a question."""
    return PromptAsked(question.id, question.prompt)
