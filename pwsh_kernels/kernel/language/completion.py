"""Completion by PowerShell's TabExpansion2, with its UTF-16 offsets turned into Jupyter's code
points.

Pure: parameters and answer of scripts/completion.ps1.
"""

from collections.abc import Mapping, Sequence
from typing import Any

MAX_MATCHES = 500
KINDS: Mapping[str, str] = {
    "ParameterName": "parameter",
    "ParameterValue": "value",
    "ProviderItem": "path",
    "ProviderContainer": "path",
    "Type": "class",
    "DynamicKeyword": "keyword",
}
"""What notebooks show for PowerShell's kinds of completion; the other kinds keep their names, in
small letters.
"""


def parameters(code: str, cursor: int) -> Mapping[str, object]:
    """Return the script's parameters; `cursor` counts code points."""
    values = {"Code": code, "Cursor": utf16_units(code, cursor), "Most": MAX_MATCHES}
    return {f"PwshKernels{name}": value for name, value in values.items()}


def no_matches(cursor: int) -> dict[str, Any]:
    """Return the content of a complete_reply without a match."""
    return {
        "status": "ok",
        "matches": [],
        "cursor_start": cursor,
        "cursor_end": cursor,
        "metadata": {},
    }


def answer(code: str, cursor: int, output: Sequence[Any]) -> dict[str, Any]:
    """Return the content of a complete_reply from the script's output."""
    index, length, *rest = output or (-1, -1)
    if index < 0 or not rest:
        return no_matches(cursor)
    start, end = code_points(code, index), code_points(code, index + length)
    found = {str(text): str(kind) for text, kind in zip(rest[::2], rest[1::2], strict=True)}
    types = [
        {"text": text, "type": KINDS.get(kind, kind.lower()), "start": start, "end": end}
        for text, kind in found.items()
    ]
    return {
        "status": "ok",
        "matches": list(found),
        "cursor_start": start,
        "cursor_end": end,
        "metadata": {"_jupyter_types_experimental": types},
    }


def utf16_units(text: str, points: int) -> int:
    """Return how many UTF-16 units the first `points` code points of a text take."""
    return len(text[:points].encode("utf-16-le", "surrogatepass")) // 2


def code_points(text: str, units: int) -> int:
    """Return how many code points the first `units` UTF-16 units of a text hold; half a pair counts
    as one.
    """
    return len(
        text.encode("utf-16-le", "surrogatepass")[: units * 2].decode("utf-16-le", "replace")
    )
