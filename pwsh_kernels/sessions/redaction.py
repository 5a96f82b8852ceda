"""Removes secrets from scripts, output and records before they are stored. Pure.

Works on bytes and with RE2, so that a script's text cannot decide how long this takes: Python's own
expressions took 8 s for 8 KB of quotes.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import re2

from pwsh_kernels.records import Record

HIDDEN = "•••"
SHORTEST = 4
"""A shorter secret is hidden only where it was written down, not wherever its characters appear."""
WINDOW = 1 << 15
"""Bytes that are searched at a time for secrets that are written down.

After each of many matches RE2 may look on to the end for a better one (measured: 1 MB of them take
4 s in windows, a quarter of an hour without).
"""
REACH = WINDOW // 2
"""Bytes in which a window repeats the one before; the end of a longer secret is looked for by
itself. A text that is cut needs so much behind the cut.
"""
LONG = 4096
"""From this length in bytes, a known secret is searched for separately, not by the common one."""
MOST_LONG = 64
"""How many known secrets of such a length can be searched for."""
KNOWN_MEMORY = 256 << 20
"""Bytes that the expression of known secrets may take: some hundred thousand characters of them."""
_BREAK = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|[\r\n]")
"""What a terminal or a formatter may insert into a secret: colours, line ends."""


def _compiled(pattern: str, *, any_case: bool, memory: int = 8 << 20) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = not any_case
    options.dot_nl = True
    options.log_errors = False
    options.max_mem = memory
    return re2.compile(pattern.encode("latin-1"), options)


_JWT = _compiled(r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,2}", any_case=False)
"""A JSON web token, as every service of Microsoft uses."""
_HERE = r"""@'[ \t]*\r?\n(?:.*?\n)??'@|@"[ \t]*\r?\n(?:.*?\n)??"@"""
_LITERAL = rf"""(?:{_HERE}|'(?:[^']|'')*'|"(?:[^"`]|`.|"")*")"""
_OPEN = r"""(?:@['"][ \t]*\r?\n.*|'(?:[^']|'')*|"(?:[^"`]|`.|"")*)\z"""
"""A literal that has not ended at the end of a window."""
_NAME = r"\w*(?:password|passphrase|secret|token|apikey|api_key)\w*"
_NAMED = re.compile(r"password|passphrase|secret|token|apikey|api_key", re.IGNORECASE)
_QUOTES = (b"'", b'"', b"@'", b'@"')
"""What a literal begins with."""
_WORD = r"""[^\s$@({'"|;&<>,`-][^\s|;&<>,`]*"""
_SPACE = r"(?:\s|\x0b|\xc2\xa0)"
_PIPED = _compiled(rf"{_SPACE}*\|{_SPACE}*ConvertTo-SecureString\b", any_case=True)
"""What follows a literal that becomes a SecureString; the literal's beginning is searched for
backwards.
"""
_WHOLE = _compiled(_LITERAL, any_case=True)
_REST = _compiled(r"[^\s|;&<>,`]*", any_case=True)
"""The rest of a word."""


class _Written(NamedTuple):
    """Where a script writes a secret down; the one group is the secret."""

    closed: Any
    open: Any


_PATTERNS = tuple(
    _Written(
        _compiled(f"{before}({_LITERAL}{word})", any_case=True),
        _compiled(f"{before}({_OPEN})", any_case=True),
    )
    for before, word in (
        (r"ConvertTo-SecureString\b[^|;\n]*?", ""),
        (rf"{_SPACE}--?(?:[\w-]*-)?{_NAME}(?:{_SPACE}*:{_SPACE}*|{_SPACE}+|=)", f"|{_WORD}"),
        (
            rf"""(?:\${{?|\b){_NAME}(?:}}?['"]?{_SPACE}*=|['"]{_SPACE}*:){_SPACE}*""",
            "",
        ),
    )
)
"""SecureStrings, parameters and names that say what they hold, also those of a program, of a table
(`'password' = …`) and in JSON.
"""


