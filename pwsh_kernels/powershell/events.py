"""The events of a running pipeline, in order: frozen dataclasses; the last one is Finished or
Died.
"""

from dataclasses import dataclass

from pwsh_kernels.records import Progress, Prompt, Record, Style, Summary, View


@dataclass(frozen=True, slots=True)
class Text:
    """A chunk of the pipeline's output, formatted as the caller asked; lines end with a
    line feed.
    """

    text: str


@dataclass(frozen=True, slots=True)
class ViewWritten:
    """A piece of a table or list, with its text; only in a run with `RunOptions.rich`."""

    view: View


@dataclass(frozen=True, slots=True)
class Displayed:
    """Something with a MIME type of its own: a picture in base64, or HTML, SVG, Markdown, JSON as
    text.

    `size` is a picture's length in bytes, 0 for a text. Only in a run with `RunOptions.rich`.
    """

    mime: str
    data: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class RecordWritten:
    """A line of the error, warning, verbose, debug or information stream.

    Native stderr is an error with `native`.
    """

    record: Record


@dataclass(frozen=True, slots=True)
class StyleChanged:
    """Records look different from now on: the session has changed its `$PSStyle.Formatting`."""

    style: Style


@dataclass(frozen=True, slots=True)
class ProgressChanged:
    """A state of a progress bar; about ten a second; the last state of each activity is always
    reported.
    """

    progress: Progress


@dataclass(frozen=True, slots=True)
class HostText:
    """Text for the person at the host: Write-Host, Out-Host, -WhatIf.

    `newline` is False after -NoNewline.

    The colours are names of [ConsoleColor] that `$Host.UI.Write` was given, "" for none;
    Write-Host's are in the text.
    """

    text: str
    newline: bool = True
    foreground: str = ""
    background: str = ""
    error: bool = False
    """True for a line of `$Host.UI.WriteErrorLine`."""


@dataclass(frozen=True, slots=True)
class ConsoleText:
    """Raw text of the process outside every stream: [Console]::Write from any thread,
    Start-Process, crash messages.
    """

    text: str


@dataclass(frozen=True, slots=True)
class PromptAsked:
    """A question; the script waits until `Pipeline.answer` or `Pipeline.refuse` is called with this
    id, or a stop.
    """

    id: int
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Finished:
    """The pipeline has ended and the session is free for the next one."""

    summary: Summary


@dataclass(frozen=True, slots=True)
class Died:
    """The PowerShell process has ended.

    Exactly one of exit status and signal name ("SIGKILL") is set, if known; `reason` says why we
    ended it, if we did.
    """

    exit_status: int | None
    signal: str | None
    reason: str = ""


Output = Text | ViewWritten | Displayed | RecordWritten | HostText | ConsoleText
Event = Output | StyleChanged | ProgressChanged | PromptAsked | Finished | Died
