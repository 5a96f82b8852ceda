"""Whose cells the kernels of sessions run: remembered from the moment at which a notebook sends one
until its run is there.
"""

MOST = 10_000
"""Cells that may wait for their turn; of more, the oldest become runs of nobody known."""


class Senders:
    """The principals behind the execute requests of Jupyter clients, by the requests' ids."""

    def __init__(self, most: int = MOST) -> None:
        self._known: dict[str, str] = {}
        self._most = most

    def note(self, message_id: str, principal: str) -> None:
        """Somebody sends a cell."""
        self._known.pop(message_id, None)
        self._known[message_id] = principal
        while len(self._known) > self._most:
            del self._known[next(iter(self._known))]

    def take(self, message_id: str) -> str:
        """Return whose it is, and forget it; "": nobody knows."""
        return self._known.pop(message_id, "")