class Known:
    """Secrets that are known, to be hidden wherever they stand."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Longer ones go first: one may be a part of another."""
        texts = {_BREAK.sub(b"", _encoded(secret)) for secret in secrets} - {b""}
        ordered = sorted(texts, key=lambda one: (-len(one), one))
        self.longest = len(ordered[0]) if ordered else 0
        self._long = [one for one in ordered if len(one) > LONG]
        short = ordered[len(self._long) :]
        self._pattern: Any = None
        self._too_many = len(self._long) > MOST_LONG
        try:
            if short:
                self._pattern = _compiled(
                    "|".join(re2.escape(one).decode("latin-1") for one in short),
                    any_case=False,
                    memory=KNOWN_MEMORY,
                )
        except re2.error:
            self._too_many = True

    def hide(self, data: bytes) -> bytes:
        """Return the data without the secrets, also where colours or a line break are inside one;
        nothing of it when they are too many to be looked for.
        """
        if self._too_many:
            return _encoded(HIDDEN)
        if not self.longest:
            return data
        breaks = [found.span() for found in _BREAK.finditer(data)]
        bare = _BREAK.sub(b"", data) if breaks else data
        return _replaced(data, _placed(self._spans(bare), breaks), lambda _: _encoded(HIDDEN))

    def _spans(self, bare: bytes) -> Iterator[tuple[int, int]]:
        """Yield where secrets are, in order and apart: what overlaps is one."""
        found = [span for one in self._long for span in _places(bare, one)]
        if self._pattern is not None:
            found += (match.span() for match in self._pattern.finditer(bare))
        last = (0, 0)
        for start, end in sorted(found):
            if start >= last[1]:
                yield from (last,) * (last[1] > 0)
                last = (start, end)
            last = (last[0], max(last[1], end))
        yield from (last,) * (last[1] > 0)


def _places(data: bytes, one: bytes) -> Iterator[tuple[int, int]]:
    place = data.find(one)
    while place >= 0:
        yield place, place + len(one)
        place = data.find(one, place + len(one))


