"""A run's output by lines: a page of them, or those that match a caller's regular expression.

Pure.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import re2

from pwsh_kernels import shapes
from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.escapes import without_escapes
from pwsh_kernels.sessions.runs.output_log import LogTexts

SHOWN_CHARS = 2_000
"""Characters of one line in an answer; for a match, those around it."""
READ_CHARS = 100_000
"""Characters of one line that are read; a search looks at no more (measured: the worst pattern
takes 0.8 s for them).
"""
ANSWER_CHARS = 1_000_000
"""Approximate limit for the characters of all lines of one answer."""
PATTERN_CHARS = 1_000
PATTERN_MEMORY = 1 << 20
"""Largest compiled pattern, in bytes; a larger one is refused."""


@dataclass(frozen=True, slots=True)
class LinesQuery:
    """Which lines are asked for.

    `first` counts from 1; a negative one from the end: -50 is the last 50.

    With `search`: the matching lines from `first` on, `count` of them at most, each with `context`
    lines around it.
    """

    first: int = 1
    count: int = 200
    search: str | None = None
    context: int = 0
    ignore_case: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """One line without terminal escapes.

    `unread` counts characters beyond READ_CHARS; `at` is where a search matched.
    """

    number: int
    text: str
    unread: int = 0
    at: tuple[int, int] | None = None

    def to_json(self, *, searched: bool) -> shapes.Line:
        """Return the line as JSON values (docs/rest.md), cut when it is long."""
        line: shapes.Line = {"number": self.number, "text": shortened(self)}
        return {**line, "match": self.at is not None} if searched else line


@dataclass(slots=True)
class LinesPage:
    """The result of one reading; `matches` counts all matches, also those for which the answer had
    no room.
    """

    total_lines: int
    matches: int | None = None
    lines: list[Line] = field(default_factory=list)
    more: int | None = None
    """The line from which to continue."""


def read_lines(texts: LogTexts, query: LinesQuery, expired: Callable[[], bool]) -> LinesPage:
    """Return a page of lines.

    It ends early once `expired` says so; `more` says where. Raises InvalidRequest.
    """
    first = query.first if query.first > 0 else max(1, texts.total_lines + query.first + 1)
    if query.search is not None:
        return _found(texts, first, query, expired)
    page, room = LinesPage(texts.total_lines), ANSWER_CHARS
    for line in lines_from(texts, first):
        if len(page.lines) == query.count or room <= 0 or expired():
            page.more = line.number
            break
        page.lines.append(line)
        room -= min(len(line.text), SHOWN_CHARS)
    return page


def compiled(pattern: str, *, ignore_case: bool) -> Any:
    """Return a pattern of RE2, whose searches take linear time.

    Raises InvalidRequest, which says what is wrong with it.
    """
    if len(pattern) > PATTERN_CHARS:
        raise InvalidRequest(
            field="search",
            problem=f"has {len(pattern)} characters; {PATTERN_CHARS} are read at most",
        )
    options = re2.Options()
    options.log_errors, options.case_sensitive, options.max_mem = (
        False,
        not ignore_case,
        PATTERN_MEMORY,
    )
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        problem = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        raise InvalidRequest(
            field="search",
            problem=(
                f"is not a regular expression that RE2 accepts: {problem}. Lookaround and"
                " backreferences are not possible; put a \\ before a character that stands for"
                " itself"
            ),
        ) from None


def lines_from(texts: LogTexts, first: int) -> Iterator[Line]:
    """Yield the lines from the number `first` on."""
    begins, pieces = texts.around_line(first)
    return (line for line in numbered(pieces, begins) if line.number >= first)


def numbered(pieces: Iterable[str], number: int) -> Iterator[Line]:
    """Yield the lines of a text that comes in pieces; the first has the given number.

    A long one is not kept whole.
    """
    parts, length = [""], 0
    for piece in pieces:
        begun, *others = piece.split("\n")
        parts.append(begun[: max(0, READ_CHARS - length)])
        length += len(begun)
        for one in others:
            yield _line(number, "".join(parts), length)
            number, parts, length = number + 1, [one[:READ_CHARS]], len(one)
    if length:
        yield _line(number, "".join(parts), length)


def _line(number: int, text: str, length: int) -> Line:
    return Line(number, without_escapes(text).removesuffix("\r"), length - len(text))


def shortened(line: Line) -> str:
    """Return a line's text; if it is long, the part around the match, or its beginning, with a
    count of what is left out.
    """
    text, (begins, ends) = line.text, line.at or (0, 0)
    if len(text) + line.unread <= SHOWN_CHARS:
        return text
    start = max(
        0, min(begins - max(0, SHOWN_CHARS - (ends - begins)) // 2, len(text) - SHOWN_CHARS)
    )
    end = start + SHOWN_CHARS
    after = max(0, len(text) - end) + line.unread
    before = f"[{start:,} characters left out] … " if start else ""
    return f"{before}{text[start:end]}" + (f" … [{after:,} characters left out]" if after else "")


class _Found:
    """Gathers the lines of a search's answer, and counts the matches beyond it."""

    def __init__(self, query: LinesQuery, total_lines: int) -> None:
        self.page = LinesPage(total_lines, matches=0)
        self._query = query
        self._before = deque[Line](maxlen=query.context)
        self._room, self._shown, self._after = ANSWER_CHARS, 0, 0

    def take(self, line: Line) -> None:
        """Take the next line."""
        page = self.page
        if line.at:
            page.matches = (page.matches or 0) + 1
        if line.at and (self._shown == self._query.count or self._room <= 0):
            page.more = page.more or line.number
        if page.more is None and line.at:
            self._add([*self._before, line])
            self._shown, self._after = self._shown + 1, self._query.context
        elif page.more is None and self._after:
            self._add([line])
            self._after -= 1
        else:
            self._before.append(line)

    def _add(self, lines: list[Line]) -> None:
        self.page.lines += lines
        self._room -= sum(min(len(one.text), SHOWN_CHARS) for one in lines)
        self._before.clear()


def _found(
    texts: LogTexts, first: int, query: LinesQuery, expired: Callable[[], bool]
) -> LinesPage:
    pattern = compiled(query.search or "", ignore_case=query.ignore_case)
    found = _Found(query, texts.total_lines)
    for line in _marked(texts, max(1, first - query.context), first, pattern):
        found.take(line)
        if expired():
            found.page.more = found.page.more or (
                line.number + 1 if line.number < texts.total_lines else None
            )
            break
    return found.page


def _marked(texts: LogTexts, begins: int, first: int, pattern: Any) -> Iterator[Line]:
    """Yield the lines from `begins` on; those from `first` on say where they match."""
    for line in lines_from(texts, begins):
        at = _place(pattern, line.text) if line.number >= first else None
        yield Line(line.number, line.text, line.unread, at) if at else line


def _place(pattern: Any, text: str) -> tuple[int, int] | None:
    """Return where a pattern matches.

    As bytes: half a surrogate pair, which a script can print, has no UTF-8.
    """
    raw = text.encode(errors="replace")
    found = pattern.search(raw)
    if found is None:
        return None
    begins, ends = found.span()
    return len(raw[:begins].decode(errors="replace")), len(raw[:ends].decode(errors="replace"))
