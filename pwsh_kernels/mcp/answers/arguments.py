"""Reads the arguments of pwsh_output, and joins lines with their numbers.

Pure.
"""

import re
from collections.abc import Sequence

from pwsh_kernels.errors import InvalidRequest
from pwsh_kernels.escapes import plain
from pwsh_kernels.shapes import Line, LinesRange, Order

MOST_LINES = 1_000
"""Lines of one answer; the characters of an answer are bounded too."""
_RANGE = re.compile(r"(-?\d+)(?:\s*(?:-|\.\.|:)\s*(\d+))?")


def one_way(*, page: bool, lines: bool, objects: bool) -> None:
    """Raise InvalidRequest if the arguments ask for more than one way to read an output: the others
    would be ignored silently.
    """
    if page + lines + objects > 1:
        raise InvalidRequest(
            "cursor",
            "is one way to read; lines and search are another; where, sort_by, select, skip, format"
            " a third: use one",
        )


def line_range(text: str) -> LinesRange:
    """Return `from` and `count` of "200-260", "200" (from there on) or "-50" (the last 50).

    Raises InvalidRequest.
    """
    found = _RANGE.fullmatch(text.strip())
    first = int(found[1]) if found else 0
    last = int(found[2]) if found and found[2] else None
    if first == 0 or (last is not None and not 0 < first <= last):
        raise InvalidRequest(
            "lines",
            'must be a range such as "200-260", a first line such as "200", or "-50" for the'
            " last 50",
        )
    if last is None:
        return {"from": first, "count": min(-first, MOST_LINES) if first < 0 else MOST_LINES}
    return {"from": first, "count": min(last - first + 1, MOST_LINES)}


def condition_list(given: Sequence[str] | str | None) -> list[str]:
    """Return the conditions; a single one may be a plain text."""
    return [given] if isinstance(given, str) and given.strip() else list(given or ())


def name_list(given: Sequence[str] | str | None) -> list[str] | None:
    """Return property names, which may be one text with commas. None if there are none."""
    names = given.split(",") if isinstance(given, str) else list(given or ())
    return [name.strip() for name in names if name.strip()] or None


def sort_order(given: str) -> Order:
    """Return `sort_by` and `descending` of "Name", "Name desc" or "-Name"."""
    name, _, order = given.strip().partition(" ")
    descending = name.startswith("-") or order.strip().lower() in ("desc", "descending")
    return {"sort_by": name.lstrip("-"), "descending": descending} if name else {}


def numbered(found: Sequence[Line], limit: int) -> tuple[str, int, int | None]:
    """Return lines with their numbers, as many as fit; how many; the number of the first that did
    not fit.

    Gaps between them are marked by --.
    """
    text, previous = "", 0
    for count, line in enumerate(found):
        gap = "--\n" if previous and line["number"] != previous + 1 else ""
        added = f"{gap}{line['number']}: {plain(line['text'])}\n"
        if text and len(text) + len(added) > limit:
            return text, count, line["number"]
        text, previous = text + added, line["number"]
    return text, len(found), None
