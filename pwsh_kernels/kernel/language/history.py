"""The cells that a kernel has run, for history requests.

Bounded by number and size; the oldest go first.
"""

import fnmatch
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

MAX_CELLS = 1000
MAX_CHARS = 1_000_000


class Cell(NamedTuple):
    """One cell: its number and its code."""

    number: int
    code: str


class History:
    """Cells in the order in which they ran."""

    def __init__(self, max_cells: int = MAX_CELLS, max_chars: int = MAX_CHARS) -> None:
        self._cells: deque[Cell] = deque()
        self._chars = 0
        self._max_cells = max_cells
        self._max_chars = max_chars

    def add(self, number: int, code: str) -> None:
        """Remember a cell. One that is longer than the whole limit is not kept."""
        self._cells.append(Cell(number, code))
        self._chars += len(code)
        while self._cells and (len(self._cells) > self._max_cells or self._chars > self._max_chars):
            self._chars -= len(self._cells.popleft().code)

    def tail(self, n: int | None) -> list[Cell]:
        """Return the last `n` cells (None: all)."""
        return list(self._cells)[-n:] if n else list(self._cells if n is None else ())

    def range(self, start: int | None, stop: int | None) -> list[Cell]:
        """Return the cells with start <= number < stop."""
        return [
            one
            for one in self._cells
            if (start is None or one.number >= start) and (stop is None or one.number < stop)
        ]

    def search(self, pattern: str, n: int | None, *, unique: bool) -> list[Cell]:
        """Return the last `n` cells whose code matches a glob pattern; `unique` keeps the newest of
        equal ones.
        """
        found = [one for one in self._cells if fnmatch.fnmatchcase(one.code, pattern)]
        kept = _newest_of_equal(found) if unique else found
        return kept[-n:] if n else kept


def _newest_of_equal(cells: Iterable[Cell]) -> list[Cell]:
    return sorted({one.code: one for one in cells}.values())


def answer(history: History, request: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a history_reply.

    There is one session, number 0; outputs are not kept and are null.
    """
    cells = _select(history, request)
    output = bool(request.get("output"))
    return {
        "status": "ok",
        "history": [[0, one.number, [one.code, None] if output else one.code] for one in cells],
    }


def _select(history: History, request: dict[str, Any]) -> list[Cell]:
    kind, n = request.get("hist_access_type"), request.get("n")
    if kind == "range":
        return (
            history.range(request.get("start"), request.get("stop"))
            if not request.get("session")
            else []
        )
    if kind == "search":
        return history.search(request.get("pattern") or "*", n, unique=bool(request.get("unique")))
    return history.tail(n)
