"""A command as an approver reads it: aliases resolved, and nothing in it that cannot be seen.

Pure.
"""

import re
import unicodedata
from collections.abc import Iterable

from pwsh_kernels.classification import Found

LINE_END = re.compile(r"(\r\n|\r|\n)")
"""Where PowerShell's parser counts a line; the ends stay between the lines."""
PLAIN = frozenset("\n\t")
"""Control characters that stay: a text has lines and indents."""


def canonical_text(text: str, commands: Iterable[Found]) -> str:
    """Return a text with the names of its aliases resolved, and with control characters and every
    letter that is not ASCII written as U+….

    Letters of other scripts may look like those of a command; an approver must see the difference.
    """
    return visible(with_names(text, commands))


def with_names(text: str, commands: Iterable[Found]) -> str:
    """Return a text with each alias replaced by its command."""
    pieces = LINE_END.split(text)
    # From the end, so that the places before stay as they are.
    for one in sorted(commands, key=lambda one: (one.place.line, one.place.column), reverse=True):
        at = 2 * (one.place.line - 1)
        if one.written and one.written != one.name and at < len(pieces):
            pieces[at] = _with_name(pieces[at], one)
    return "".join(pieces)


def _with_name(line: str, found: Found) -> str:
    """Return a line with one command's name; .NET counts columns in UTF-16."""
    units = line.encode("utf-16-le", "surrogatepass")
    before = units[: (found.place.column - 1) * 2].decode("utf-16-le", "surrogatepass")
    rest = line[len(before) :]
    at = rest.find(found.written)
    if at < 0:
        return line
    return before + rest[:at] + found.name + rest[at + len(found.written) :]


def visible(text: str) -> str:
    """Return a text with everything written out that is not a plain character or a space."""
    return "".join(map(_shown, text.replace("\r\n", "\n")))


def one_line(text: str) -> str:
    """Return a text likewise, in one line: a second one could pose as a line of ours."""
    return visible(" ".join(text.split()))


def _shown(character: str) -> str:
    if character in PLAIN or " " <= character <= "~":
        return character
    name = unicodedata.name(character, "")
    return f"<U+{ord(character):04X}{' ' + name if name else ''}>"
