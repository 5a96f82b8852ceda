"""Whether code is complete, according to PowerShell's own parser.

Pure: reads the output of scripts/completeness.ps1.
"""

from collections.abc import Sequence
from typing import Any

INDENT = "    "
OPEN_TEXTS = {"TerminatorExpectedAtEndOfString", "MissingTerminatorMultiLineComment"}
"""Errors of an open string, here-string or comment: an indent would become part of it."""


def answer(output: Sequence[Any]) -> dict[str, str]:
    """Return the content of an is_complete_reply: code that further lines can complete is
    `incomplete`.
    """
    depth, *rest = output or (0,)
    errors = dict(zip(rest[::2], rest[1::2], strict=True))
    if not errors:
        return {"status": "complete"}
    if not all(errors.values()):
        return {"status": "invalid"}
    levels = 0 if OPEN_TEXTS & set(errors) else max(int(depth), 0)
    return {"status": "incomplete", "indent": INDENT * levels}


def unknown() -> dict[str, str]:
    """Return the content of the reply if PowerShell could not be asked."""
    return {"status": "unknown"}
