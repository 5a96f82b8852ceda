"""Records and progress as text, as a PowerShell terminal shows them. Pure: values in, text out."""

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pwsh_kernels.errors import ProductError
from pwsh_kernels.kernel.display.progress_bars import Bars
from pwsh_kernels.kernel.display.tables import NO_FORMULA
from pwsh_kernels.records import Progress, Record, RecordKind, Style, Summary
from pwsh_kernels.screens import screen_advice

RESET = "\x1b[0m"
PREFIXES: Mapping[RecordKind, str] = {
    "warning": "WARNING: ",
    "verbose": "VERBOSE: ",
    "debug": "DEBUG: ",
}
"""Those of the console host of PowerShell 7.6 (measured)."""
BAR_WIDTH = 20
STOPPED = "PipelineStopped"


@dataclass(frozen=True, slots=True)
class ErrorContent:
    """The three texts of a Jupyter `error` message."""

    ename: str
    evalue: str
    traceback: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the content of the message."""
        return {"ename": self.ename, "evalue": self.evalue, "traceback": list(self.traceback)}


def record_text(record: Record, style: Style) -> str:
    """Return the lines, each ended, that PowerShell's console shows for a record."""
    if record.kind == "error":
        return _error_text(record, style)
    prefix = PREFIXES.get(record.kind, "")
    return f"{_styled(prefix + record.message, getattr(style, record.kind) if prefix else '')}\n"


def _styled(text: str, sequence: str) -> str:
    return f"{sequence}{text}{RESET}" if sequence else text


def _error_text(record: Record, style: Style) -> str:
    if record.native:  # a native program's stderr line: shown as it is, even without a line's end
        return f"{record.message}\n"
    return "".join(f"{line}\n" for line in _error_lines(record, style, always_position=False))


def _error_lines(record: Record, style: Style, *, always_position: bool) -> Iterator[str]:
    """Yield the view that the session chose, otherwise PowerShell's ConciseView: one line for an
    error in the first line of a cell, else the table with the source.
    """
    if record.view:
        yield from (_styled(line, style.error) for line in record.view.splitlines())
        return
    place, source, mark = _position(record.position)
    reason = record.command or error_name(record)
    if not source or not (
        always_position or place or (record.line or 0) > 1 or record.category == "ParserError"
    ):
        yield _styled(f"{reason}: {record.message}", style.error)
        return
    yield _styled(f"{reason}: {place}", style.error)
    yield _styled("Line |", style.accent)
    yield f"{_styled(f'{record.line or 0:4d} | ', style.accent)} {source}"
    told = ([f" {mark}"] if mark else []) + (record.message.splitlines() or [""])
    for line in told:
        yield f"{style.accent}     | {_styled(line, style.error or (style.accent and RESET))}"


def _position(message: str) -> tuple[str, str, str]:
    """Return (script file and line or "", source line, squiggles) of a position message such as "At
    line:1 char:7\\n+ …".
    """
    head, *rest = message.splitlines() or [""]
    source, mark, *_ = [*(line[2:] for line in rest if line.startswith("+ ")), "", ""]
    words = head.split(" ")
    place = " ".join(words[1:-1]) if len(words) > 2 else ""
    return ("" if place.startswith("line:") else place), source, mark


def error_name(record: Record) -> str:
    """Return the short name of an error: its exception's class, as .NET calls it, without the
    namespace.
    """
    name = record.exception_type.rsplit(".", 1)[-1].rsplit("+", 1)[-1]
    return name or record.error_id.split(",", 1)[0] or "Error"


def record_error(record: Record, style: Style) -> ErrorContent:
    """Return the error message of the record that ended a run."""
    lines = [*_error_lines(record, style, always_position=True), screen_advice(record)]
    return ErrorContent(error_name(record), record.message, tuple(filter(None, lines)))


def product_error(error: ProductError) -> ErrorContent:
    """Return the error message of one of our own errors, named after its class."""
    name = type(error).__name__
    return ErrorContent(name, error.text(), (_styled(f"{name}: {error.text()}", Style().error),))


def stopped_error(style: Style) -> ErrorContent:
    """Return the error message of a run that was interrupted."""
    text = "The pipeline was stopped."
    return ErrorContent(STOPPED, text, (_styled(text, style.error),))


def summary_error(summary: Summary, style: Style) -> ErrorContent | None:
    """Return the error that ended a run, or None when PowerShell completed it."""
    if summary.outcome == "stopped":
        return stopped_error(style)
    if summary.outcome != "failed":
        return None
    unknown = Record(kind="error", message="The pipeline failed.", terminating=True)
    return record_error(summary.terminating_error or unknown, style)


def progress_bundle(bars: Bars) -> dict[str, str]:
    """Return the MIME bundle of a progress display: a line and an HTML bar each, nested; empty
    texts when all have ended.
    """
    lines = [f"{'  ' * depth}{progress_text(progress)}" for depth, progress in bars]
    return {
        "text/plain": "\n".join(lines),
        "text/html": "".join(progress_html(one, depth) for depth, one in bars),
    }


def progress_text(progress: Progress) -> str:
    """Return one line such as "Copying [#####...............] 25% file 3 (10 s left)"."""
    return " ".join(
        part for part in (progress.activity, _bar(progress), _details(progress)) if part
    )


def _percent(progress: Progress) -> int | None:
    known = progress.percent is not None and progress.percent >= 0
    return min(progress.percent or 0, 100) if known else None


def _bar(progress: Progress) -> str:
    percent = _percent(progress)
    if percent is None:
        return ""
    filled = percent * BAR_WIDTH // 100
    return f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {percent}%"


def _details(progress: Progress) -> str:
    left = progress.seconds_left
    parts = [
        progress.status,
        progress.operation,
        f"({left} s left)" if left is not None and left >= 0 else "",
    ]
    return " ".join(part for part in parts if part)


def progress_html(progress: Progress, depth: int = 0) -> str:
    """Return the activity, a bar (moving when no percentage is known) and the details; every text
    is escaped.
    """
    percent = _percent(progress)
    value = "" if percent is None else f' value="{percent}"'
    bar = f'<progress max="100"{value}></progress> '
    number = "" if percent is None else f"{percent}% "
    activity, details = html.escape(progress.activity), html.escape(_details(progress))
    style = f"padding-left:{2 * depth}em"
    told = f"<b>{activity}</b> {bar}{number}{details}"
    return f'<div class="{NO_FORMULA}" style="{style}">{told}</div>'
