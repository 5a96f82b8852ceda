"""The facts of a run, as plain values: records, progress, prompts, and how a run ended.

Every layer uses these: `powershell/` makes them, `kernel/` puts them into message metadata,
`sessions/` keeps them, REST and MCP show them. Nothing here imports anything of ours.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from typing_extensions import TypedDict

RecordKind = Literal["error", "warning", "verbose", "debug", "information"]
PromptKind = Literal["line", "secret", "choice", "credential", "fields"]
OutputFormat = Literal["text", "json", "csv", "list", "compact"]
Outcome = Literal["completed", "failed", "stopped", "died"]

ViewKind = Literal["table", "list"]
Alignment = Literal["left", "center", "right"]

MAX_NESTING = 32
"""How many levels of nested lists and objects a parameter, or the answer to a prompt, may have.

PowerShell reads 50 levels of XML and never answers beyond; a pipeline takes some of them itself.
"""
MAX_SECRET = 65_536
"""Longest SecureString in UTF-16 units: PowerShell cannot read a message with a longer one, and its
session would be lost.
"""
MAX_CHARS = 2**63 - 1
"""Largest number of characters that a caller may ask for: PowerShell counts in 64 bits."""
OUTPUT_FORMATS: tuple[OutputFormat, ...] = ("text", "json", "csv", "list", "compact")


class RecordFacts(TypedDict):
    """A record as JSON values."""

    kind: RecordKind
    message: str
    error_id: str
    category: str
    target: str
    line: int | None
    column: int | None
    position: str
    script_stack: str
    exception_type: str
    causes: list[str]
    command: str
    tags: list[str]
    terminating: bool
    native: bool


class ProgressFacts(TypedDict):
    """A progress as JSON values."""

    activity_id: int
    parent_id: int | None
    activity: str
    status: str
    operation: str
    percent: int | None
    seconds_left: int | None
    completed: bool


class FieldFacts(TypedDict):
    """A field of a prompt as JSON values."""

    name: str
    label: str
    type_name: str
    secret: bool
    mandatory: bool
    help: str
    default: str


class ChoiceFacts(TypedDict):
    """A choice of a prompt as JSON values."""

    label: str
    key: str
    help: str


class PromptFacts(TypedDict):
    """A prompt as JSON values."""

    kind: PromptKind
    caption: str
    message: str
    fields: list[FieldFacts]
    choices: list[ChoiceFacts]
    default: list[int]
    multiple: bool
    user: str


@dataclass(frozen=True, slots=True)
class Record:
    """One line of a PowerShell stream other than output, with the facts that the engine gave.

    `error_id` is the FullyQualifiedErrorId; `line` and `column` count from 1 within the script that
    was run; `position` is PowerShell's own position message; empty text and None mean that the
    engine gave no value.
    """

    kind: RecordKind
    message: str
    error_id: str = ""
    category: str = ""
    target: str = ""
    line: int | None = None
    column: int | None = None
    position: str = ""
    script_stack: str = ""
    exception_type: str = ""
    causes: tuple[str, ...] = ()
    """The messages of the exceptions inside the error's exception, outermost first, unless the
    error's own message contains them.

    An exception with a code of its own, as those of sign-in libraries have, is "code: message".
    """
    command: str = ""
    """What PowerShell's console names in front of an error: the command that wrote it, `Exception`
    for a throw.
    """
    view: str = ""
    """How the session's `$ErrorView` shows the error, "" for ConciseView. Not part of the JSON: the
    text that accompanies the facts reflects it.
    """
    tags: tuple[str, ...] = ()
    terminating: bool = False
    """True when this error ended the pipeline."""
    native: bool = False
    """True for a line that a native program wrote to its stderr: PowerShell does not count it as an
    error.
    """

    @property
    def said(self) -> str:
        """All that the error says in words that explanations know: its id, its message and its
        causes.
        """
        return " ".join((self.error_id, self.message, *self.causes))

    def to_json(self) -> RecordFacts:
        """Return the facts as JSON values."""
        return {
            "kind": self.kind,
            "message": self.message,
            "error_id": self.error_id,
            "category": self.category,
            "target": self.target,
            "line": self.line,
            "column": self.column,
            "position": self.position,
            "script_stack": self.script_stack,
            "exception_type": self.exception_type,
            "causes": list(self.causes),
            "command": self.command,
            "tags": list(self.tags),
            "terminating": self.terminating,
            "native": self.native,
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "Record":
        """Return the record that `to_json` described; unknown facts of a newer version
        are dropped.
        """
        known = {name: value for name, value in facts.items() if name in cls.__dataclass_fields__}
        lists = {name: tuple(known.get(name, ())) for name in ("tags", "causes")}
        return cls(**{**known, **lists})


@dataclass(frozen=True, slots=True)
class Progress:
    """One state of a Write-Progress activity; `percent` is None if the script gave none."""

    activity_id: int
    parent_id: int | None
    activity: str
    status: str = ""
    operation: str = ""
    percent: int | None = None
    seconds_left: int | None = None
    completed: bool = False

    def to_json(self) -> ProgressFacts:
        """Return the facts as JSON values."""
        return {
            "activity_id": self.activity_id,
            "parent_id": self.parent_id,
            "activity": self.activity,
            "status": self.status,
            "operation": self.operation,
            "percent": self.percent,
            "seconds_left": self.seconds_left,
            "completed": self.completed,
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "Progress":
        """Return the progress that `to_json` described."""
        return cls(
            **{name: value for name, value in facts.items() if name in cls.__dataclass_fields__}
        )


@dataclass(frozen=True, slots=True)
class Style:
    """Escape sequences in which records are shown; the defaults are those of PowerShell 7.6's
    `$PSStyle.Formatting`.
    """

    error: str = "\x1b[31;1m"
    accent: str = "\x1b[36;1m"
    warning: str = "\x1b[33;1m"
    verbose: str = "\x1b[33;1m"
    debug: str = "\x1b[33;1m"


@dataclass(frozen=True, slots=True)
class View:
    """A piece of a table or of a list as PowerShell's formatting made it, with the text that
    PowerShell prints for it.

    `columns` of a table: label and alignment each. `rows` of a table: its cells; of a list: each
    object's labels and values. Pieces with the same `group` that follow each other belong together.
    `more` counts rows that are only in the text.
    """

    kind: ViewKind
    group: int
    text: str
    columns: tuple[tuple[str, Alignment], ...] = ()
    caption: str = ""
    rows: tuple[Any, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class PromptField:
    """One value that a prompt asks for. `secret` values must never be shown or kept."""

    name: str
    label: str = ""
    type_name: str = "String"
    secret: bool = False
    mandatory: bool = False
    help: str = ""
    default: str = ""

    def to_json(self) -> FieldFacts:
        """Return the facts as JSON values."""
        return {
            "name": self.name,
            "label": self.label,
            "type_name": self.type_name,
            "secret": self.secret,
            "mandatory": self.mandatory,
            "help": self.help,
            "default": self.default,
        }


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of a choice prompt; `label` has the hot key cut out ("Yes", key "Y")."""

    label: str
    key: str = ""
    help: str = ""

    def to_json(self) -> ChoiceFacts:
        """Return the facts as JSON values."""
        return {"label": self.label, "key": self.key, "help": self.help}


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question of the running script.

    The answer's shape by kind: `line` and `secret` a text; `choice` an index, or a list of indexes
    when `multiple`; `credential` {"user": text, "password": text}; `fields` {field name: text}.
    """

    kind: PromptKind
    caption: str = ""
    message: str = ""
    fields: tuple[PromptField, ...] = ()
    choices: tuple[Choice, ...] = ()
    default: tuple[int, ...] = ()
    multiple: bool = False
    user: str = ""
    """For `credential`: the user name that the script proposes."""

    def to_json(self) -> PromptFacts:
        """Return the facts as JSON values."""
        return {
            "kind": self.kind,
            "caption": self.caption,
            "message": self.message,
            "fields": [one.to_json() for one in self.fields],
            "choices": [one.to_json() for one in self.choices],
            "default": list(self.default),
            "multiple": self.multiple,
            "user": self.user,
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "Prompt":
        """Return the prompt that `to_json` described."""
        return cls(
            kind=facts["kind"],
            caption=facts.get("caption", ""),
            message=facts.get("message", ""),
            fields=tuple(PromptField(**one) for one in facts.get("fields", ())),
            choices=tuple(Choice(**one) for one in facts.get("choices", ())),
            default=tuple(facts.get("default", ())),
            multiple=facts.get("multiple", False),
            user=facts.get("user", ""),
        )


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended, counted by the engine.

    `exit_code` is N of `exit N`, else the exit code of the last native program that this run
    started, else None. `truncated` counts the characters that were not sent because of the caller's
    maximum.
    """

    outcome: Outcome
    errors: int = 0
    warnings: int = 0
    exit_code: int | None = None
    exit_called: bool = False
    duration_s: float = 0.0
    truncated: int = 0
    terminating_error: Record | None = None
    kept_objects: int = 0
    """How many output objects of the run the session keeps for queries."""
    connection_changed: bool = False
    """True if the module's connection has changed since the end of the previous run."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """What the format `json` left out: `values` beyond its limits, `depth` values below its deepest
    level, and `as_text` objects of .NET or PowerShell inside another.

    Only counts that are not 0.
    """
    began_at: float = 0.0
    """When PowerShell began it, as Unix time; 0: not known."""

    @property
    def had_errors(self) -> bool:
        """True if an error record was written, the script was ended by an error, or it called
        `exit` with a code.
        """
        return (
            self.errors > 0
            or self.outcome in ("failed", "died")
            or (self.exit_called and self.exit_code != 0)
        )

    def to_json(self) -> Mapping[str, object]:
        """Return the facts as JSON values."""
        error = self.terminating_error.to_json() if self.terminating_error else None
        return {**asdict(self), "terminating_error": error, "had_errors": self.had_errors}

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> "Summary":
        """Return the summary that `to_json` described."""
        known = {name: value for name, value in facts.items() if name in cls.__dataclass_fields__}
        error = known.get("terminating_error")
        return cls(**{**known, "terminating_error": Record.from_json(error) if error else None})


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a caller may ask of one execution: bound parameters, output format, width and a maximum
    of characters.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    format: OutputFormat = "text"
    width: int = 120
    """Columns that PowerShell formats for."""
    max_chars: int | None = None
    """Characters of output text that are sent; the rest is counted in `Summary.truncated`.

    None: all.
    """
    rich: bool = False
    """For a person's client: tables, lists and pictures as such besides their text, and the results
    kept in `$Last`.

    Only for the format `text` without a maximum.
    """
    file: str = ""
    """The path of the script's file; "": it is a command.

    A file has a scope, `$PSScriptRoot` and `$PSCommandPath` of its own, and ends with its `exit`.
    """
    carried: Mapping[str, Any] | None = None
    """The same script as commands and parameters (`reading.Carried`), for a PowerShell that takes
    no text.
    """
    own: bool = False
    """A script of the server's own."""
    keep_as: str = ""
    """The name under which PowerShell keeps the output objects; "": it keeps none.

    The kernel's choice, not the caller's.
    """

    @property
    def shows_views(self) -> bool:
        """True if the run's output also comes as views."""
        return self.rich and self.format == "text" and self.max_chars is None