def _placed(
    spans: Iterable[tuple[int, int]], breaks: list[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Yield where spans of a text without breaks are in the text with them. Both in order."""
    following, shift = 0, 0
    for start, end in spans:
        edges = []
        for place in (start, end - 1):
            while following < len(breaks) and breaks[following][0] - shift <= place:
                shift += breaks[following][1] - breaks[following][0]
                following += 1
            edges.append(place + shift)
        yield edges[0], edges[1] + 1


def secrets_of(script: str, parameters: Mapping[str, Any]) -> set[str]:
    """Return the secrets that a script holds as literals, and those that were bound to its
    parameters: as secrets, or as texts under a name that says so.
    """
    data = _encoded(script)
    spans = chain.from_iterable(find(data, cut=False) for find in _FINDERS)
    written = chain.from_iterable(_read(_decoded(data[start:end])) for start, end in spans)
    return {one for one in chain(_bound(parameters), written) if len(one) >= SHORTEST}


def masked(value: Any, *, named: bool = False) -> Any:
    """Return bound parameters without what was bound as a secret, or as a text under a name that
    says so.
    """
    if isinstance(value, Mapping):
        return (
            HIDDEN
            if "$secret" in value
            else {
                name: masked(one, named=named or bool(_NAMED.search(name)))
                for name, one in value.items()
            }
        )
    if isinstance(value, list):
        return [masked(one, named=named) for one in value]
    return HIDDEN if named and isinstance(value, str) else value


def _bound(value: Any, *, named: bool = False) -> Iterator[str]:
    if isinstance(value, Mapping) and "$secret" in value:
        yield from _texts(value["$secret"])
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _bound(one, named=named or bool(_NAMED.search(name)))
    elif isinstance(value, list):
        for one in value:
            yield from _bound(one, named=named)
    elif named and isinstance(value, str):
        yield value


def _read(literal: str) -> Iterator[str]:
    """Yield what a literal or a word holds: as it is written, and as PowerShell reads it."""
    if literal.startswith("@"):
        yield literal[2:-2].strip()
        return
    text = literal.strip("'\"")
    yield text
    if literal[:1] == "'":
        yield text.replace("''", "'")
    elif literal[:1] == '"':
        yield re.sub("`(.)", r"\1", text.replace('""', '"'))


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts in a value that was bound as a secret: it may be an object, by mistake."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _texts(one)
    else:
        yield str(value)


def redacted(text: str, secrets: Iterable[str] | Known, *, cut: bool = False) -> str:
    """Return a text without these secrets, without literals that look like one, and
    without tokens.

    `cut`: it is the beginning of a longer text, in which a literal may end.
    """
    data = _encoded(text)
    for find in _FINDERS:
        data = _replaced(data, find(data, cut=cut), _hidden_literal)
    return _without_tokens(_known(secrets).hide(data))


def redacted_beginning(text: str, length: int, secrets: Iterable[str] | Known) -> str:
    """Return the first characters of a text redacted, without a look at the rest of it."""
    known = _known(secrets)
    seen = length + max(REACH, 2 * known.longest)
    return redacted(text[:seen], known, cut=seen < len(text))[:length]


def hide_secrets(text: str, secrets: Iterable[str] | Known) -> str:
    """Return `text` without the codes and secrets, also where colours or a line break are inside
    one, and without tokens.
    """
    return _without_tokens(_known(secrets).hide(_encoded(text)))


def _known(secrets: Iterable[str] | Known) -> Known:
    return secrets if isinstance(secrets, Known) else Known(secrets)


def _without_tokens(data: bytes) -> str:
    spans = (match.span() for match in _JWT.finditer(data))
    return _decoded(_replaced(data, spans, lambda _: _encoded(HIDDEN)))


def _written(pattern: _Written, data: bytes, *, cut: bool) -> Iterator[tuple[int, int]]:
    """Yield where secrets are written down, in order: a window of the data after the other, each
    beginning where the last secret ended or REACH before the end of the window before.
    """
    start = 0
    endless: set[bytes] = set()
    while start < len(data):
        end = _whole_characters(data, start + WINDOW)
        following = max(end - REACH, start + 1) if end < len(data) else end
        last = start
        for match in pattern.closed.finditer(data[start:end]):
            at, last = start + match.start(1), start + match.end()
            if end < len(data) and last == end:
                if match.start():
                    following = start + match.start()  # it may go on behind the window
                    break
                last = _end(data, at) or last
            elif data[last : last + 1] == data[at : at + 1]:  # half of a doubled quote
                last = _end(data, at) or last
            yield at, last
            following = max(following, last)
        else:
            opened = pattern.open.search(data[last:end]) if cut or end < len(data) else None
            at = last + opened.start(1) if opened else len(data)
            opening = _opening(data, at)
            ended = _end(data, at) if opening not in endless else None
            if ended is None:
                endless.add(opening)
                ended = len(data) if cut else None
            if ended is not None and at < len(data):
                yield at, ended
                following = max(following, ended)
        start = following


def _end(data: bytes, at: int) -> int | None:
    """Return the end of the literal or the word that begins there; None for a literal that does not
    end.
    """
    found = (_WHOLE if _opening(data, at) in _QUOTES else _REST).match(data, at)
    return found.end() if found else None


def _opening(data: bytes, at: int) -> bytes:
    """Return the quote that begins there, or the two characters that begin a here-string."""
    return data[at : at + 2] if data[at : at + 1] == b"@" else data[at : at + 1]


def _piped(data: bytes, *, cut: bool) -> Iterator[tuple[int, int]]:
    """Yield the literals that are piped into ConvertTo-SecureString, in order, and of a text that
    is cut a long one at its end, which may be.
    """
    floor = 0
    for match in _PIPED.finditer(data):
        closing = match.start() - 1
        at = _beginning(data, floor, closing) if closing >= floor else -1
        if at >= 0:
            yield at, closing + 1
        floor = match.end()
    for quote in (b"'", b'"') if cut else ():
        at = data.rfind(quote, floor)
        if 0 <= at < len(data) - REACH and data.count(quote, floor) % 2:
            yield at, len(data)
            return


def _beginning(data: bytes, floor: int, closing: int) -> int:
    """Return where the literal begins that ends with this quote; -1 for none."""
    quote = data[closing : closing + 1]
    if quote == b"@":
        return data.rfind(b"@" + data[closing - 1 : closing], floor, closing - 1)
    if quote not in (b"'", b'"'):
        return -1
    place = data.rfind(quote, floor, closing)
    while place > floor:
        before = data[place - 1 : place]
        if before == quote:
            place -= 1
        elif not (quote == b'"' and before == b"`"):
            return place
        place = data.rfind(quote, floor, place)
    return place


Finder = Callable[..., Iterator[tuple[int, int]]]
_FINDERS: tuple[Finder, ...] = (*(partial(_written, one) for one in _PATTERNS), _piped)


def _whole_characters(data: bytes, end: int) -> int:
    """Return a place that is in no character, at or shortly before `end`."""
    while end < len(data) and data[end] & 0xC0 == 0x80:
        end -= 1
    return min(end, len(data))


def _hidden_literal(secret: bytes) -> bytes:
    quote = secret[:1] if secret[:1] in (b"'", b'"') else b"'"
    return quote + _encoded(HIDDEN) + quote


def _replaced(
    data: bytes, spans: Iterable[tuple[int, int]], replacement: Callable[[bytes], bytes]
) -> bytes:
    pieces, last = [], 0
    for start, end in spans:
        pieces += [data[last:start], replacement(data[start:end])]
        last = end
    return b"".join([*pieces, data[last:]]) if pieces else data


def _encoded(text: str) -> bytes:
    """Return a text as UTF-8; output may have halves of surrogate pairs."""
    return text.encode("utf-8", "surrogatepass")


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def hide_in_record(record: Record, secrets: Collection[str]) -> Record:
    """Return the record with no text that holds a code, a secret or a token."""
    return replace(
        record,
        message=hide_secrets(record.message, secrets),
        causes=tuple(hide_secrets(cause, secrets) for cause in record.causes),
        error_id=hide_secrets(
            record.error_id, secrets
        ),  # a script names its errors, and who wrote them, as it likes
        command=hide_secrets(record.command, secrets),
        target=hide_secrets(record.target, secrets),
        position=hide_secrets(record.position, secrets),
        script_stack=hide_secrets(record.script_stack, secrets),
    )
