"""The marks that enclose text which is not ours.

They carry a number that is unique to the answer, so that no output can forge them.
"""

import re
import secrets
from dataclasses import dataclass

from pwsh_kernels.escapes import one_line
from pwsh_kernels.mcp.answers.words import ended

NUMBER_BYTES = 4
NAME_CHARS = 100
_LOOKS_LIKE_A_MARK = re.compile(r"(^|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029])([^\S\n]*)(-{5} ?\w)")
"""At the beginning of a line; the line below a table's headings has dashes and spaces alone."""


def escaped(text: str) -> str:
    """Return the text with a backslash before every line that looks like a mark."""
    return _LOOKS_LIKE_A_MARK.sub(r"\1\2\\\3", text)


def named(text: str) -> str:
    """Return a foreign name, such as an account, in a form that is safe within one of our lines."""
    return one_line(text)[:NAME_CHARS]


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one answer."""

    number: str

    @classmethod
    def fresh(cls) -> "Marks":
        """Return marks with a new number."""
        return cls(secrets.token_hex(NUMBER_BYTES))

    def line(self, title: str) -> str:
        """Return one mark."""
        return f"----- {self.number} {title} -----"

    def part(self, title: str, text: str) -> str:
        """Return text under its mark; nothing for no text."""
        return f"{self.line(title)}\n{ended(escaped(text))}" if text else ""

    def closed(self, *parts: str) -> str:
        """Return the non-empty parts, followed by the end mark; nothing if there are none."""
        body = "".join(parts)
        return f"{body}{self.line('end')}" if body else ""

    def around(self, title: str, text: str) -> str:
        """Return one text between two marks."""
        return self.closed(self.part(title, text))
