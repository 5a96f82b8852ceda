"""A run's output as a model gets it: at most 20,000 characters, head and tail, cut at line ends,
errors and warnings labelled.

Pure: takes the entries of `GET /runs/{id}` (docs/rest.md). Cursors count the characters of the raw
output.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pwsh_kernels.escapes import EscapeFilter, unfinished, whole_characters
from pwsh_kernels.shapes import Entry, Page, RunPage

MAX_CHARS = 20_000
"""Characters of output in one answer; if not all of it fits, half is the beginning and half the
end."""

FOR_PROGRAMS = ("json", "csv")
"""Formats of which only the result is shown."""

_ASIDE = "aside"
"""Kind of an entry that counts for cursors and is not shown."""
_LABELS = {"error": "ERROR: ", "warning": "WARNING: "}


@dataclass(frozen=True, slots=True)
class Piece:
    """Adjacent output: its text as in the stream, and the same with labels; whether messages that
    accompany a result were left out.
    """

    text: str = ""
    labelled: str = ""
    has_asides: bool = False


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The shown parts of an output: all from `start` to `end`, and a tail if characters between
    were left out.

    `end` is where the next excerpt begins; `total` is the length of the whole output.
    """

    start: int
    end: int
    total: int
    head: Piece
    tail: Piece = Piece()
    left_out: int = 0

    @property
    def more(self) -> bool:
        """True when there is output beyond `end`."""
        return self.end < self.total


def excerpt(page: Page, total: int, limit: int, tail_page: Page | None = None) -> Excerpt:
    """Return the excerpt of a page, and of the tail's page if the middle of the output is left
    out.
    """
    start = page["cursor"]
    raw = "".join(entry["text"] for entry in page["entries"])
    whole = len(raw) <= limit and not page["more"]
    length = len(raw) if whole else cut_point(raw[:limit])
    end = page["next_cursor"] if length == len(raw) else start + length
    head = _piece(_first(page["entries"], length))
    if tail_page is None:
        return Excerpt(start, end, total, head)
    tail, tail_start = _tail(tail_page, end)
    return Excerpt(start, end, total, head, tail, left_out=max(0, tail_start - end))


def without_asides(page: RunPage) -> RunPage:
    """Return a page of which an excerpt shows nothing but the result, where a program reads it:
    warnings and what a script only shows would make JSON and CSV something else.
    """
    if page["format"] not in FOR_PROGRAMS:
        return page
    entries = [one if _is_result(one) else _aside(one) for one in page["entries"]]
    return {**page, "entries": entries}


def _aside(entry: Entry) -> Entry:
    return {**entry, "kind": _ASIDE}


def _is_result(entry: Entry) -> bool:
    return entry["stream"] == "stdout" and entry["kind"] == "text"


def cut_point(text: str) -> int:
    """Return how much of a text to show: up to its last line end; else without half a character or
    half an escape.
    """
    line_end = text.rfind("\n") + 1
    if line_end > len(text) // 2:
        return line_end
    end = unfinished(text) or len(text)
    return end - 1 if end > 1 and "\ud800" <= text[end - 1] <= "\udbff" else end


def _tail(page: Page, head_end: int) -> tuple[Piece, int]:
    """Return the tail, from the beginning of a line if there is one, without anything that the head
    already shows.
    """
    entries = page["entries"]
    raw = "".join(entry["text"] for entry in entries)
    line_start = raw.find("\n") + 1
    skip = line_start if 0 < line_start < len(raw) // 2 else 0
    skip = max(skip, head_end - page["cursor"])
    if not skip and "\udc00" <= raw[:1] <= "\udfff":
        skip = 1
    return _piece(_without_first(entries, skip)), page["cursor"] + skip


def _first(entries: Sequence[Entry], length: int) -> list[Entry]:
    shown: list[Entry] = []
    for entry in entries:
        if length <= 0:
            break
        shown.append({**entry, "text": entry["text"][:length]})
        length -= len(entry["text"])
    return shown


def _without_first(entries: Sequence[Entry], length: int) -> list[Entry]:
    shown: list[Entry] = []
    for entry in entries:
        text = entry["text"][max(0, length) :]
        length -= len(entry["text"])
        if text:
            shown.append({**entry, "text": text})
    return shown


def _piece(told: Sequence[Entry]) -> Piece:
    shown = EscapeFilter()
    entries = [entry for entry in told if entry["kind"] != _ASIDE]
    texts = [whole_characters(shown.feed(entry["text"])) for entry in entries]
    labelled = ""
    for entry, text in zip(entries, texts, strict=True):
        labelled += _labelled(entry, text, at_line_start=not labelled or labelled.endswith("\n"))
    return Piece("".join(texts), labelled, has_asides=len(entries) < len(told))


def _labelled(entry: Entry, text: str, *, at_line_start: bool) -> str:
    label = _LABELS.get(entry["kind"], "")
    if not label or not text.strip() or text.upper().startswith(label.strip()):
        return text
    return f"{'' if at_line_start else chr(10)}{label}{text}"
