"""Host text as on a terminal: colours as escape sequences, and a cleared screen.

Pure.
"""

import re
from collections.abc import Iterator

_CLEAR = re.compile(r"\x1b\[H\x1b\[2?J(?:\x1b\[3J)?\n?")
"""The output of `clear`, which Clear-Host writes, as terminfo defines it for today's terminals. As
a line of output it has a line end.
"""
_COLOURS = (
    "Black", "DarkRed", "DarkGreen", "DarkYellow", "DarkBlue", "DarkMagenta", "DarkCyan", "Gray",
    "DarkGray", "Red", "Green", "Yellow", "Blue", "Magenta", "Cyan", "White",
)  # fmt: skip
"""[ConsoleColor] in the order of the escape sequences, as $PSStyle.Foreground.FromConsoleColor
gives them.
"""
_BRIGHT = 8
_USUAL = ("Gray", "Black")
"""Default colours of the host (protocol.py reports them to PowerShell)."""


def coloured(text: str, foreground: str, background: str) -> str:
    """Return the text in two [ConsoleColor]s, "" for none; unchanged when they are the usual ones
    or unknown.
    """
    asked = ((foreground, _USUAL[0], 0), (background, _USUAL[1], 10))
    codes = [
        _code(name) + offset for name, usual, offset in asked if name != usual and name in _COLOURS
    ]
    begin = "".join(f"\x1b[{code}m" for code in codes)
    return f"{begin}{text}\x1b[0m" if codes and text else text


def _code(name: str) -> int:
    number = _COLOURS.index(name)
    return 30 + number if number < _BRIGHT else 90 + number - _BRIGHT


def screens(text: str) -> Iterator[str]:
    """Yield the text before, between and after each clearing of the screen."""
    yield from _CLEAR.split(text) if "\x1b[H" in text else (text,)
