"""Removes whatever a terminal would obey in a text (ECMA-48): one filter for every sink.

Imports nothing of ours.
"""

import logging
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

MAX_STRING = 4096
"""Longest title or similar sequence that is removed completely; the text after that is shown."""
RESET = "\x1b[0m"

_STRING = "[\\x9d\\x90\\x98\\x9e\\x9f]|\\x1b[\\]PX^_]"
_IN_STRING = "[^\\x07\\x18\\x1a\\x1b\\x80-\\x9f\\n]"
_TAKEN = re.compile(
    r"(?P<colour>(?:\x1b\[|\x9b)(?P<how>[0-9;:]*)m)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    rf"|(?:{_STRING}){_IN_STRING}{{0,{MAX_STRING}}}(?:\x07|\x18|\x1a|\x9c|\x1b\\)?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
_UNFINISHED = re.compile(
    rf"(?:(?:{_STRING}){_IN_STRING}{{0,{MAX_STRING - 1}}}\x1b?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*|\x1b[ -/]*)\Z"
)
_LONE_SURROGATES = re.compile(r"[\ud800-\udfff]")
_HIDDEN_IN_JSON = re.compile(
    r"[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories of controls, formats (such as those that turn the direction of writing),
half characters, and separators of lines and paragraphs.
"""


class EscapeFilter:
    """Removes escape sequences and control characters from a text that arrives in pieces.

    Line ends and tabs stay; with `colours`, only for a terminal, colours too. A sequence may span
    several pieces.
    """

    def __init__(self, *, colours: bool = False) -> None:
        self._colours = colours
        self._coloured = False
        self._held = ""

    def feed(self, piece: str) -> str:
        """Return what may be shown of the text so far that was not returned yet."""
        text = self._held + piece
        begun = unfinished(text)
        self._held = text[begun:]
        return _TAKEN.sub(self._shown, text[:begun])

    def end(self) -> str:
        """Return the rest of the text; an unfinished sequence is dropped."""
        self._held = ""
        coloured, self._coloured = self._coloured, False
        return RESET if coloured else ""

    def _shown(self, found: re.Match[str]) -> str:
        if not self._colours or found["colour"] is None:
            return ""
        self._coloured = found["how"] not in ("", "0")
        return f"\x1b[{found['how']}m"


def unfinished(text: str) -> int:
    """Return where the escape sequence begins that the text does not end; its length where none
    does.
    """
    found = _UNFINISHED.search(text)
    return found.start() if found else len(text)


def without_escapes(text: str, *, colours: bool = False) -> str:
    """Return a whole text as the filter shows it."""
    one = EscapeFilter(colours=colours)
    return one.feed(text) + one.end()


def plain(text: str) -> str:
    """Return the text without terminal escapes and without characters that JSON cannot carry."""
    return whole_characters(without_escapes(text))


def whole_characters(text: str) -> str:
    """Return the text without halves of characters, which JSON cannot carry."""
    return _LONE_SURROGATES.sub("\ufffd", text)


def visible(text: str) -> str:
    """Return the text with every character that is not seen, or moves others, as `\\u{CODE}`.

    What a person is to judge must be what they see. Line ends and tabs stay.
    """
    return "".join(
        f"\\u{{{ord(one):X}}}"
        if unicodedata.category(one) in _UNSEEN and one not in "\n\t"
        else one
        for one in text.replace("\r\n", "\n")
    )


def one_line(text: str) -> str:
    """Return a foreign name, command or title in one line in which nothing is hidden."""
    return visible(" ".join(text.split()))


def visible_json(text: str) -> str:
    """Return a JSON text with the invisible characters in its strings as JSON escapes."""
    return _HIDDEN_IN_JSON.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


class LogFilter(logging.Filter):
    """Keeps foreign names and messages from reaching a log raw; inserted texts stay in one line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record's message and its traceback."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                visible(one).replace("\n", "\\n") if isinstance(one, str) else one
                for one in record.args
            )
        try:
            record.msg, record.args = visible(record.getMessage()), None
        except (TypeError, ValueError):  # a wrong call: the handler reports it
            return True
        if record.exc_info and not record.exc_text:
            record.exc_text = visible(logging.Formatter().formatException(record.exc_info))
        return True


def filter_handlers(logger: logging.Logger) -> None:
    """Filter everything that a logger's handlers write, whoever logs it."""
    for handler in logger.handlers:
        handler.addFilter(LogFilter())


def plain_json(value: Any) -> Any:
    """Return a JSON value whose texts, including names, are plain."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {plain(str(name)): plain_json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(one) for one in value]
    return value
